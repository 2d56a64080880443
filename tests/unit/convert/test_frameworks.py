import pytest

from hetsched.convert.capability_rows import index, read_csv, table
from hetsched.convert.frameworks import (
    CAVEATS,
    TABLES,
    described,
    find,
    limits,
    matrix,
    title_of,
)
from hetsched.errors import CapabilityError


def test_the_matrix_is_table_1_cell_for_cell() -> None:
    paper = {row["framework"]: row for row in read_csv("table1.csv")}
    assert len(paper) == 11
    hardware = [name for name in next(iter(paper.values())) if name != "framework"]
    assert [(c.framework, c.hardware) for c in matrix()] == [
        (f, h) for f in paper for h in hardware
    ]
    # Ticks per row of the paper's table.
    assert sum(cell.paper for cell in matrix()) == 3 + 5 + 5 + 5 + 4 + 3 + 6 + 2 + 4 + 6 + 4
    both = zip(matrix(), read_csv("table1_today.csv"), strict=True)
    assert all(cell.paper == (row["paper"] == "yes") for cell, row in both)


def test_cells_of_today_say_how_sure_they_are() -> None:
    for cell in matrix():
        assert cell.today in ("yes", "no", "partial", "host-only")
        assert cell.confidence in ("seen", "inferred", "unverified")
        assert cell.note
        assert cell.source or cell.confidence != "seen"
    cells = {(cell.framework, cell.hardware): cell for cell in matrix()}
    fpga = cells["Apache TVM", "FPGA"]
    assert (fpga.paper, fpga.today, fpga.confidence) == (True, "no", "seen")
    apu = cells["MiniDNN", "APU"]
    assert (apu.paper, apu.today) == (True, "no")
    assert "another engine" in CAVEATS["MiniDNN"]


def test_every_framework_of_table_1_has_op_tables() -> None:
    assert list(TABLES) == list(dict.fromkeys(cell.framework for cell in matrix()))
    assert {name for names in TABLES.values() for name in names} <= set(index())
    assert title_of("executorch") == "PyTorch Mobile"
    assert title_of("ncnn") is None


def test_frameworks_are_found_by_either_name() -> None:
    assert find("tflite") == ("tflite",)
    assert find("TensorFlow Lite") == ("tflite",)
    assert find("minidnn") == find("MiniDNN") == ("minidnn",)
    assert find("PyTorch Mobile") == ("pytorch_mobile", "executorch")
    with pytest.raises(CapabilityError, match="unknown framework 'tensorflow light': did you mean"):
        find("tensorflow light")


@pytest.mark.parametrize("framework", list(index()))
def test_counts_are_those_of_the_rows(framework: str) -> None:
    listed = {row["backend"]: row for row in read_csv("index.csv") if row["framework"] == framework}
    for backend in described(framework):
        row = listed.pop(backend.name)
        # index.csv states the counts as they were when the table was made.
        stated = (int(row["full"]), int(row["partial"]), int(row["none"]))
        assert (backend.full, backend.partial, backend.none) == stated
        assert sum(stated) == len(table(framework, backend.name).rows)
        assert backend.closed_world == (row["closed_world"] == "yes")
        assert backend.source
    assert not listed


def test_limits_of_a_framework_and_of_a_backend() -> None:
    ranks = [limit for limit in limits("mace", "apu") if limit.limit == "max_rank"]
    assert [limit.value for limit in ranks] == ["4 (ops, tensors and graph inputs)"]
    assert {limit.backend for limit in limits("mace")} >= {"apu", "converter", "gpu-opencl"}
    # `openvino-*` and `(all)` stand for several backends.
    assert [limit.limit for limit in limits("onnxruntime", "openvino-gpu")] == ["fallback"]
    assert [limit.limit for limit in limits("caffe", "cpu")] == ["maintenance"]
    assert limits("samsung-one") == ()
