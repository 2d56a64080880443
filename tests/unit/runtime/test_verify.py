"""Errors, bounds and verdicts."""

import numpy as np
import pytest

from hetsched.backends.base import HostValue
from hetsched.errors import RunError
from hetsched.ir.graph import Graph, Op, Tensor
from hetsched.runtime.verify import Verified, lowest_dtype, verify

A = np.array([1.0, -4.0, 2.0], np.float32)


def graph(op_type: str = "Relu", dtype: str = "float32", scale: float = 0.5) -> Graph:
    op = Op(name="o", op_type=op_type, opset=17, inputs=("x", "s"), outputs=("y",))
    tensors = {name: Tensor(name=name, dtype=dtype, shape=(3,)) for name in "xy"}
    tensors["s"] = Tensor(name="s", dtype="float32", shape=())
    return Graph(
        ops=(op,),
        tensors=tensors,
        inputs=("x",),
        outputs=("y",),
        constants=frozenset("s"),
        values={"s": (scale,)},
    )


def judge(expected: HostValue, actual: HostValue, model: Graph | None = None) -> Verified:
    return verify(model or graph(), {"y": expected}, {"y": actual})


def test_errors_are_relative_to_the_largest_value() -> None:
    # |1 - 1.002| = 0.002 is the largest difference, 4 the largest value: 0.002 / 4 = 5e-4.
    verified = judge(A, np.array([1.002, -4.001, 2.0], np.float32))
    assert verified.max_abs_error == pytest.approx(2e-3, rel=1e-3)
    assert verified.max_rel_error == pytest.approx(5e-4, rel=1e-3)
    assert (verified.bound, verified.passed, verified.dtype) == (1e-4, False, "float32")


@pytest.mark.parametrize(
    ("dtype", "error", "passed"),
    [("float32", 3e-4, True), ("float32", 5e-4, False), ("float16", 0.03, True)],
)
def test_the_bound_goes_by_the_lowest_dtype(dtype: str, error: float, passed: bool) -> None:
    # 3e-4 / 4 < 1e-4 < 5e-4 / 4, and 0.03 / 4 < 1e-2.
    a = A.astype(dtype)
    b = (a.astype(np.float64) + np.array([0, error, 0])).astype(dtype)
    assert judge(a, b, graph(dtype=dtype)).passed is passed


def test_a_sigmoid_is_no_finer_than_its_kernel() -> None:
    # The largest value is 2^-10, so 12 x 2^-25 may be 12 x 2^-15 = 3.7e-4 of it: more than 1e-4.
    a = np.array([2.0**-10, 0.0, 2.0**-12], np.float32)
    b, far = a + np.float32(12 * 2.0**-25), a + np.float32(13 * 2.0**-25)
    assert judge(a, b, graph("Sigmoid")).bound == pytest.approx(12 * 2.0**-15)
    assert judge(a, b, graph("Sigmoid")).passed
    assert not judge(a, far, graph("Sigmoid")).passed
    assert not judge(a, b, graph("Softmax")).passed
    # Not where outputs are large: 12 x 2^-25 of 4 is less than 1e-4.
    assert judge(A, A, graph("Sigmoid")).bound == 1e-4


def test_what_only_moves_a_sigmoid_is_no_finer() -> None:
    sigmoid = Op(name="s", op_type="Sigmoid", opset=17, inputs=("x",), outputs=("p",))
    mean = Op(name="m", op_type="ReduceMean", opset=17, inputs=("p",), outputs=("y",))
    tensors = {name: Tensor(name=name, dtype="float32", shape=(1,)) for name in "xpy"}
    model = Graph(
        ops=(sigmoid, mean),
        tensors=tensors,
        inputs=("x",),
        outputs=("y",),
        constants=frozenset(),
    )
    a = np.array([2.0**-10], np.float32)
    assert judge(a, a + np.float32(12 * 2.0**-25), model).passed


def test_eight_bits_may_differ_by_two_steps_of_the_output() -> None:
    model = graph("DequantizeLinear", scale=0.5)  # bound: 2 x 0.5 / 4
    assert judge(A, A + np.float32(1.0), model).passed
    assert not judge(A, A + np.float32(1.5), model).passed
    assert judge(A, A, model).bound == pytest.approx(0.25)
    # Elsewhere a step is a 255th of the range: 2 x 6 / 255 / 4.
    assert judge(A, A, graph("MatMulInteger")).bound == pytest.approx(12 / 255 / 4)


def test_eight_bit_outputs_may_differ_by_two() -> None:
    model = graph("QuantizeLinear", "int8")
    a = np.array([1, -4, 2], np.int8)
    assert judge(a, a + np.int8(2), model).passed
    assert not judge(a, a + np.int8(3), model).passed


@pytest.mark.parametrize(
    ("op_type", "dtype", "lowest"),
    [
        ("Relu", "float32", "float32"),
        ("Relu", "bfloat16", "float16"),
        ("QLinearConv", "uint8", "int8"),
    ],
)
def test_lowest_dtype(op_type: str, dtype: str, lowest: str) -> None:
    assert lowest_dtype(graph(op_type, dtype)) == lowest


@pytest.mark.parametrize(
    ("a", "b", "passed"),
    [
        ([1, np.nan, np.inf], [1, np.nan, np.inf], True),
        ([1, np.nan, np.inf], [1, np.nan, -np.inf], False),
        ([1, np.nan, 2], [1, 3, 2], False),
        ([1, 3, 2], [1, np.nan, 2], False),
        ([0, 0, 0], [0, 0, 0], True),
        ([0, 0, 0], [0, 1e-9, 0], False),
        ([np.nan], [np.nan], True),
    ],
)
def test_nan_and_infinity_must_be_at_equal_places(
    a: list[float], b: list[float], passed: bool
) -> None:
    assert judge(np.array(a, np.float32), np.array(b, np.float32)).passed is passed


@pytest.mark.parametrize(
    ("a", "b", "passed"),
    [
        (A, A[:2], False),
        (A, A.astype(np.float64), False),
        (np.array(["a"], object), np.array(["a"], object), True),
        (np.array(["a"], object), np.array(["b"], object), False),
        ([A, A], [A, A], True),
        ([A, A], [A], False),
        ([A], A, False),
        (None, None, True),
        (None, A, False),
        (np.array([True]), np.array([False]), False),
        (np.zeros(0, np.float32), np.zeros(0, np.float32), True),
    ],
)
def test_other_kinds_of_values(a: HostValue, b: HostValue, passed: bool) -> None:
    verified = judge(a, b)
    assert verified.passed is passed


def test_wide_integers_are_compared_exactly() -> None:
    # As floats, 2**60 and 2**60 + 1 are the same.
    assert judge(np.array([2**60]), np.array([2**60 + 1])).max_abs_error == 1.0


def test_the_output_nearest_its_bound_is_told_and_all_must_pass() -> None:
    two = Graph(
        ops=(),
        tensors={name: Tensor(name=name, dtype="float32", shape=(3,)) for name in "yz"},
        inputs=("y", "z"),
        outputs=("y", "z"),
        constants=frozenset(),
    )
    verified = verify(two, {"y": A, "z": A}, {"y": A, "z": A + np.float32(1)})
    assert (verified.output, verified.passed) == ("z", False)


def test_different_outputs_are_an_error() -> None:
    with pytest.raises(RunError, match="outputs are y, the plan's z"):
        verify(graph(), {"y": A}, {"z": A})
    with pytest.raises(RunError, match="no outputs"):
        verify(graph(), {}, {})
