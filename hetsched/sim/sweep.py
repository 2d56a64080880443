"""Many simulations: prepare each SoC's plans once, run the points anywhere, keep what is done."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from hetsched.errors import HetschedError, WorkloadError
from hetsched.sim.result import SimResult
from hetsched.sim.scenario import Ready, Scenario, prepare, run
from hetsched.sim.scored import scores
from hetsched.sim.sweep_points import Point, Row, point_key
from hetsched.sim.sweep_store import SweepStore
from hetsched.sim.together import Rivals, chosen, rivals_of
from hetsched.soc.profile import Profile
from hetsched.workload.files import workload_sha256
from hetsched.workload.model import Workload
from hetsched.workload.planning import Effort, is_bounded


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A point with everything that it takes to simulate it elsewhere.

    Attributes:
        key: of its result.
        point: what is varied.
        ready: the workload on the point's SoC, planned.
        gap: the largest of the plans' gaps; None where nobody searched.
        duration_ns: simulated.
        rivals: what its apps choose from by simulation; None where each has one plan.
    """

    key: str
    point: Point
    ready: Ready
    gap: float | None
    duration_ns: int
    rivals: Rivals | None = None


def run_task(task: Task) -> tuple[str, str]:
    """Simulate a point; its key and its row as JSON come back."""
    point, workload = task.point, task.ready.workload
    ready, gap = task.ready, task.gap
    if task.rivals is not None:
        best = chosen(
            task.rivals,
            policy=point.policy,
            duration_ns=task.duration_ns,
            seed=point.seed,
            scale=point.scale,
        )
        ready, gap = task.rivals.combined(best), task.rivals.gap(best)
    result = run(
        ready,
        policy=point.policy,
        duration_ns=task.duration_ns,
        seed=point.seed,
        scale=point.scale,
        keep_requests=workload.score is not None,
    )
    return task.key, msgspec.json.encode(row_of(point, workload, result, gap)).decode()


def row_of(point: Point, workload: Workload, result: SimResult, gap: float | None) -> Row:
    """A point's result, summed over the apps."""
    full, bare = scores(workload, result)
    judged = sum(app.requests - app.cancelled - app.in_flight for app in result.apps)
    return Row(
        **msgspec.structs.asdict(point),
        requests=sum(app.requests for app in result.apps),
        judged=judged,
        lost=sum(app.missed + app.dropped + app.failed for app in result.apps),
        dropped=sum(app.dropped for app in result.apps),
        miss_rate=result.miss_rate,
        p99_ns=max((app.p99_ns for app in result.apps if app.p99_ns is not None), default=None),
        busiest=max(unit.utilization for unit in result.units),
        energy_uj=result.energy_uj,
        xrbench_score=full,
        score_without_energy=bare,
        hottest_c=max((node.highest_c for node in result.nodes), default=None),
        gap=gap,
        events=result.events,
    )


def profile_digest(profile: Profile) -> str:
    """Of the whole profile: a simulation's power and heat aren't in `profile.sha256`."""
    return sha256(msgspec.json.encode(profile, order="sorted")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a sweep still has to do.

    Attributes:
        points: (key, point) of everything asked for, in the table's order.
        done: results that the store has, by key.
    """

    points: tuple[tuple[str, Point], ...]
    done: dict[str, str]

    @property
    def todo(self) -> list[tuple[str, Point]]:
        """Points without a result."""
        return [(key, point) for key, point in self.points if key not in self.done]


def what_is_left(
    workload: Workload,
    profiles: Sequence[Profile],
    asked: Sequence[Point],
    duration_ns: int,
    store: SweepStore,
) -> Left:
    """Compare what is asked for with what the store has."""
    workload_digest = workload_sha256(workload)
    digests = {profile.name: profile_digest(profile) for profile in profiles}
    keyed = tuple(
        (point_key(point, workload_digest, digests[point.profile], duration_ns), point)
        for point in asked
    )
    known = store.done()
    return Left(points=keyed, done={key: known[key] for key, _ in keyed if key in known})


def tasks(
    workload: Workload,
    profiles: Sequence[Profile],
    left: Sequence[tuple[str, Point]],
    duration_ns: int,
    *,
    effort: Effort | None = None,
    told: Callable[[str, float], None] = lambda _name, _share: None,
    refused: Callable[[Point, str], None] | None = None,
) -> Iterator[Task]:
    """Each point with its scenario; plans are made here, once per SoC and choice.

    Args:
        workload: what is asked for.
        profiles: the SoCs, by the names in the points.
        left: (key, point), those with the same plans next to each other.
        duration_ns: simulated.
        effort: of the search for plans.
        told: what is being planned.
        refused: is given points that can't be simulated and why; they raise where left out.

    Raises:
        WorkloadError: when a point can't be simulated.
    """
    by_name = {profile.name: profile for profile in profiles}
    ready: tuple[tuple[str, str], Scenario | str] | None = None
    for key, point in left:
        which = (point.profile, point.plans)
        if ready is None or ready[0] != which:
            told(f"planning for {point.profile}, {point.plans}", 0.0)
            ready = (which, _prepared(workload, by_name[point.profile], point.plans, effort))
        scenario = ready[1]
        if isinstance(scenario, Scenario):
            gaps = [each.plan.gap for each in scenario.planned if is_bounded(each)]
            yield Task(
                key=key,
                point=point,
                ready=scenario.ready,
                gap=max(gaps, default=None),
                duration_ns=duration_ns,
                rivals=rivals_of(scenario),
            )
        elif refused is not None:
            refused(point, scenario)
        else:
            raise WorkloadError(f"{point.profile}, {point.plans} plans: {scenario}")


def _prepared(
    workload: Workload, profile: Profile, plans: str, effort: Effort | None
) -> Scenario | str:
    """The scenario, or why there is none."""
    try:
        return prepare(workload, profile, choice=plans, effort=effort)
    except HetschedError as error:
        return str(error)


def rows(left: Left, store: SweepStore) -> list[Row]:
    """All results that are there, in the table's order."""
    known = store.done()
    return [msgspec.json.decode(known[key], type=Row) for key, _ in left.points if key in known]
