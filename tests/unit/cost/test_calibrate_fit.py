"""The numbers of a fit, on made-up rows whose answer is known."""

import numpy as np
import pytest

from hetsched.cost.calibrate.features import published
from hetsched.cost.calibrate.fit import Vector, fit
from hetsched.cost.calibrate.quality import kendall_tau, leave_one_out, verdict
from hetsched.cost.calibrate.shapes import stiffness

TRUE = np.array([1 / 20, 1 / 40, 1 / 10, 1 / 8, 1 / 4, 1 / 5, 1 / 8, 1 / 12, 6000.0])
"""20, 40, 10, 8 and 4 GMAC/s, 5, 8 and 12 GB/s, 6 us, in ns per MAC, byte or kernel."""
COUNT = len(TRUE)
NOTHING = np.full(COUNT, 1e-12)


def amounts() -> Vector:
    """Of all published networks, in float32."""
    return np.array([features.amounts(4) for features in published().values()])


@pytest.mark.parametrize("off", [0.5, 1.0, 2.0])
def test_known_coefficients_are_found_again(off: float) -> None:
    table = amounts()
    found = fit(table, table @ TRUE, TRUE * off, NOTHING)
    # Only one network has grouped convolutions: there the start counts for something.
    assert table @ found == pytest.approx(table @ TRUE, rel=0.04)
    assert float(np.median(np.abs((table @ found) / (table @ TRUE) - 1))) < 0.002
    assert found[:2] == pytest.approx(TRUE[:2], rel=0.03)


def test_a_fixed_part_is_not_taken_for_a_rate() -> None:
    table = amounts()
    found = fit(table, 2e6 + table @ TRUE, TRUE, NOTHING, fixed=2e6)
    assert table @ found == pytest.approx(table @ TRUE, rel=0.01)


def test_one_wrong_row_leaves_the_others_alone() -> None:
    table = amounts()
    times = table @ TRUE
    times[3] *= 5
    found = fit(table, times, TRUE * 1.5, NOTHING)
    rest = np.arange(len(times)) != 3
    assert (table @ found)[rest] == pytest.approx(times[rest], rel=0.03)


def test_twice_the_same_numbers() -> None:
    table = amounts()
    first, second = (fit(table, table @ TRUE, TRUE * 2, NOTHING) for _ in range(2))
    assert first.tolist() == second.tolist()


@pytest.mark.parametrize("factor", [0.01, 3.0, 100.0])
def test_a_machine_that_is_slower_by_a_factor_gets_rates_smaller_by_it(factor: float) -> None:
    table = amounts()
    times = table @ TRUE * np.linspace(0.8, 1.3, len(table))
    plain = fit(table, times, TRUE * 2, NOTHING)
    scaled = fit(table, times * factor, TRUE * 2 * factor, NOTHING)
    assert scaled == pytest.approx(plain * factor, rel=1e-4)


def test_no_coefficient_falls_below_its_limit() -> None:
    """Rows of a unit at 20 GMAC/s, and a limit that stands for a peak of 10."""
    table = amounts()
    least = NOTHING.copy()
    least[0] = 1 / 10
    found = fit(table, table @ TRUE, TRUE, least)
    assert found[0] == pytest.approx(1 / 10)
    assert (found >= least).all()


def single(*macs: float) -> Vector:
    """Networks of 1x1 convolutions only."""
    table = np.zeros((len(macs), COUNT))
    table[:, 0] = macs
    return table


def test_leave_one_out_by_hand() -> None:
    """1 MMAC in 10 us and in 20 us: each is predicted by what the other took, +100% and -50%."""
    start = np.full(COUNT, 0.02)
    keys = [("slow", "a"), ("fast", "a")]
    out = leave_one_out(keys, single(1e6, 1e6), np.array([20e3, 10e3]), start, NOTHING)
    assert out == pytest.approx([10e3, 20e3], rel=0.01)


def test_leave_one_out_leaves_out_all_sizes_of_a_model() -> None:
    """The second size of `a` would predict the first one exactly; only `b` may."""
    keys = [("a", "224"), ("a", "128"), ("b", "224")]
    times = np.array([20e3, 10e3, 10e3])
    start = np.full(COUNT, 0.01)
    out = leave_one_out(keys, single(1e6, 0.5e6, 1e6), times, start, NOTHING)
    assert out[:2] == pytest.approx([10e3, 5e3], rel=0.01)


def test_a_start_that_knows_nothing_of_the_model_is_used_for_it() -> None:
    """Nothing is left to fit to: what predicts 1 MMAC is the start for `a`, 20 us, not 30."""
    starts = {"a": np.full(COUNT, 0.02)}
    start = np.full(COUNT, 0.03)
    out = leave_one_out([("a", "")], single(1e6), np.array([1.0]), start, NOTHING, starts=starts)
    assert out == pytest.approx([20e3])


def test_a_common_scale_costs_less_than_a_change_of_shape() -> None:
    """One network of 1x1 and depthwise, 10 times slower than the start says: both rates follow,
    and in the same proportion, though depthwise hardly shows in the time.
    """
    table = np.zeros((1, COUNT))
    table[0, 0], table[0, 4] = 1e9, 1e6
    start = np.full(COUNT, 0.1)
    found = fit(
        table, 10 * table @ start, start, NOTHING, stiffness=stiffness(0.01 * np.eye(COUNT))
    )
    assert found[0] / start[0] == pytest.approx(10, rel=0.1)
    assert found[4] / found[0] == pytest.approx(1, rel=0.1)


def test_a_single_model_is_predicted_by_the_start() -> None:
    start = np.full(COUNT, 0.03)
    out = leave_one_out([("a", "")], single(1e6), np.array([1.0]), start, NOTHING)
    assert out == pytest.approx([30e3])


def test_kendall_tau_by_hand() -> None:
    """Pairs 10-20 and 10-30 agree, 20-30 doesn't: (2 - 1) / 3. 10 and 11 are too close to count."""
    assert kendall_tau(np.array([1.0, 3.0, 2.0]), np.array([10.0, 20.0, 30.0])) == pytest.approx(
        1 / 3
    )
    assert kendall_tau(np.array([2.0, 1.0]), np.array([10.0, 11.0])) is None


@pytest.mark.parametrize(
    ("models", "median", "tau", "expected"),
    [
        (8, 0.15, 0.9, (True, "")),
        (7, 0.01, 1.0, (False, "7 models, 8 are needed")),
        (8, 0.16, 1.0, (False, "median error 16.0%, the target is 15%")),
        (8, 0.10, 0.5, (False, "tau 0.500, the target is 0.9")),
        (
            8,
            0.16,
            0.5,
            (False, "median error 16.0%, the target is 15%; tau 0.500, the target is 0.9"),
        ),
        (0, None, None, (False, "no published row to check it with")),
    ],
)
def test_verdict(
    models: int, median: float | None, tau: float | None, expected: tuple[bool, str]
) -> None:
    assert verdict("cpu", models, median, tau) == expected
