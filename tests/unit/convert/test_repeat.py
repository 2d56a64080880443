"""What a search found can be done again: the same graph, digest included."""

from pathlib import Path

import onnx
import pytest

from hetsched.convert.repeat import repeat
from hetsched.convert.rewrite import convert
from hetsched.errors import ModelError
from hetsched.ir.load import load
from hetsched.ir.model import Model
from tests.unit.convert.rules.harness import Without, one
from tests.unit.convert.test_packing import detector

X = (1, 4, 5, 6)


def hard_swish(tmp_path: Path) -> Model:
    onnx.save(one("HardSwish", X), tmp_path / "model.onnx")
    return load(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    "missing",
    [("HardSwish",), ("HardSwish", "Clip", "Max"), ("HardSwish", "Clip", "Mul")],
)
def test_a_repeated_search_has_the_same_digest(tmp_path: Path, missing: tuple[str, ...]) -> None:
    model = hard_swish(tmp_path)
    found = convert(model, Without(*missing))
    again = repeat(model, [(one.op, one.steps) for one in found.rewrites])
    assert again.prepared_sha256 == found.model.prepared_sha256
    assert again.graph == found.model.graph


def test_names_dont_depend_on_what_was_tried(tmp_path: Path) -> None:
    onnx.save(detector(), tmp_path / "model.onnx")
    model = load(tmp_path / "model.onnx")
    found = convert(model, Without("Softmax", "Neg", "ArgMax"))
    assert [rewrite.op for rewrite in found.rewrites][:2] == ["neg", "softmax"]
    again = repeat(model, [(one.op, one.steps) for one in found.rewrites])
    assert again.prepared_sha256 == found.model.prepared_sha256


def test_what_cant_be_repeated_is_told(tmp_path: Path) -> None:
    model = hard_swish(tmp_path)
    for steps, message in (
        (((0, "no-such-rule"),), "there is no rule 'no-such-rule'"),
        (((0, "sub-to-add"),), "rule sub-to-add doesn't replace HardSwish"),
        (((0, "hard-swish"), (99, "neg-to-mul")), "rule neg-to-mul made no op number 99"),
        ((), "is to be rewritten by no rule"),
    ):
        with pytest.raises(ModelError, match=message):
            repeat(model, [("op", steps)])
    with pytest.raises(ModelError, match="there is no op 'nobody' to rewrite"):
        repeat(model, [("nobody", ((0, "hard-swish"),))])
