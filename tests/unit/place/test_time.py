"""Every step of a search heeds one deadline: shown with clocks that tests make."""

from collections.abc import Callable
from typing import Any

import pytest

from hetsched import _core
from hetsched.place.baselines import baselines
from hetsched.place.cpsat import search
from hetsched.place.cpsat.background import Background
from hetsched.place.cpsat.energy import solve_energy
from hetsched.place.cpsat.throughput import solve_throughput
from hetsched.place.cpsat.variables import build
from hetsched.place.limits import Limits
from hetsched.place.loads import solve_loads
from hetsched.place.placement import Schedule
from hetsched.place.problem import Problem
from hetsched.place.validate import validate
from hetsched.testing import make_problem, random_problem

LOADS = ("throughput", "energy")


class Ticking:
    """A clock that goes on by a step whenever somebody looks at it."""

    def __init__(self, step_s: float) -> None:
        self.now_s = 0.0
        self.step_s = step_s

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


def until(deadline_s: float, clock: Callable[[], float]) -> Limits:
    return Limits(gap=0.0, work=0.1, limit_s=1.0, deadline=deadline_s, seed=0, clock=clock)


def hard() -> Problem:
    return random_problem(5, 40, 4, branching=0.5)


def start(problem: Problem, objective: str) -> Schedule:
    found = baselines(problem, objective)["cpu"]
    assert found is not None
    return found


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """Name and seconds of every native search, in order."""
    calls: list[tuple[str, float]] = []

    def watched(name: str) -> Callable[..., Any]:
        original = getattr(_core, name)

        def call(*args: Any, **options: Any) -> Any:
            calls.append((name, options["seconds"]))
            return original(*args, **options)

        return call

    for name in ("anneal_load", "frontier", "pack_bound", "Balance"):
        monkeypatch.setattr(_core, name, watched(name))
    return calls


@pytest.mark.parametrize("objective", LOADS)
@pytest.mark.parametrize("looks", [0, 1, 2, 5, 10, 20, 40, 80])
def test_no_search_gets_more_than_what_is_left(
    objective: str, looks: int, asked: list[tuple[str, float]]
) -> None:
    """The deadline comes after some looks at the clock, wherever the search is then."""
    problem = hard()
    clock = Ticking(0.01)
    begin = start(problem, objective)
    schedule, bound, _ = solve_loads(problem, objective, [begin], until(looks * 0.01, clock))
    validate(problem, schedule)
    assert bound >= 0
    seconds = [each for _, each in asked]
    assert all(0 <= each < max(looks, 1) * 0.01 for each in seconds)
    # A dynamic program for a bound, or two annealings at once of two phases each.
    assert len([each for each in seconds if each == 0]) <= 5


def test_nothing_is_annealed_after_the_deadline(asked: list[tuple[str, float]]) -> None:
    problem = hard()
    begin = start(problem, "throughput")
    schedule, bound, method = solve_loads(problem, "throughput", [begin], until(0.0, Ticking(1.0)))
    assert (schedule, method, asked) == (begin, "baseline", [])
    assert bound > 0


@pytest.mark.parametrize("solve", [solve_throughput, solve_energy])
def test_cp_sat_is_not_begun_after_the_deadline(
    solve: Callable[..., search.Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where the time ends while the model is built nor right after."""
    problem = hard()
    begin = start(problem, "energy")
    monkeypatch.setattr(search, "_solver", None)  # would fail to be called
    for looks in (1, len(problem.edges) - 1, len(problem.edges) + 1):
        found = solve(problem, begin, until(looks * 1e-3, Ticking(1e-3)), 7)
        assert (found.schedule, found.bound) == (begin, 7)


def test_a_model_is_given_up_when_the_time_is_up() -> None:
    problem = hard()
    most = [1] * len(problem.units)
    assert build(problem, most, until(1.0, Ticking(0.5))) is None
    assert build(problem, most, until(1.0, Ticking(0.0))) is not None


def test_cp_sat_stops_before_the_deadline() -> None:
    """It looks at the clock only now and then: 0.1 s are kept."""
    solver = search._solver(until(5.0, Ticking(1.0)), 0.1)
    assert solver.parameters.max_time_in_seconds == pytest.approx(3.9)


def test_a_search_in_the_background_gives_what_one_in_front_gives() -> None:
    problem = make_problem([[50, 50]] * 4, [(0, [1]), (1, [2]), (2, [3])], copy_ns=3)
    begin = start(problem, "throughput")
    limits = until(60.0, Ticking(0.0))
    with Background(problem, "throughput", begin, 0, limits) as background:
        found = background.result()
    assert found == solve_throughput(problem, begin, limits)
    assert found.bound == 108  # two groups each: 5 + 100, and the copy of 3 on one of them


def test_leaving_stops_a_search_in_the_background() -> None:
    problem = random_problem(5, 120, 4, branching=0.5)
    begin = start(problem, "throughput")
    endless = Limits(gap=0.0, work=1e9, limit_s=1e9, deadline=1e9, seed=0, clock=Ticking(0.0))
    with Background(problem, "throughput", begin, 0, endless) as background:
        pass
    found = background.result()
    assert found.schedule is not None
    validate(problem, found.schedule)


def test_what_fails_in_the_background_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = hard()
    begin = start(problem, "throughput")
    monkeypatch.setattr(search, "_solver", None)
    with (
        Background(problem, "throughput", begin, 0, until(60.0, Ticking(0.0))) as background,
        pytest.raises(TypeError, match="not callable"),
    ):
        background.result()
