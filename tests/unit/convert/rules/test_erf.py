"""Erf to primitives, with the error that Abramowitz and Stegun promise."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from hetsched.backends.reference import reference_outputs
from hetsched.convert.rules.erf import RULE
from hetsched.ir.extract import save_whole
from tests.unit.convert.rules.harness import after, converted, finished, one
from tests.unit.convert.rules.pairs import rewritten

WITH = ("gelu", "reciprocal-to-div")

X = (2, 4, 6, 5)
MADE = {"Mul": 10, "Add": 6, "Neg": 2, "Abs": 1, "Reciprocal": 1, "Exp": 1, "Clip": 1}
"""Mul: c|x|, t times 5, x^2, p exp, 1e10 x, by the sign. Add: 1 + c|x|, 4 factors, 1 - ..."""


def exported_gelu() -> onnx.ModelProto:
    """x / sqrt(2), Erf, + 1, times x, times 0.5: GELU as PyTorch exports it."""
    nodes = [
        helper.make_node("Div", ["x", "root"], ["d"], "d"),
        helper.make_node("Erf", ["d"], ["e"], "e"),
        helper.make_node("Add", ["e", "one"], ["a"], "a"),
        helper.make_node("Mul", ["x", "a"], ["m"], "m"),
        helper.make_node("Mul", ["m", "half"], ["y"], "y"),
    ]
    numbers = {"root": math.sqrt(2), "one": 1.0, "half": 0.5}
    stored = [numpy_helper.from_array(np.float32(v), name) for name, v in numbers.items()]
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 60])
    y = onnx.ValueInfoProto(name="y")
    return finished(helper.make_graph(nodes, "gelu", [x], [y], stored))


def test_primitives(tmp_path: Path) -> None:
    assert Counter(after(tmp_path, one("Erf", X), "Erf")) == MADE


def test_an_exported_gelu(tmp_path: Path) -> None:
    outcome = converted(tmp_path, exported_gelu(), "Erf")
    (rewrite,) = outcome.rewrites
    assert (rewrite.op_type, rewrite.rules, rewrite.exactness) == ("Erf", ("erf",), "bounded")
    assert rewrite.certificate.passed
    assert rewrite.certificate.bound == 1e-6
    assert outcome.remaining == ()


def test_inside_of_gelu_the_whole_is_bounded(tmp_path: Path) -> None:
    outcome = converted(tmp_path, one("Gelu", X, opset=20), "Gelu", "Erf")
    (rewrite,) = outcome.rewrites
    assert (rewrite.rules, rewrite.exactness) == (("gelu", "erf"), "bounded")


def test_exactness_stays_the_weakest(tmp_path: Path) -> None:
    # What a rounding rule makes of the Reciprocal inside is no closer than the polynomial.
    outcome = converted(tmp_path, one("Erf", X), "Erf", "Reciprocal")
    (rewrite,) = outcome.rewrites
    assert (rewrite.rules[0], rewrite.exactness) == ("erf", "bounded")
    assert len(rewrite.rules) == 2


def test_the_error_is_as_the_source_says(tmp_path: Path) -> None:
    proto = one("Erf", (40_001,))
    outcome = converted(tmp_path, proto, "Erf")
    save_whole(outcome.model, tmp_path / "made.onnx")
    odd = [0.0, -0.0, 1e-30, -1e-12, 1e-10, np.inf, -np.inf, 1e30, -1e30]
    x = np.concatenate([np.linspace(-5, 5, 40_001 - len(odd)), odd]).astype(np.float32)
    found = reference_outputs(tmp_path / "made.onnx", {"i0": x})["o0"]
    assert isinstance(found, np.ndarray)
    exact = np.array([math.erf(each) for each in x.astype(np.float64)])
    # 1.5e-7, and ten roundings of about 1 (2^-24 each): t, a stored factor and a partial sum of
    # each of the polynomial's larger terms, exp, their product, the result.
    assert np.abs(found - exact).max() <= 1.5e-7 + 10 * 2**-24


def test_other_dtypes_stay() -> None:
    for dtype, name in ((onnx.TensorProto.DOUBLE, "DOUBLE"), (onnx.TensorProto.FLOAT16, "FLOAT16")):
        assert rewritten(RULE, one("Erf", X, dtype=dtype)) == f"{name} isn't float32"
