"""Apps on a SoC in virtual time: the same dispatcher as the runtime's, another clock."""

from collections.abc import Callable, Sequence
from time import perf_counter

import numpy as np

from hetsched._core import Simulation
from hetsched.dispatch import POLICIES, Policy, StaticOrder
from hetsched.errors import SimError
from hetsched.sim.checks import check
from hetsched.sim.collect import collect
from hetsched.sim.memory import check_memory
from hetsched.sim.model import SimApp
from hetsched.sim.native import build
from hetsched.sim.recording import Recording
from hetsched.sim.refuse import refuse_unless
from hetsched.sim.result import SimResult
from hetsched.sim.soc import SimSoc

STEP = 200_000
"""Events between two looks at progress, at an interrupt from the keyboard and at the trace."""


def simulate(
    apps: Sequence[SimApp],
    soc: SimSoc,
    *,
    policy: Policy = "edf",
    duration_ns: int,
    seed: int = 0,
    drain: bool = False,
    contention: bool = True,
    trace: bool = False,
    max_trace_events: int = 5_000_000,
    on_events: Callable[[np.ndarray], None] | None = None,
    keep_requests: bool = False,
    snapshots: int = 0,
    progress: Callable[[float], None] | None = None,
) -> SimResult:
    """Simulate apps that share a SoC.

    Args:
        apps: in the order of their numbers.
        soc: what they run on.
        policy: as the runtime's: a name, a `StaticOrder`, or a function.
        duration_ns: for how long requests come.
        seed: of everything random: the same seed gives the same bytes.
        drain: go on until the requests that came have ended.
        contention: whether stages slow each other down through the shared memory.
        trace: keep the events, `max_trace_events` of them at most; the others are counted as lost.
        max_trace_events: see `trace`; 40 bytes each.
        on_events: gets all events instead, dtype `EVENT`, piece by piece.
        keep_requests: keep a record of each request, 56 bytes each.
        snapshots: how many, equally far apart, make the time series.
        progress: gets the share of virtual time that is over.

    Raises:
        SimError: naming the app, the unit or the value that is wrong, before anything starts; or
            an app that floods the dispatcher, or what a policy's function did wrong.
    """
    refuse_unless(0 <= snapshots <= 100_000, f"snapshots is {snapshots}: give 0 to 100,000")
    check(apps, soc, duration_ns)
    memory = check_memory(apps, soc, duration_ns)
    _check_policy(policy, {app.name for app in apps})
    recording = Recording(limit=max_trace_events if trace else 0, sink=on_events)
    began = perf_counter()
    native = build(
        apps,
        soc,
        policy=policy,
        duration_ns=duration_ns,
        seed=seed,
        drain=drain,
        traces=recording.is_on,
        keeps_requests=keep_requests,
        ticks=min(snapshots, duration_ns),
        contention=contention,
    )
    pieces = _run(native, apps, duration_ns, recording, progress)
    return collect(
        native,
        apps,
        soc,
        policy=policy,
        seed=seed,
        duration_ns=duration_ns,
        contention=contention,
        wall_s=perf_counter() - began,
        memory=memory,
        requests=pieces if keep_requests else None,
        trace=recording.events() if trace else None,
        lost=recording.lost,
    )


def _check_policy(policy: Policy, names: set[str]) -> None:
    if isinstance(policy, StaticOrder):
        refuse_unless(bool(policy.apps), "a static order names one app at least")
        strangers = sorted(set(policy.apps) - names)
        refuse_unless(
            not strangers,
            f"the static order names {', '.join(map(repr, strangers))}: apps are "
            f"{', '.join(sorted(names)[:20])}",
        )
    elif isinstance(policy, str):
        refuse_unless(
            policy in POLICIES, f"there is no policy {policy!r}: take one of {', '.join(POLICIES)}"
        )


def _run(
    native: Simulation,
    apps: Sequence[SimApp],
    duration_ns: int,
    recording: Recording,
    progress: Callable[[float], None] | None,
) -> list[bytes]:
    requests = []
    goes_on = True
    while goes_on:
        try:
            goes_on = native.step(STEP)
        except (ValueError, RuntimeError) as error:
            raise SimError(_flood(native, apps, str(error))) from error
        if wrong := native.take_error():
            raise SimError(f"the policy's function failed: {wrong}")
        recording.take(native)
        requests.append(native.take_requests())
        if progress is not None:
            progress(min(native.now_ns / duration_ns, 1.0))
    return requests


def _flood(native: Simulation, apps: Sequence[SimApp], what: str) -> str:
    """Too many requests under way, or no time between them: by which app."""
    most = max(range(len(apps)), key=lambda app: _live(native, app))
    if "time stands still" in what:
        most = max(range(len(apps)), key=lambda app: int(native.app(app)["requests"]))
        return (
            f"app {apps[most].name!r}: {what}: its requests end when they come and come again at "
            "once; give it a think time, or a deadline that can be met"
        )
    return (
        f"app {apps[most].name!r} has {_live(native, most)} requests under way after "
        f"{native.now_ns} ns ({what}): give it a deadline, a queue capacity or a lower rate"
    )


def _live(native: Simulation, app: int) -> int:
    counts = native.app(app)
    return int(counts["requests"]) - int(sum(counts["ended"]))
