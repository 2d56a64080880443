"""XRBench's score and the search for the largest load, against values worked out by hand."""

from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.sim.maxload import HIGHEST, LOWEST, find_max_load
from hetsched.sim.score import Served, xrbench_score


def served(
    requests: int, dropped: int, delays: list[float], energy: list[float] | None = None
) -> Served:
    return Served(
        requests=requests,
        dropped=dropped,
        delay_ms=np.array(delays),
        energy_mj=None if energy is None else np.array(energy),
    )


def test_a_request_at_its_deadline_scores_half() -> None:
    assert xrbench_score([served(1, 0, [0.0])], 15, None) == 50.0


def test_the_formula() -> None:
    # Four requests: one dropped, one in time by 0.1 ms, one late by 0.1 ms, one early by far.
    app = served(4, 1, [-0.1, 0.1, -30.0], [300.0, 0.0, 1500.0])
    early, late = 1 / (1 + exp(-1.5)), 1 / (1 + exp(1.5))
    # (RT x En) / 4 x (1 - 1 / 4); En = 0.8, 1 and 0.
    expected = 100 * (early * 0.8 + late * 1.0 + 1.0 * 0.0) / 4 * 0.75
    assert xrbench_score([app], 15, 1500) == pytest.approx(expected)
    # The mean over apps: another one that drops everything scores 0.
    gone = served(5, 5, [], [])
    assert xrbench_score([app, gone], 15, 1500) == pytest.approx(expected / 2)
    # One that was never asked for anything doesn't count.
    assert xrbench_score([app, served(0, 0, [])], 15, 1500) == pytest.approx(expected)


def test_what_is_not_known_is_not_scored() -> None:
    assert xrbench_score([served(1, 0, [-1.0])], 15, 1500) is None
    assert xrbench_score([], 15, None) is None


def test_very_late_is_nothing_and_no_overflow() -> None:
    assert xrbench_score([served(1, 0, [1e6])], 15, None) == pytest.approx(0)


@given(st.floats(2**-9, 2**9), st.sampled_from([0.01, 0.1]))
def test_the_edge_is_found(edge: float, tolerance: float) -> None:
    seen: list[float] = []

    def miss_rate(scale: float) -> float:
        seen.append(scale)
        return 0.0 if scale <= edge else 0.5

    found = find_max_load(miss_rate, tolerance=tolerance)
    assert found.above is not None
    assert found.scale <= edge < found.above <= found.scale * (1 + tolerance)
    assert found.miss_rate == 0.0
    assert len(set(seen)) == len(seen) == len(found.tried)  # each is tried once


def test_no_edge_is_told() -> None:
    never = find_max_load(lambda _scale: 0.5)
    assert (never.scale, never.miss_rate) == (0.0, None)
    assert never.above is not None
    assert never.above <= LOWEST
    always = find_max_load(lambda _scale: 0.0)
    assert (always.scale, always.above) == (HIGHEST, None)
