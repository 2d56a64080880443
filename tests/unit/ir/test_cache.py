"""Prepared graphs on disk: equal to fresh ones, found for the same input only."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from hetsched.errors import ModelError
from hetsched.ir import cache as module
from hetsched.ir.cache import MIN_OPS, GraphCache, Prepared, graph_cache
from hetsched.ir.extract import save_whole
from hetsched.ir.graph import Graph, Op, Tensor
from hetsched.ir.load import load


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/hetsched/graphs"


def chain(path: Path, length: int = MIN_OPS, op_type: str = "Neg") -> Path:
    """X -> op -> ... -> Y, each of a free batch size."""
    names = ["X", *(f"h{index}" for index in range(length - 1)), "Y"]
    nodes = [helper.make_node(op_type, [a], [b], f"n{b}") for a, b in pairwise(names)]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 2]) for name in "XY"]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:])
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


SHAPES = {"X": (3, 2)}


def test_a_cached_model_is_equal_to_a_fresh_one(tmp_path: Path, own_cache: Path) -> None:
    path = chain(tmp_path / "m.onnx")
    fresh = load(path, shapes=SHAPES)
    assert len(list(own_cache.iterdir())) == 1
    assert load(path, shapes=SHAPES) == fresh


def test_a_zoo_model_survives_the_cache(own_cache: Path) -> None:
    # ppocr-rec has attributes of every kind, and constants whose values decide support.
    fresh = load("zoo:ppocr-rec")
    assert len(list(own_cache.iterdir())) == 1
    assert load("zoo:ppocr-rec") == fresh


def test_every_kind_of_content_survives(tmp_path: Path) -> None:
    body = Graph(
        ops=(), tensors={}, inputs=(), outputs=("o",), constants=frozenset("o"), values={"o": (1,)}
    )
    op = Op(
        name="a",
        op_type="If",
        domain="d",
        opset=3,
        inputs=("x", ""),
        outputs=("y",),
        attributes={"i": 2, "f": 1.0, "s": "t", "b": True, "l": (1, 2), "g": (0.5,), "t": ("u",)},
        captures=("z",),
        bodies={"then_branch": body},
    )
    graph = Graph(
        ops=(op,) * MIN_OPS,
        tensors={
            "x": Tensor(name="x", dtype=None, shape=None),
            "z": Tensor(name="z", dtype="int8", shape=(2, None)),
        },
        inputs=("x",),
        outputs=("y",),
        constants=frozenset({"z"}),
        values={"z": (1.5, float("inf")), "w": (True, "s")},
    )
    prepared = Prepared(sha256="s", shapes={"x": (1, 2)}, graph=graph, prepared_sha256="p")
    entry = GraphCache(entry=tmp_path / "e.msgpack", file_sha256="s")
    entry.write(prepared)
    found = entry.read()
    assert found == prepared
    # 1.0 and 1, True and 1 are equal in Python but not in a model.
    assert found is not None
    for name, value in found.graph.ops[0].attributes.items():
        assert type(value) is type(op.attributes[name])
    assert [type(value) for value in found.graph.values["w"]] == [bool, str]


def test_other_shapes_another_file_or_other_code_is_a_miss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = chain(tmp_path / "m.onnx")
    first = graph_cache(path, SHAPES)
    assert first is not None
    assert graph_cache(path, SHAPES) == first
    others = [graph_cache(path, {"X": (4, 2)}), graph_cache(path, {})]
    others.append(graph_cache(chain(tmp_path / "n.onnx", op_type="Abs"), SHAPES))
    with monkeypatch.context() as patch:
        patch.setattr(module, "version", lambda _: "0.0")
        others.append(graph_cache(path, SHAPES))
    with monkeypatch.context() as patch:
        patch.setattr(module, "_code", lambda: [["load.py", 1, 1]])
        others.append(graph_cache(path, SHAPES))
    assert len({first.entry, *(each.entry for each in others if each is not None)}) == 6


def test_small_graphs_arent_kept(tmp_path: Path, own_cache: Path) -> None:
    load(chain(tmp_path / "m.onnx", length=3), shapes=SHAPES)
    assert not own_cache.exists()


def test_a_model_with_external_data_isnt_kept(tmp_path: Path) -> None:
    # Its digest is of all its files, so it isn't that of the model file.
    graph = load(chain(tmp_path / "m.onnx"), shapes=SHAPES).graph
    entry = GraphCache(entry=tmp_path / "e.msgpack", file_sha256="of one file")
    entry.write(Prepared(sha256="of all", shapes={}, graph=graph, prepared_sha256="p"))
    assert not entry.entry.exists()


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x94\x01\x02\x03\x04", b"\x93\xa1a\xa1b\x80"])
def test_a_damaged_entry_is_as_good_as_none(
    content: bytes, tmp_path: Path, own_cache: Path
) -> None:
    path = chain(tmp_path / "m.onnx")
    fresh = load(path, shapes=SHAPES)
    (entry,) = own_cache.iterdir()
    entry.write_bytes(content)
    assert load(path, shapes=SHAPES) == fresh


def test_a_cache_that_cant_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert load(chain(tmp_path / "m.onnx"), shapes=SHAPES).name == "m"


def test_the_oldest_entries_go_first(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 2)
    kept: list[Path] = []
    for batch in (1, 2, 3):
        load(chain(tmp_path / "m.onnx"), shapes={"X": (batch, 2)})
        (new,) = set(own_cache.iterdir()) - set(kept)
        os.utime(new, (batch, batch))
        kept.append(new)
    load(chain(tmp_path / "m.onnx"), shapes={"X": (4, 2)})
    left = set(own_cache.iterdir())
    assert len(left) == 2
    assert kept[2] in left


def test_the_onnx_graph_of_a_cached_model_is_made_when_asked_for(tmp_path: Path) -> None:
    path = chain(tmp_path / "m.onnx")
    load(path, shapes=SHAPES)
    model = load(path, shapes=SHAPES)
    save_whole(model, tmp_path / "again.onnx")
    assert len(onnx.load(tmp_path / "again.onnx").graph.node) == MIN_OPS
    assert model.onnx() is model.onnx()


def test_a_file_that_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    path = chain(tmp_path / "m.onnx")
    load(path, shapes=SHAPES)
    model = load(path, shapes=SHAPES)
    chain(path, op_type="Abs")
    with pytest.raises(ModelError, match=r"m\.onnx has changed since it was loaded"):
        save_whole(model, tmp_path / "again.onnx")


def test_loading_a_cached_model_needs_no_onnx_library(tmp_path: Path) -> None:
    path = chain(tmp_path / "m.onnx")
    load(path, shapes=SHAPES)
    program = (
        "import sys; from hetsched.ir.load import load; "
        f"load({str(path)!r}, shapes={SHAPES!r}); "
        "sys.exit(sum(name in sys.modules for name in ('onnx', 'onnx_ir', 'sympy')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
