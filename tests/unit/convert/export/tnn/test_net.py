"""Names that TNN's readers take."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from hetsched.convert.export.frame import export
from hetsched.convert.export.target import find
from hetsched.convert.export.tnn.net import LONGEST_NAME, short_names
from hetsched.ir.load import load
from tests.unit.convert.export.models import write

from .reader import read


@given(st.lists(st.text(max_size=60), max_size=20))
def test_names_are_short_plain_and_unique(names: list[str]) -> None:
    found = short_names(names)
    assert found.keys() == set(names)
    assert len(set(found.values())) == len(found)
    for name in found.values():
        assert 0 < len(name) <= LONGEST_NAME
        assert not set(name) & set(' ,:"')


def test_good_names_stay() -> None:
    assert short_names(["x", "conv1/out.0"]) == {"x": "x", "conv1/out.0": "conv1/out.0"}


def test_a_report_says_what_an_input_is_called(tmp_path: Path) -> None:
    long = "save_infer_model/scale 0.tmp_1 of this long model"
    nodes = [
        helper.make_node("Relu", ["in put"], ["mid"], long),
        helper.make_node("PRelu", ["mid", "w"], [long], long + "!"),
    ]
    path = write(
        tmp_path / "m.onnx", nodes, inputs={"in put": (1, 2)}, outputs=[long],
        constants={"w": np.ones(1, np.float32)},
    )  # fmt: skip
    report = export(load(path), find("tnn"), tmp_path / "out")
    net = read(tmp_path / "out" / "model.tnnproto")
    (port,) = report.parts[0].outputs
    assert port.name == long
    assert net.outputs == [port.target_name]
    assert list(net.inputs) == ["in_put"]
    text = (tmp_path / "out" / "README.md").read_text()
    assert f"{long} (here {port.target_name})" in text


def test_layers_that_pnnx_lacks_are_named(tmp_path: Path) -> None:
    nodes = [helper.make_node("Softplus", ["x"], ["y"], "s")]
    path = write(tmp_path / "m.onnx", nodes, inputs={"x": (1, 2)}, outputs=["y"])
    report = export(load(path), find("tnn"), tmp_path / "out")
    proof = report.parts[0].proof
    assert proof is not None
    assert (proof.method, proof.by) == ("structure only", "pnnx doesn't read Softplus")
