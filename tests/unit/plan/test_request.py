"""What a plan is asked for, checked before there is a model."""

import pytest

from hetsched.errors import PlacementError
from hetsched.plan.build import Request


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_seeds_fit_the_solver(seed: int) -> None:
    with pytest.raises(
        PlacementError, match=f"^seed {seed} is out of range: take 0 to 2147483647$"
    ):
        Request(seed=seed)


@pytest.mark.parametrize("limit_s", [0.0, -1.0, float("nan"), float("inf"), 6e15])
def test_time_limits_are_a_month_at_most(limit_s: float) -> None:
    with pytest.raises(PlacementError, match=r"^time limit .* take above 0 to 2592000 s$"):
        Request(time_limit_s=limit_s)


@pytest.mark.parametrize("cap", [-1, 10**25])
def test_counts_of_subgraphs_fit(cap: int) -> None:
    with pytest.raises(
        PlacementError, match=f"^max subgraphs gpu={cap} is out of range: take 0 to"
    ):
        Request(max_subgraphs={"gpu": cap})


def test_the_largest_are_accepted() -> None:
    Request(seed=2**31 - 1, time_limit_s=2592000.0, max_subgraphs={"gpu": 2**31 - 1})
