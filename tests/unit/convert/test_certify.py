"""Certificates: what is compared, and on what."""

import numpy as np
import pytest
from numpy.typing import ArrayLike, DTypeLike

from hetsched.convert.certify import Certificate, compare, input_sets
from hetsched.convert.rules.rule import Exactness

FLOAT = np.dtype(np.float32)


def one(
    a: ArrayLike, b: ArrayLike, exactness: Exactness = "rounding", dtype: DTypeLike = np.float32
) -> Certificate:
    return compare([([np.array(a, dtype)], [np.array(b, dtype)])], exactness)


def test_errors_are_absolute_and_relative_to_the_range() -> None:
    found = one([4.0, 1.0], [4.0, 1.5])
    assert found.max_abs_error == (0.5,)
    assert found.max_rel_error == (0.125,)  # 0.5 / 4
    assert (found.bound, found.passed, found.inputs) == (1e-5, False, 1)


def test_bounds_go_by_dtype_and_exactness() -> None:
    assert one([1.0], [1.000001]).passed
    assert not one([1.0], [1.000001], "exact").passed
    assert one([1.0], [1.005], dtype=np.float16).passed
    assert not one([100], [101], dtype=np.int64).passed


def test_approximations_are_bounded_by_the_larger_of_1_and_the_range() -> None:
    # 5e-7 is far more than 1e-5 of 0.001, but an error bound of the source is absolute.
    found = one([0.001], [0.0010005], "bounded")
    assert (found.bound, found.passed) == (1e-6, True)
    assert not one([0.001], [0.0010005], "rounding").passed
    assert not one([1.0], [1.000002], "bounded").passed
    assert one([10.0], [10.000005], "bounded").passed


def test_the_worst_of_several_runs_counts() -> None:
    runs = [([np.ones(2)], [np.ones(2)]), ([np.ones(2)], [np.array([1.0, 3.0])])]
    found = compare(runs, "rounding")
    assert (found.max_abs_error, found.inputs) == ((2.0,), 2)


def test_data_makes_a_certificate_no_better() -> None:
    # The worse error of both, each output for itself; three sets of inputs, two of them data.
    seeded = one([4.0, 1.0], [4.0, 1.0])
    runs = [([np.ones(2, np.float32)], [np.full(2, 1 + offset, np.float32)]) for offset in (0, 1)]
    found = seeded.with_data(compare(runs, "rounding"))
    assert (found.max_abs_error, found.max_rel_error) == ((1.0,), (1.0,))
    assert (found.inputs, found.calibration, found.passed) == (3, 2, False)
    odd = seeded.with_data(one([[1.0]], [1.0]))
    assert odd.problem == "output 0: float32[1] in place of float32[1, 1]"


def test_zeros_differ_by_sign_alone() -> None:
    assert one([0.0], [-0.0], "exact").passed
    assert one([0.0], [1e-30]).max_rel_error == (np.inf,)


@pytest.mark.parametrize(
    ("a", "b"), [([np.nan], [1.0]), ([1.0], [np.nan]), ([np.inf], [-np.inf]), ([1.0], [np.inf])]
)
def test_nan_and_infinity_belong_in_the_same_places(a: list[float], b: list[float]) -> None:
    assert one(a, b).problem == "output 0: NaN or infinity at other places"
    assert not one(a, b).passed
    assert one(a, a).passed


def test_shapes_and_dtypes_are_compared() -> None:
    wide = compare([([np.ones((2, 3))], [np.ones(6)])], "exact")
    assert wide.problem == "output 0: float64[6] in place of float64[2, 3]"
    assert compare([([np.ones(2)], [np.ones(2, np.int64)])], "exact").problem is not None


def test_inputs_are_the_same_each_time_and_have_edges() -> None:
    kinds = {"x": ((3, 7), FLOAT), "y": ((40,), FLOAT)}
    first, second = (list(input_sets(kinds, "exact")) for _ in range(2))
    for one_set, other in zip(first, second, strict=True):
        assert all(np.array_equal(one_set[name], other[name]) for name in kinds)
    edges = first[2]
    assert {0.0, 3.0, -3.0, 6.0} <= set(edges["y"].tolist())
    assert not np.array_equal(edges["x"].reshape(-1), edges["y"][:21])
    assert np.isinf(first[3]["x"]).any()
    assert len(list(input_sets(kinds, "rounding"))) == 3


def test_inputs_of_other_dtypes_and_sizes() -> None:
    kinds = {
        "empty": ((0, 3), FLOAT),
        "scalar": ((), FLOAT),
        "flags": ((5,), np.dtype(bool)),
        "counts": ((5,), np.dtype(np.uint8)),
        "large": ((3, 70000), np.dtype(np.int64)),
    }
    for one_set in input_sets(kinds, "exact"):
        assert {name: (v.shape, v.dtype) for name, v in one_set.items()} == kinds
