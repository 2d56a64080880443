"""Stored operands spelled out."""

from pathlib import Path

import numpy as np
import onnx

from hetsched.convert.rewrite import Outcome, convert
from hetsched.convert.target import profile_target
from hetsched.ir.load import load
from hetsched.soc.catalog import profile
from tests.unit.convert.rules.harness import one, values, why_not

X = (2, 4, 6, 5)


def apu(folder: Path, *inputs: tuple[int, ...] | np.ndarray, op_type: str = "Add") -> Outcome:
    path = folder / "before.onnx"
    onnx.save(one(op_type, *inputs), path)
    return convert(load(path), profile_target(profile("helio-g90"), "apu"))


def test_a_scalar_becomes_a_value_per_channel(tmp_path: Path) -> None:
    outcome = apu(tmp_path, X, np.array(3, np.float32))
    (rewrite,) = outcome.rewrites
    assert (rewrite.rules, rewrite.made, rewrite.exactness) == (
        ("stored-operand",), ("Add",), "exact",
    )  # fmt: skip
    assert outcome.remaining == ()
    graph = outcome.model.graph
    stored = graph.tensors[graph.ops[0].inputs[1]]
    assert stored.shape == (1, 4, 1, 1)
    assert graph.values[stored.name] == (3.0, 3.0, 3.0, 3.0)


def test_an_operand_of_rank_3_gets_rank_4(tmp_path: Path) -> None:
    target = profile_target(profile("helio-g90"), "gpu")
    onnx.save(one("Mul", X, values(4, 1, 1)), tmp_path / "before.onnx")
    graph = convert(load(tmp_path / "before.onnx"), target).model.graph
    assert graph.tensors[graph.ops[0].inputs[1]].shape == (1, 4, 1, 1)


def test_the_numbers_stay(tmp_path: Path) -> None:
    outcome = apu(tmp_path, np.array([-2], np.float32), X, op_type="Mul")
    assert outcome.rewrites[0].certificate.max_abs_error == (0.0,)


def test_two_operands_made_at_run_time_are_refused(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Max", X, X), "stored-operand", "Max")
    assert why == "not one stored operand of two"
