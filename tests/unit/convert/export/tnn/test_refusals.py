"""What TNN's layers can't say is refused with a reason before anything is written."""

from pathlib import Path

import numpy as np
import pytest

from hetsched.convert.export.frame import export
from hetsched.convert.export.target import find
from hetsched.errors import ExportError
from hetsched.ir.load import load

from .cases import Case, ints, normal

REFUSED = [
    (Case(op="Det", shape=(2, 3, 3), lines=()), "TNN's writer has no layer for it"),
    (Case(op="Conv", constants={"w": normal(6, 4, 3, 3)}, inputs=("x", "w"), lines=(),
          attributes={"auto_pad": "SAME_UPPER"}), "auto_pad SAME_UPPER"),
    (Case(op="ConvTranspose", constants={"w": normal(4, 3, 3, 3)}, inputs=("x", "w"), lines=(),
          attributes={"strides": [2, 2], "output_padding": [1, 1]}), "has output_padding"),
    (Case(op="ConvTranspose", constants={"w": normal(4, 3, 3, 3)}, inputs=("x", "w"), lines=(),
          attributes={"pads": [0, 0, 1, 1]}), "Deconvolution has one per axis"),
    (Case(op="MaxPool", lines=(), attributes={"kernel_shape": [2, 2], "dilations": [2, 2]}),
     "has dilations"),
    (Case(op="Pow", constants={"w": normal(8)}, inputs=("x", "w"), lines=()),
     "its exponent is a tensor"),
    (Case(op="Softmax", opset=11, attributes={"axis": 1}, lines=()), "over several axes"),
    (Case(op="Resize", constants={"s": ints(1, 4, 9, 16)}, inputs=("x", "", "", "s"), lines=(),
          attributes={"mode": "cubic"}), "it is cubic"),
    (Case(op="Pad", constants={"p": ints(0, 0, -1, 0, 0, 0, 0, 0)}, inputs=("x", "p"), lines=()),
     "PadV2 only adds"),
    (Case(op="Slice", constants={"b": ints(7), "e": ints(0), "a": ints(3), "t": ints(-1)},
          inputs=("x", "b", "e", "a", "t"), lines=()), "goes forward"),
    (Case(op="Cast", attributes={"to": 11}, lines=()), "casts to float64"),
    (Case(op="PRelu", constants={"w": normal(8)}, inputs=("x", "w"), lines=()), "its slopes are"),
    (Case(op="Gemm", shape=(8, 3), constants={"w": normal(8, 5)}, inputs=("x", "w"), lines=(),
          attributes={"transA": 1}), "transposes its first input"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "reason"), REFUSED, ids=lambda value: str(value)[:40])
def test_it_says_why(case: Case, reason: str, tmp_path: Path) -> None:
    model = load(case.save(tmp_path / "m.onnx"))
    with pytest.raises(ExportError) as caught:
        export(model, find("tnn"), tmp_path / "out")
    message = str(caught.value)
    assert message.startswith(f"tnn can't take {case.op} as op: ")
    assert reason in message
    assert "--framework tnn -o OUT.onnx` may replace what blocks" in message
    assert not (tmp_path / "out").exists()


def test_large_indices_are_refused(tmp_path: Path) -> None:
    from hetsched.convert.export.tnn.layer import RefusedError, buffer

    with pytest.raises(RefusedError, match="doesn't fit into 32 bits"):
        buffer(np.array([2**40]))
    with pytest.raises(RefusedError, match="stores no float64"):
        buffer(np.zeros(1))
