"""What is right is seen at a glance; everything else goes the long way."""

import numpy as np
import pytest

from hetsched.errors import RunError
from hetsched.runtime.entry import Entry
from tests.unit.runtime.fakes import DIAMOND

X = np.array([1, -2, 3, -4], np.float32)
ENTRY = Entry(DIAMOND.graph)


def test_what_is_right_goes_through_as_it_is() -> None:
    inputs = {"x": X}
    assert ENTRY(inputs) is inputs


@pytest.mark.parametrize(
    "array",
    [np.stack([X, X], axis=1)[:, 0], X.astype(">f4"), X.view(np.recarray), np.ma.array(X)],
    ids=["strided", "foreign bytes", "recarray", "masked"],
)
def test_what_must_be_made_right_is(array: np.ndarray) -> None:
    found = ENTRY({"x": array})["x"]
    assert isinstance(found, np.ndarray)
    assert found.flags.c_contiguous
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, X)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "input 'x' is missing"),
        ({"z": X}, "no input 'z'"),
        ({"x": X, "z": X}, "no input 'z'"),
        ({"x": X.astype(np.float64)}, "input 'x' is float64"),
        ({"x": X[:2]}, r"of shape \(2,\)"),
        ({"x": [1.0]}, "input 'x' is a list"),
    ],
)
def test_what_is_wrong_is_refused(inputs: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(RunError, match=message):
        ENTRY(inputs)
