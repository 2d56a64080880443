"""Tables of measurements: what is refused, and how."""

from pathlib import Path

import pytest

from hetsched.cost.calibrate.features import published, read_features
from hetsched.cost.calibrate.graph import graph_features
from hetsched.cost.calibrate.rows import check_physical, choose, read_rows
from hetsched.errors import CostError
from hetsched.soc.calibration import Select
from tests.unit.cost.nets import mobilenet_v1, resnet50

HEAD = "soc,unit,framework,threads,dtype,model,input_shape,ms,measured"
GOOD = "x,cpu:big,ncnn,4,fp32,mobilenet_v1,1x3x224x224,20.5,2026"


def table(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "my.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_row_is_read_and_chosen(tmp_path: Path) -> None:
    rows = read_rows(table(tmp_path, HEAD, GOOD, GOOD.replace("x,cpu:big", "y,cpu:big")))
    assert [(row.soc, row.ms, row.key) for row in rows] == [
        ("x", 20.5, ("mobilenet_v1", "1x3x224x224")),
        ("y", 20.5, ("mobilenet_v1", "1x3x224x224")),
    ]
    assert choose(rows, [Select(soc="y", unit="cpu:big")]) == rows[1:]
    assert choose(rows, [Select(soc="y", unit="cpu:big", threads=1)]) == ()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([HEAD.replace(",ms", "")], "my.csv:1: column 'ms' is missing"),
        ([HEAD, GOOD.replace("20.5", "-3")], "my.csv:2: ms -3 must be a number of zero or more"),
        ([HEAD, GOOD.replace("20.5", "0")], "my.csv:2: ms 0 must be above zero: drop the row"),
        ([HEAD, GOOD.replace("20.5", "nan")], "my.csv:2: ms nan must be a number"),
        ([HEAD, GOOD.replace("20.5", "20.5 us")], "my.csv:2: ms '20.5 us' is not a plain number"),
        ([HEAD, GOOD.replace("fp32", "")], "my.csv:2: dtype is empty: fill it in or drop the row"),
        ([HEAD, GOOD.replace("1x3x224x224", "")], "my.csv:2: input_shape is empty"),
        ([HEAD, GOOD, GOOD.replace("20.5", "21")], "my.csv:3: same soc, unit, .* as my.csv:2"),
        ([HEAD, GOOD + ",1"], "my.csv:2: more cells than the header has"),
        (
            [HEAD + ",unit_of_measure", GOOD + ",ms", GOOD.replace("2026", "2025") + ",s"],
            "my.csv:3: unit_of_measure 's' is not ms: convert the row",
        ),
    ],
)
def test_a_wrong_table_is_one_line_with_row_field_and_remedy(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(CostError, match=message) as error:
        read_rows(table(tmp_path, *lines))
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CostError, match=r"none\.csv can't be read: No such file"):
        read_rows(tmp_path / "none.csv")


def test_a_time_beyond_the_physical_peak_is_refused(tmp_path: Path) -> None:
    """MobileNet v1 without its 10.84 MMAC of 3x3 at 1/5.06: 560.0 MMAC, 56 ms at 10 GMAC/s."""
    rows = read_rows(table(tmp_path, HEAD, GOOD))
    check_physical(rows, published(), 28e9)
    check_physical(rows, published(), None)
    with pytest.raises(CostError, match=r"my.csv:2: mobilenet_v1 in 20.5 ms is beyond .* 56 ms"):
        check_physical(rows, published(), 10e9)


def test_features_with_a_mistake_are_refused(tmp_path: Path) -> None:
    head = "model,input_shape,mmac_conv1x1,mmac_conv_other,mmac_dwconv,mmac_fc"
    path = table(tmp_path, head + ",activation_melems,kernels", "m,1x3,1,1,1,1,1,-2")
    with pytest.raises(CostError, match=r"my.csv:2: kernels -2 must be a number of zero or more"):
        read_features(path)
    path = table(tmp_path, head + ",activation_melems,kernels", *["m,1x3,1,1,1,1,1,2"] * 2)
    with pytest.raises(CostError, match=r"my.csv:3: m 1x3 is there twice: keep one row"):
        read_features(path)


def test_a_graph_has_the_features_that_were_published_for_it() -> None:
    """The published ones are of ncnn's graphs, which count input and softmax as kernels."""
    for graph, model in ((mobilenet_v1(), "mobilenet_v1"), (resnet50(), "resnet50")):
        mine, theirs = graph_features(graph), published()[model, "1x3x224x224"]
        assert mine.pointwise == pytest.approx(theirs.pointwise, rel=0.001)
        assert mine.winograd + mine.spatial == pytest.approx(
            theirs.winograd + theirs.spatial, rel=0.001
        )
        assert mine.depthwise == pytest.approx(theirs.depthwise, abs=1e4)
        assert mine.weights == pytest.approx(theirs.weights, rel=0.01)
        assert mine.activations == pytest.approx(theirs.activations, rel=0.2)
        assert mine.kernels == pytest.approx(theirs.kernels, rel=0.2)


@pytest.mark.parametrize(
    ("head", "time"),
    [
        (HEAD.replace(",unit,", ",unit_or_backend,"), "20.5"),
        (HEAD.replace(",ms", ",time_ms"), "20.5"),
        (HEAD.replace(",ms", ",time_us"), "20500"),
        (HEAD.replace(",ms", ",time_ns"), "20500000"),
        ("\ufeff" + HEAD.replace(",ms", ", ms"), "20.5"),
    ],
)
def test_columns_may_have_the_names_of_other_tables(tmp_path: Path, head: str, time: str) -> None:
    (row,) = read_rows(table(tmp_path, head, GOOD.replace("20.5", time)))
    assert row.unit == "cpu:big"
    assert row.ms == pytest.approx(20.5)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (",time_us", "my.csv:1: mixed units: columns ms and time_us: keep one of them"),
        (",time_ms", "my.csv:1: columns 'ms' and 'time_ms' say the same: keep one of them"),
        (",unit", "my.csv:1: columns 'unit' and 'unit' say the same"),
    ],
)
def test_a_column_that_is_there_twice_is_refused(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(CostError, match=message):
        read_rows(table(tmp_path, HEAD + more, GOOD + ",1"))
