"""The points of a sweep and their results: what is varied, keys, rows of the table."""

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from itertools import product

import msgspec

from hetsched import __version__


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One simulation of a sweep."""

    profile: str
    plans: str
    policy: str
    scale: float
    seed: int


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A point with its result, summed over the apps.

    Attributes:
        profile: the SoC.
        plans: how apps got their plans, one of `hetsched.workload.planning.CHOICES`.
        policy: of the dispatcher.
        scale: times the declared load.
        seed: of everything random.
        requests: all that came.
        judged: of them, those that count for the miss rate: neither cancelled nor under way.
        lost: of these, missed, dropped or failed.
        dropped: of these, dropped.
        miss_rate: lost / judged; None where nothing is judged.
        p99_ns: of the slowest app; None where nothing was served.
        busiest: share of time of the busiest unit.
        energy_uj: of all units; None where unknown.
        xrbench_score: None where the workload has no parameters, or energy counts and isn't known.
        score_without_energy: the same of latency and drops alone; None without parameters.
        hottest_c: None where unknown.
        gap: largest of the plans' gaps; None where nothing was searched.
        events: of the simulation.
    """

    profile: str
    plans: str
    policy: str
    scale: float
    seed: int
    requests: int
    judged: int
    lost: int
    dropped: int
    miss_rate: float | None
    p99_ns: int | None
    busiest: float
    energy_uj: float | None
    xrbench_score: float | None
    score_without_energy: float | None
    hottest_c: float | None
    gap: float | None
    events: int


def points(
    profiles: Sequence[str],
    plans: Sequence[str],
    policies: Sequence[str],
    scales: Sequence[float],
    seeds: Sequence[int],
) -> list[Point]:
    """Every combination, each once, those with the same plans next to each other."""
    rows = product(profiles, plans, policies, scales, seeds)
    found = (
        Point(profile=profile, plans=plan, policy=policy, scale=scale, seed=seed)
        for profile, plan, policy, scale, seed in rows
    )
    return list(dict.fromkeys(found))


def point_key(point: Point, workload_sha256: str, profile_sha256: str, duration_ns: int) -> str:
    """Digest of everything that a point's result depends on.

    Args:
        point: what is simulated.
        workload_sha256: of the workload and the files that it names.
        profile_sha256: of the whole profile: power counts here.
        duration_ns: simulated.
    """
    what = [__version__, msgspec.to_builtins(point), workload_sha256, profile_sha256, duration_ns]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def rows_csv(rows: Sequence[Row]) -> str:
    """As CSV with a heading; what isn't known is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, Row.__struct_fields__, lineterminator="\n")
    writer.writeheader()
    writer.writerows(msgspec.to_builtins(row) for row in rows)
    return text.getvalue()
