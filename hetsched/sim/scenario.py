"""A workload on a SoC: from a workload file's words to the simulator's, and what comes of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hetsched.dispatch import POLICIES, Policy, StageNode, StaticOrder, Terms
from hetsched.errors import WorkloadError
from hetsched.sim import arrivals as sim_arrivals
from hetsched.sim.blind import ROUND_ROBIN, unaware
from hetsched.sim.from_plan import from_plan, from_profile
from hetsched.sim.from_workload import varied, with_courses
from hetsched.sim.model import FIXED, PLAIN, SimApp, Trigger
from hetsched.sim.result import SimResult
from hetsched.sim.simulate import simulate
from hetsched.sim.soc import SimSoc, SimUnit
from hetsched.soc.profile import Profile
from hetsched.workload import arrivals
from hetsched.workload.checks import STATIC
from hetsched.workload.files import read_times_ns
from hetsched.workload.fits import check_fits
from hetsched.workload.joint import Choices, choices_together
from hetsched.workload.model import App, Change, HostStage, Workload
from hetsched.workload.planning import Effort, Planned, is_joint, plan_alone, plan_apps

HOST_UNIT = "host"
"""Where host stages run: a worker of its own, beside the SoC's units."""

_HOST = SimUnit(name=HOST_UNIT, idle_mw=0.0, wake_ns=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A workload on a SoC in the simulator's words; can be sent to another process.

    Attributes:
        workload: what is asked for.
        apps: of the workload, each with its plan.
        soc: what they run on.
    """

    workload: Workload
    apps: tuple[SimApp, ...]
    soc: SimSoc


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A workload on a SoC, and how it got ready.

    Attributes:
        workload: what is asked for.
        profile: the SoC.
        planned: its apps with their plans.
        ready: the same for the simulator.
        notes: what can't work although it is simulated, one line each.
        choices: what apps planned together choose from; None where each has one plan.
        candidates: the same for the simulator, per app; empty where there are no choices.
    """

    workload: Workload
    profile: Profile
    planned: tuple[Planned, ...]
    ready: Ready
    notes: tuple[str, ...]
    choices: Choices | None = None
    candidates: tuple[tuple[SimApp, ...], ...] = ()


def prepare(
    workload: Workload,
    profile: Profile,
    *,
    choice: str | None = None,
    effort: Effort | None = None,
    told: Callable[[str, float], None] = lambda _name, _share: None,
) -> Scenario:
    """Plan what has no plan, and put everything into the simulator's words.

    Args:
        workload: what is asked for.
        profile: the SoC.
        choice: one of `hetsched.workload.planning.CHOICES`.
        effort: of the search for plans.
        told: app's name and what share of its plan is made.

    Raises:
        WorkloadError: naming the app that can't be planned or can't meet its deadline.
    """
    choices = None
    if is_joint(workload, choice):
        alone = plan_alone(workload, profile, choice=choice, effort=effort, told=told)
        choices = choices_together(workload, profile, alone, effort or Effort())
        planned = choices.planned(choices.starts[0])
    else:
        planned = plan_apps(workload, profile, choice=choice, effort=effort, told=told)
    notes = check_fits(workload, profile, planned)
    soc = with_courses(from_profile(profile), workload)
    if any(app.pre or app.post for app in workload.apps):
        soc = replace(soc, units=(*soc.units, _HOST))
    apps = tuple(_app(workload, each, profile) for each in planned)
    return Scenario(
        workload=workload,
        profile=profile,
        planned=planned,
        ready=Ready(workload=workload, apps=apps, soc=soc),
        notes=notes,
        choices=choices,
        candidates=()
        if choices is None
        else tuple(
            tuple(_app(workload, each, profile) for each in options) for options in choices.options
        ),
    )


def run(
    ready: Ready,
    *,
    policy: Policy | None = None,
    duration_ns: int | None = None,
    seed: int | None = None,
    scale: float = 1.0,
    drain: bool = False,
    trace: bool = False,
    keep_requests: bool = False,
    snapshots: int = 0,
    progress: Callable[[float], None] | None = None,
) -> SimResult:
    """Simulate it.

    Args:
        ready: of a scenario.
        policy: a name, a `StaticOrder` or a function; the workload's where left out; `round-robin`
            is there for comparison: each free unit takes the oldest stage that it can run.
        duration_ns: likewise.
        seed: likewise.
        scale: times all rates; closed loops stay what they are.
        drain: go on until the requests that came have ended.
        trace: keep the events.
        keep_requests: keep a record of each request.
        snapshots: of the time series.
        progress: gets the share of virtual time that is over.

    Raises:
        SimError: naming what is wrong.
    """
    workload = ready.workload
    is_blind = policy == ROUND_ROBIN
    apps = [unaware(app) for app in ready.apps] if is_blind else ready.apps
    result = simulate(
        [scaled(app, scale) for app in apps],
        ready.soc,
        policy=policy_of(workload, policy),
        duration_ns=int(workload.duration_ns) if duration_ns is None else duration_ns,
        seed=workload.seed if seed is None else seed,
        drain=drain,
        trace=trace,
        keep_requests=keep_requests,
        snapshots=snapshots,
        progress=progress,
    )
    return replace(result, policy=ROUND_ROBIN) if is_blind else result


def policy_of(workload: Workload, policy: Policy | None) -> Policy:
    """A policy by name, the workload's where left out; `static` takes the workload's order.

    Raises:
        WorkloadError: for a name that isn't one, or `static` without an order.
    """
    chosen = workload.policy if policy is None else policy
    if not isinstance(chosen, str):
        return chosen
    if chosen == ROUND_ROBIN:
        return "fifo"  # on units that all seem equally fast
    if chosen not in (*POLICIES, STATIC):
        known = ", ".join((*POLICIES, STATIC, ROUND_ROBIN))
        raise WorkloadError(f"policy {chosen!r} is unknown: take one of {known}")
    if chosen == STATIC and not workload.order:
        raise WorkloadError(
            f"policy static needs `order` in workload {workload.name}: apps in turn"
        )
    return StaticOrder(workload.order) if chosen == STATIC else chosen


def scaled(app: SimApp, scale: float) -> SimApp:
    """The app with all its rates times a factor."""
    if scale == 1.0 or app.arrivals is None or isinstance(app.arrivals, sim_arrivals.Closed):
        return app
    load = app.load if app.load and app.load[0][0] == 0 else ((0, 1.0), *app.load)
    return replace(app, load=tuple((at, factor * scale) for at, factor in load))


def _app(workload: Workload, planned: Planned, profile: Profile) -> SimApp:
    app = planned.app
    made = from_plan(planned.plan, profile, planned.model, name=app.name)
    return replace(
        _with_host(varied(made, app), app, len(profile.units)),
        arrivals=_arrivals(app),
        triggers=_triggers(app),
        terms=Terms(
            deadline_ns=None if app.deadline_ns is None else int(app.deadline_ns),
            late=app.late,
            priority=app.priority,
            weight=app.weight,
            capacity=app.capacity,
            full=app.full,
            admission=app.admission,
        ),
        load=together(workload.load, app.load),
        timeout_ns=None if app.timeout_ns is None else int(app.timeout_ns),
        active=tuple((int(span.from_ns), int(span.to_ns)) for span in app.active),
    )


def _with_host(made: SimApp, app: App, host: int) -> SimApp:
    """The model's stages between host stages, which follow each other."""
    before, after = len(app.pre), len(app.pre) + len(made.nodes)
    if not app.pre and not app.post:
        return made
    moved = [
        StageNode(
            units=node.units,
            after=tuple(at + before for at in node.after) or ((before - 1,) if before else ()),
        )
        for node in made.nodes
    ]
    read = {at for node in moved for at in node.after}
    ends = tuple(at for at in range(before, after) if at not in read)
    nodes = [_host_node(stage, (at - 1,) if at else (), host) for at, stage in enumerate(app.pre)]
    nodes += moved
    for at, stage in enumerate(app.post):
        nodes.append(_host_node(stage, ends if at == 0 else (after + at - 1,), host))
    names = made.stage_names or tuple(f"s{at}" for at in range(len(made.nodes)))
    plain = ((PLAIN,),)
    works = made.works or tuple((PLAIN,) * len(node.units) for node in made.nodes)
    variations = made.variations or (FIXED,) * len(made.nodes)
    pre, post = len(app.pre), len(app.post)
    return replace(
        made,
        nodes=tuple(nodes),
        works=(*plain * pre, *works, *plain * post),
        variations=(*(FIXED,) * pre, *variations, *(FIXED,) * post),
        stage_names=(*(s.name for s in app.pre), *names, *(s.name for s in app.post)),
        uncounted=(
            *made.uncounted,
            "host stages run on a worker of their own: what they take from the CPU isn't counted",
        ),
    )


def _host_node(stage: HostStage, after: tuple[int, ...], host: int) -> StageNode:
    return StageNode(units=((host, int(stage.time_ns)),), after=after)


def _triggers(app: App) -> tuple[Trigger, ...]:
    if app.after is None:
        return ()
    return (
        Trigger(
            after=app.after.app,
            probability=app.after.probability,
            count=app.after.count,
            deadline=app.after.deadline,
        ),
    )


def _arrivals(app: App) -> sim_arrivals.Arrivals | None:
    match app.pattern:
        case None:
            return None
        case arrivals.Periodic(rate=rate, jitter_ns=jitter_ns, phase_ns=phase_ns):
            return sim_arrivals.Periodic(
                rate=rate, jitter_ns=int(jitter_ns), phase_ns=int(phase_ns)
            )
        case arrivals.Poisson(rate=rate):
            return sim_arrivals.Poisson(rate=rate)
        case arrivals.Bursty(rate=rate, on_ns=on_ns, off_ns=off_ns):
            return sim_arrivals.Bursty(rate=rate, on_ns=int(on_ns), off_ns=int(off_ns))
        case arrivals.Replay(file=file):
            return sim_arrivals.Replay(times_ns=tuple(read_times_ns(file)))
        case arrivals.Closed(clients=clients, think_ns=think_ns):
            return sim_arrivals.Closed(clients=clients, think_ns=int(think_ns))


def together(first: Sequence[Change], second: Sequence[Change]) -> tuple[tuple[int, float], ...]:
    """The product of two courses of load, each 1 before its first change."""
    times = sorted({int(change.at_ns) for change in (*first, *second)})
    return tuple((at, _scale(first, at) * _scale(second, at)) for at in times)


def _scale(changes: Sequence[Change], at: int) -> float:
    return next((change.scale for change in reversed(changes) if change.at_ns <= at), 1.0)
