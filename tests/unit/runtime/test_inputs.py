"""What a request may bring."""

import ml_dtypes
import numpy as np
import pytest

from hetsched.errors import RunError
from hetsched.ir.graph import ITEM_BITS, Graph, Tensor
from hetsched.ir.sample import sample
from hetsched.runtime.inputs import check_inputs, dtype_name


def graph(dtype: str | None, shape: tuple[int | None, ...] | None) -> Graph:
    tensor = Tensor(name="x", dtype=dtype, shape=shape)
    return Graph(
        ops=(), tensors={"x": tensor}, inputs=("x",), outputs=("x",), constants=frozenset()
    )


def test_a_fitting_input_goes_through_untouched() -> None:
    x = np.zeros((1, 2), np.float32)
    assert check_inputs(graph("float32", (1, None)), {"x": x})["x"] is x


def test_other_layouts_become_c_order_and_native() -> None:
    x = np.arange(6, dtype=">f4").reshape(2, 3).T
    checked = check_inputs(graph("float32", (3, 2)), {"x": x})["x"]
    assert isinstance(checked, np.ndarray)
    assert checked.flags.c_contiguous
    assert checked.dtype.isnative
    np.testing.assert_array_equal(checked, x)


def test_a_numpy_scalar_is_an_array_without_dimensions() -> None:
    checked = check_inputs(graph("int64", ()), {"x": np.int64(7)})["x"]  # type: ignore[dict-item]  # a caller's slip that we forgive
    assert isinstance(checked, np.ndarray)
    assert checked.shape == ()


def test_sequences_are_for_the_backend_to_judge() -> None:
    assert check_inputs(graph(None, None), {"x": [np.zeros(1)]})["x"] == [np.zeros(1)]
    assert check_inputs(graph(None, None), {}) == {"x": None}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, r"input 'x' is missing: give float32 of shape \(1, \?\)"),
        ({"y": np.zeros(1)}, "the model has no input 'y': it has x"),
        ({"x": [1.0]}, r"input 'x' is a list: give float32 of shape \(1, \?\) as a numpy array"),
        ({"x": np.zeros((1, 2))}, r"is float64 of shape \(1, 2\): give float32"),
        ({"x": np.zeros((2, 2), np.float32)}, r"is float32 of shape \(2, 2\): give float32"),
        ({"x": np.zeros(1, np.float32)}, r"is float32 of shape \(1,\): give float32"),
    ],
)
def test_what_does_not_fit_is_named(inputs: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(RunError, match=message):
        check_inputs(graph("float32", (1, None)), inputs)


@pytest.mark.parametrize(
    ("array", "name"),
    [
        (np.zeros(1, np.float32), "float32"),
        (np.array(["a"]), "string"),
        (np.array(["a"], object), "string"),
        (np.zeros(1, ml_dtypes.bfloat16), "bfloat16"),
        (np.zeros(1, ml_dtypes.float8_e4m3fn), "float8e4m3fn"),
        (np.zeros(1, ml_dtypes.int4), "int4"),
    ],
)
def test_dtype_names_are_the_graphs(array: np.ndarray, name: str) -> None:
    assert dtype_name(array) == name


@pytest.mark.parametrize("dtype", sorted(ITEM_BITS))
def test_samples_of_every_dtype_fit(dtype: str) -> None:
    wanted = graph(dtype, (3, 5))
    made = sample(wanted.tensors["x"])
    assert check_inputs(wanted, {"x": made})["x"] is made
