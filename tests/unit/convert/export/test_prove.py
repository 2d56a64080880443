"""Comparing a target's outputs: the bound goes by the model's arithmetic."""

import numpy as np
import pytest

from hetsched.convert.export.prove import EIGHT_BITS_BOUND, bound_for, prove
from hetsched.errors import ExportError
from hetsched.testing import chain_graph

A = np.array([1.0, -2.0], np.float32)


def test_equal_outputs_are_proven() -> None:
    proof = prove("it", [A], [A.copy()], bound=1e-4, method="m", by="b")
    assert (proof.max_abs_error, proof.max_rel_error, proof.bound) == (0.0, 0.0, 1e-4)


def test_the_error_is_relative_to_the_largest_value() -> None:
    proof = prove("it", [A], [A + np.float32(0.0001)], bound=1e-4, method="m", by="b")
    assert proof.max_rel_error == pytest.approx(5e-5, rel=1e-2)  # 1e-4 of 2


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (A * np.float32(1.1), r"it by b differs by 0\.1 relative to the largest value, bound"),
        (A[:1], r"it by b gives output 0: float32\[1\] in place of float32\[2\]"),
        (np.array([np.nan, -2], np.float32), "NaN or infinity at other places"),
    ],
)
def test_wrong_outputs_are_refused(made: np.ndarray, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        prove("it", [A], [made], bound=1e-4, method="m", by="b")


def test_integers_must_be_equal_but_for_quantised_models() -> None:
    near = [np.array([100], np.uint8)], [np.array([101], np.uint8)]
    with pytest.raises(ExportError, match=r"differs by 0\.01"):
        prove("it", *near, bound=1e-4, method="m", by="b")
    assert prove("it", *near, bound=EIGHT_BITS_BOUND, method="m", by="b").max_abs_error == 1


def test_the_bound_goes_by_the_arithmetic() -> None:
    assert bound_for(chain_graph("Relu")) == 1e-4
    assert bound_for(chain_graph("QuantizeLinear")) == EIGHT_BITS_BOUND
