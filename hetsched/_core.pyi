"""hetsched's native core."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

LinkRow: TypeAlias = tuple[tuple[int, int, int, int], list[int], int]
EdgeRow: TypeAlias = tuple[int, Sequence[int], Sequence[int]]
StageRow: TypeAlias = tuple[int, Sequence[int]]
_StageSpec: TypeAlias = tuple[Sequence[int], Sequence[tuple[int, int]]]
_Action: TypeAlias = tuple[int, int, int, int]
SimUnitRow: TypeAlias = tuple[
    Sequence[tuple[float, float, float]],  # levels: Hz, slowdown, mW
    int,
    float,
    float,
    int,
    int,
    Sequence[tuple[int, int]],
    int,
    float,
]
HeatRow: TypeAlias = tuple[
    Sequence[float],
    Sequence[float],
    Sequence[tuple[int, int, float]],
    float,
    float,
    int,
    Sequence[tuple[int, float, float, Sequence[int]]],
]
_SimWorkRow: TypeAlias = tuple[float, Sequence[tuple[int, float, int]], float, float, float, float]
_SimStageRow: TypeAlias = tuple[Sequence[_SimWorkRow], tuple[int, float, Sequence[float]]]
_Choose: TypeAlias = Callable[[int, int, Sequence[tuple[int, ...]]], int]
NativePolicy: TypeAlias = str | Sequence[int] | _Choose

class Problem:
    """A placement problem as flat arrays.

    `cost` and `weights` are `[group * units + unit]`, a negative cost means unsupported; an edge is
    (producer or -1 for a model input, consumers, `[from * units + to]` transfer times); a negative
    limit in `max_stages` or `memory` means none.
    """

    def __init__(
        self,
        *,
        units: int,
        cost: Sequence[int],
        edges: Sequence[EdgeRow],
        home: int,
        dispatch: Sequence[int],
        max_stages: Sequence[int],
        weights: Sequence[int],
        memory: Sequence[int],
    ) -> None: ...
    @property
    def groups(self) -> int: ...
    @property
    def units(self) -> int: ...

def path_bound(problem: Problem) -> int:
    """No schedule ends before this: the longest path; a change of unit costs dispatch and copy."""

def load_bound(problem: Problem) -> int:
    """No schedule ends before this: the groups' times, spread over the units at their best."""

def solve_exact(
    problem: Problem, *, known: int, max_nodes: int, seconds: float = 1e9
) -> tuple[list[tuple[int, list[int]]], int, int, int]:
    """Stages better than `known` ns (none if there aren't any), value, bound, number of nodes.

    Ignores limits of memory and of stages per unit. At most 64 groups and 8 units.
    """

def solve_chain(
    problem: Problem,
    *,
    seed: int,
    gap: float,
    max_nodes: int,
    iterations: int,
    known: int = ...,
    seconds: float = 1e9,
) -> tuple[list[tuple[int, list[int]]], int, int, list[LinkRow]]:
    """Stages (they may break limits), value, bound, and what is known of each block.

    Stops at a bound of (1 - gap) times the lower of its value and `known`, that of a schedule that
    the caller has. A block is ((source, sink, first, last), lower, open): the clean points around
    it (-1 for none), its groups first <= g < last, the least time from source to sink, `[source
    unit * units + sink unit]` (-1 where impossible), and how far from the best its arc on the best
    path may be.
    """

def series_points(problem: Problem) -> list[int]:
    """Groups that are ordered against every other group."""

def clean_points(problem: Problem) -> list[int]:
    """Series points that no tensor made earlier, and no model input, passes by."""

def timing(problem: Problem, stages: Sequence[StageRow]) -> tuple[list[int], list[int], int]:
    """Starts, ends, makespan of (unit, groups) stages in dispatch order; ValueError if invalid."""

def anneal(
    problem: Problem,
    start: Sequence[StageRow],
    *,
    seed: int,
    iterations: int,
    hot: float = 0.02,
    cold: float = 1e-5,
    target: int = 0,
    seconds: float = 1e9,
) -> tuple[list[tuple[int, list[int]]], int, int]:
    """Stages no worse than `start`, their makespan in ns, and the number of iterations made."""

def anneal_load(
    problem: Problem,
    start: Sequence[StageRow],
    *,
    price: Sequence[int],
    seed: int,
    iterations: int,
    smooth: bool = False,
    hot: float = 0.02,
    seconds: float = 1e9,
) -> list[tuple[int, list[int]]]:
    """Stages whose busiest unit is less busy; with a price per unit and ns, whose time is cheaper.

    `smooth` evens out all units' times instead, which may leave the busiest one busier than before.
    Repeatable unless stopped by `seconds`.
    """

def pack_bound(
    problem: Problem,
    *,
    rounds: int,
    resolution: int,
    width: int,
    upper: int,
    gap: float,
    seconds: float = 1e9,
) -> int:
    """No schedule keeps its busiest unit less busy than this: by prices on the groups.

    Looks for bounds up to `upper` and stops at (1 - gap) x upper. Takes rounds x groups x
    2^(width + 1) x resolution steps per unit.
    """

def frontier(
    problem: Problem, *, price: Sequence[int], upper: int, states: int, seconds: float = 1e9
) -> tuple[int, list[int]]:
    """Bound of the units' times, each at its price per ns, and the unit per group of the best end.

    No units come back when nothing below `upper` was found; the bound is 0 where there are
    more than 8 units. Once `seconds` are over it goes on with few states.
    """

class Balance:
    """A graph of states for the busiest unit's time, with its best prices, to be searched.

    Keeps at most `states` per group and nothing that isn't better than `upper`. Where states are
    too many, `whole` tells fewer of them apart, else the dearest are dropped. What `seconds` stop
    isn't repeatable.
    """

    def __init__(
        self, problem: Problem, *, states: int, whole: bool, upper: int, seconds: float = 1e9
    ) -> None: ...
    @property
    def bound(self) -> int:
        """No schedule keeps its busiest unit less busy, as far as known; 0 if it doesn't fit."""

    @property
    def complete(self) -> bool:
        """Whether all states are in it, and told apart as well as they can be."""

    @property
    def fits(self) -> bool:
        """Whether there are few enough units, 8: else it's empty."""

    def search(
        self, *, labels: int, grain: int, upper: int, seconds: float = 1e9
    ) -> tuple[int, list[list[int]]]:
        """No schedule keeps its busiest unit less busy than this; units per group of good ends.

        Looks for nothing from `upper` on, and forgets it for good. Keeps at most `labels` per
        group; labels that differ by less than upper / grain may be one. Once `seconds` are over it
        goes on with few labels and without a new bound.
        """

class Dispatcher:
    """What runs next, and where: events in, actions out; see `hetsched.dispatch`.

    A unit is busy from its start action until `stage_done` or `stage_failed` answers it, or until
    `unit_down`. Every event carries the time. One that can't happen in this state raises ValueError
    and changes nothing; one that comes while another is handled raises RuntimeError.
    """

    def __init__(self, units: int, policy: str | Sequence[int] | _Choose) -> None:
        """A policy's name, a static order of turns, or a function to ask.

        The function is given unit, time and (request, app, stage, arrival, deadline or -1, duration
        here, rest, priority) of each candidate, oldest request first; it gives an index.
        """

    def deploy(
        self,
        stages: Sequence[_StageSpec],
        *,
        deadline_ns: int = -1,
        priority: int = 0,
        weight: int = 1000,
        capacity: int = -1,
        full: int = 0,
        admission: int = 0,
        drops_late: bool = False,
        turn: int = -1,
    ) -> int:
        """The number of a new app with stages of (earlier stages it waits for, (unit, ns)s)."""

    def retire(self, app: int) -> None:
        """The app takes no more requests; those that it has go on."""

    def set_duration(self, app: int, stage: int, unit: int, duration_ns: int) -> None:
        """A stage's time on one of its units has turned out otherwise."""

    def submit(self, now_ns: int, app: int, deadline_ns: int = -1) -> tuple[int, list[_Action]]:
        """A request has come: its number, and what must be done.

        A deadline is since now; a negative one is the app's.
        """

    def stage_done(self, now_ns: int, unit: int, request: int, stage: int) -> list[_Action]:
        """A unit has finished the stage that it was told to start."""

    def stage_failed(
        self, now_ns: int, unit: int, request: int, stage: int, retry: bool = False
    ) -> list[_Action]:
        """A unit couldn't finish it; with `retry` another one that is up and able to does it."""

    def unit_down(self, now_ns: int, unit: int) -> list[_Action]:
        """The unit runs nothing from now on; what it was running is run again."""

    def unit_up(self, now_ns: int, unit: int) -> list[_Action]:
        """The unit is back."""

    def cancel(self, now_ns: int, request: int) -> list[_Action]:
        """Nobody waits for the request any more. Of no effect when it has ended."""

    def timer(self, now_ns: int) -> list[_Action]:
        """The time has come that a timer action named, or any other."""

    def take_error(self) -> str:
        """What a policy's function did wrong first since the last call; empty for nothing."""

    def queued(self, unit: int) -> int:
        """How many ready stages wait for the unit, or for it or others."""

    def waiting(self, app: int) -> int:
        """How many of the app's requests wait for their first stage."""

    @property
    def is_idle(self) -> bool:
        """Whether every request has ended and no unit runs a stage."""

    @property
    def live(self) -> int:
        """How many requests haven't ended."""

    @property
    def allocations(self) -> int:
        """How often it asked for memory so far."""

def drive_dispatcher(
    dispatcher: Dispatcher, *, apps: int, depth: int, starts: int, longest_ns: int, seed: int = 0
) -> tuple[int, int, int, int]:
    """Starts, events, requests ended and the dispatcher's allocations, of a run in virtual time.

    Keeps `depth` requests of each of the apps 0 to `apps` - 1 going until as many stages have
    started, then lets the last ones end; each stage takes from 1 to `longest_ns`. Nothing may be
    under way before.
    """

class Recorder:
    """A bounded ring of trace events: many threads record, one drains; recording never waits.

    Fields and kinds are those of `hetsched.trace.events`. What there is no room for is counted.
    """

    def __init__(self, capacity: int) -> None:
        """For so many events that haven't been drained: a power of two."""

    def at(
        self, time_ns: int, kind: int, unit: int, app: int, request: int, stage: int, value: int
    ) -> None:
        """Something happened at that time."""

    def ran(
        self, start_ns: int, end_ns: int, unit: int, app: int, request: int, stage: int
    ) -> None:
        """A stage has run from then to then: the events of its start and its end."""

    def drain(self) -> tuple[bytes, int]:
        """Events that were recorded since the last call, and how many got lost; not in parallel."""

class Histogram:
    """Counts of durations; see `hetsched.trace.histogram`."""

    def __init__(self) -> None: ...
    def add(self, value_ns: int) -> None:
        """One more value; what is below 0 counts as 0."""

    @property
    def total_ns(self) -> int:
        """The sum of all values."""

    def rows(self) -> list[tuple[int, int]]:
        """(bucket, count) of those that aren't empty, in ascending order."""

class Tally:
    """Counts of an app's requests; see `hetsched.runtime.tally`."""

    requests: int
    """How many came."""

    def __init__(self) -> None: ...
    @property
    def latency(self) -> Histogram:
        """Of those that were completed or missed."""

    @property
    def ended(self) -> tuple[int, int, int, int, int]:
        """How many ended in each way of `hetsched.dispatch.STATUSES`."""

    def count(self, status: int, latency_ns: int) -> None:
        """One more has ended with that status, so long after it came."""

class Meter:
    """Counts of one unit."""

    failures: int
    """How many stages failed there."""

    def __init__(self) -> None: ...
    @property
    def busy_ns(self) -> int:
        """How long stages that have ended well took there."""

    @property
    def stages(self) -> int:
        """How many these are."""

class Learned:
    """Times of one app's stages; see `hetsched.runtime.learning`. Not for several threads."""

    def __init__(self, told: Callable[[int, int, int], None]) -> None:
        """`told` is called with stage, unit and ns when an average has moved."""

    def add(self, stage: int, unit: int, took_ns: int) -> None:
        """A stage took that long on a unit."""

    def dropped(self) -> None:
        """A request was dropped."""

    def average_ns(self, stage: int, unit: int) -> int | None:
        """What a stage takes on a unit; None when it hasn't run there yet."""

    def places(self) -> dict[tuple[int, int], tuple[int, int, tuple[int, ...]]]:
        """Average, number of runs and last times, by stage and unit."""

class Account:
    """What is counted and learnt of one app's requests."""

    is_retired: bool
    """It learns no more: nobody decides by it."""

    def __init__(
        self,
        app: int,
        deadline_ns: int,
        tally: Tally,
        learned: Learned | None,
        longest_ns: Sequence[int],
    ) -> None:
        """A deadline of -1 for none; `longest_ns` as known so far, per stage."""

    def longest_ns(self, stage: int) -> int:
        """The longest that a stage is known to have taken; 0 for nothing known."""

class Desk:
    """What a usual request needs under the engine's lock, in two calls that read the clock.

    The rest is for others to do: what isn't usual comes back as the dispatcher's actions.
    """

    is_plain: bool
    """Whether nothing but the dispatcher is to be asked; else all comes back."""
    recorder: Recorder | None
    """Of the trace that is being recorded."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        requests: dict[int, Any],
        awaited: list[Any],
        meters: list[Meter],
        statuses: tuple[Any, ...],
    ) -> None:
        """Requests by number, and what each unit runs, are shared with the engine."""

    def begin(self, request: Any, account: Account, deadline_ns: int) -> Any:
        """A request comes and gets its number.

        Gives the stage (unit, request, stage) to start when that is all there is to do, and is its
        own; else the list of actions.
        """

    def end(self, task: Any, account: Account, start_ns: int, end_ns: int) -> Any:
        """A stage has run from then to then: it is counted, and the dispatcher told.

        When all there is to do is one stage to start at most, and the end of the request itself,
        that is noted in the request, and the stage or None comes back; else the list of actions.
        """

class Glance:
    """Says of arrays whether they are what was promised."""

    def __init__(self, kind: type, rows: list[tuple[str, Any, Any]]) -> None:
        """Name, dtype (numpy's own object) and shape of each; nothing fits None."""

    def holds(self, given: Any) -> bool:
        """Whether a dict has just these arrays, of that very type, each in one piece."""

    def named(self, made: Any) -> dict[str, Any] | None:
        """A list's arrays by name; None when they aren't these, in this order."""

class Arrivals:
    """When an app's requests come: a native pattern, see `hetsched.sim.native`."""

    def __init__(
        self,
        *,
        kind: int,
        interval_ns: float,
        phase_ns: float,
        jitter_ns: float,
        on_ns: float,
        off_ns: float,
        is_random: bool,
        think_ns: float,
        clients: int,
        times_ns: Sequence[int],
        start_ns: int,
        stop_ns: int,
        load: Sequence[tuple[int, float]],
        active: Sequence[tuple[int, int]],
    ) -> None:
        """Kinds: none, periodic, Poisson, bursty, replay, closed, from 0; a time of -1: never."""

class Simulation:
    """Apps on a SoC in virtual time, over a dispatcher of its own."""

    def __init__(
        self,
        units: Sequence[SimUnitRow],
        policy: NativePolicy,
        *,
        heat: HeatRow | None,
        seed: int,
        duration_ns: int,
        drains: bool,
        traces: bool,
        keeps_requests: bool,
        ticks: int,
        memory_bytes_per_ns: float,
        links: int,
    ) -> None:
        """Nothing has happened yet. Who calls has checked every number."""

    def add(
        self,
        nodes: Sequence[tuple[Sequence[int], Sequence[tuple[int, int]]]],
        stages: Sequence[_SimStageRow],
        arrivals: Arrivals,
        triggers: Sequence[tuple[int, float, int, bool]],
        *,
        deadline_ns: int,
        priority: int,
        weight: int,
        capacity: int,
        full: int,
        admission: int,
        drops_late: bool,
        turn: int,
        timeout_ns: int,
    ) -> int:
        """The number of a new app; before the first step."""

    def step(self, events: int) -> bool:
        """Go on by so many events at most; False when the simulation is over."""

    def take_error(self) -> str:
        """What a policy's function did wrong first since the last call; empty for nothing."""

    def take_trace(self) -> bytes:
        """Records of dtype `hetsched.trace.EVENT` since the last call."""

    def take_requests(self) -> bytes:
        """Records of dtype `hetsched.sim.result.REQUEST` since the last call."""

    def ticks(self) -> bytes:
        """Rows of float64, see native/sim/simulation.hpp."""

    def hottest(self) -> list[float]:
        """Highest temperature of each node that was seen, in degrees C."""

    def temperatures(self) -> list[float]:
        """Of each node, as they are now."""

    def app(self, app: int) -> dict[str, Any]:
        """Counts, energy in pJ and quantiles of one app."""

    def unit(self, unit: int) -> tuple[int, float, int, int, int]:
        """Busy ns, pJ, stages, ns throttled and since when (-1: never) of one unit."""

    @property
    def trace_events(self) -> int:
        """How many records `take_trace` would give."""

    @property
    def now_ns(self) -> int:
        """Virtual time."""

    @property
    def events(self) -> int:
        """How many there have been."""
