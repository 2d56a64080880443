"""The dispatcher's words in Python: what runs next, and where, is decided in `hetsched._core`.

`hetsched._core.Dispatcher` is a pure state machine, events in and actions out: no thread, clock,
lock or I/O in it. Whoever drives it (the runtime's threads, a simulator, a test) feeds events one
at a time, each with the time, and carries out the actions that come back. The same events always
give the same actions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, NamedTuple, TypeAlias, TypedDict

from hetsched._core import Dispatcher
from hetsched.errors import RunError

START: Final = 0
"""Action (START, unit, request, stage): run this stage on this unit now."""
FINISH: Final = 1
"""Action (FINISH, -1, request, status): index in `STATUSES`; the request has ended."""
TIMER: Final = 2
"""Action (TIMER, -1, at, 0): send a timer event at that time; replaces the one set before."""


Action: TypeAlias = tuple[int, int, int, int]


class RequestStatus(StrEnum):
    """How a request ended; every request ends in exactly one of these."""

    COMPLETED = "completed"
    """In time."""
    MISSED = "missed"
    """Late."""
    DROPPED = "dropped"
    """Not run to its end: it couldn't meet its deadline any more, or there was no room for it."""
    CANCELLED = "cancelled"
    FAILED = "failed"


STATUSES: Final = tuple(RequestStatus)

POLICIES: Final = (
    "fifo",
    "priority",
    "edf",
    "least-slack",
    "weighted-fair",
    "shortest-expected-latency",
    "heft",
)
"""Policies by name; `StaticOrder` and a function are the others."""

Full: TypeAlias = Literal["reject", "drop-oldest", "latest-only"]
"""What happens to a new request when the queue is full: it is dropped, the one that waits longest
is, or all that wait are."""

Admission: TypeAlias = Literal["all", "own", "backlog"]
"""Which requests are let in: all; those that could meet their deadline on idle units; those that
can meet it behind the work that would be served before their first stage."""

_FULL: Final[tuple[Full, ...]] = ("reject", "drop-oldest", "latest-only")
_ADMISSION: Final[tuple[Admission, ...]] = ("all", "own", "backlog")


class Candidate(NamedTuple):
    """A ready stage among which a policy written in Python chooses.

    Attributes:
        request: ascends in the order of arrival.
        app: the dispatcher's number.
        stage: its index in the app.
        arrival_ns: of the request.
        deadline_ns: of the request, on the same clock; -1 for none.
        duration_ns: expected on the unit that is free.
        rest_ns: from the stage's start to the request's end, at best.
        priority: the app's.
    """

    request: int
    app: int
    stage: int
    arrival_ns: int
    deadline_ns: int
    duration_ns: int
    rest_ns: int
    priority: int


@dataclass(frozen=True, slots=True)
class StaticOrder:
    """Units take turns: each goes round this cycle of apps, one stage a turn.

    An app that has nothing ready for a unit is passed over there; an app that isn't named runs when
    none of the others can.

    Attributes:
        apps: names, in turn; one may come several times.
    """

    apps: tuple[str, ...]

    def turn(self, name: str) -> int:
        """What the dispatcher calls the app; -1 when it isn't in the order."""
        names = list(dict.fromkeys(self.apps))
        return names.index(name) if name in names else -1


Choose: TypeAlias = Callable[[int, int, Sequence[Candidate]], int]
"""A policy of one's own: unit, time in ns and the ready stages, oldest request first; the index of
one of them comes back. It is called under the runtime's lock and must not call the runtime."""

Policy: TypeAlias = str | StaticOrder | Choose


@dataclass(frozen=True, slots=True, kw_only=True)
class StageNode:
    """What the dispatcher knows of a stage.

    Attributes:
        units: (unit, expected ns) of each unit that can run it, the planned one first.
        after: indices of the stages that must have ended before, each once.
    """

    units: tuple[tuple[int, int], ...]
    after: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On which terms an app's requests are served.

    Attributes:
        deadline_ns: since a request's arrival, None for none.
        late: `drop` what can't meet its deadline any more at once, or `run` it all the same.
        priority: for the policy `priority`; higher first.
        weight: for the policy `weighted-fair`: the app's share.
        capacity: how many requests may wait for their first stage, None for any number.
        full: what happens when they are that many.
        admission: which requests are let in.
    """

    deadline_ns: int | None = None
    late: Literal["drop", "run"] = "drop"
    priority: int = 0
    weight: float = 1.0
    capacity: int | None = None
    full: Full = "reject"
    admission: Admission = "all"

    def __post_init__(self) -> None:
        _refuse_unless(
            self.deadline_ns is None or self.deadline_ns > 0, "deadline", "above 0", self
        )
        _refuse_unless(self.late in ("drop", "run"), "late", "drop or run", self)
        _refuse_unless(0.001 <= self.weight <= 1e9, "weight", "from 0.001 to 1e9", self)
        _refuse_unless(self.capacity is None or self.capacity > 0, "capacity", "from 1", self)
        _refuse_unless(self.full in _FULL, "full", " or ".join(_FULL), self)
        _refuse_unless(self.admission in _ADMISSION, "admission", " or ".join(_ADMISSION), self)


class NativeTerms(TypedDict):
    """Arguments of `hetsched._core`; -1 for none."""

    deadline_ns: int
    priority: int
    weight: int
    capacity: int
    full: int
    admission: int
    drops_late: bool
    turn: int


def _refuse_unless(fits: bool, name: str, accepted: str, terms: Terms) -> None:
    if not fits:
        seen = getattr(terms, "deadline_ns" if name == "deadline" else name)
        raise RunError(f"{name} is {seen!r}: give {accepted}")


def make_dispatcher(units: int, policy: Policy) -> Dispatcher:
    """A dispatcher without apps.

    Raises:
        RunError: naming a policy that doesn't exist.
    """
    if isinstance(policy, StaticOrder):
        if not policy.apps:
            raise RunError("a static order names one app at least")
        return Dispatcher(units, [policy.turn(name) for name in policy.apps])
    if isinstance(policy, str):
        if policy not in POLICIES:
            raise RunError(
                f"there is no policy {policy!r}: take {', '.join(POLICIES)}, a StaticOrder or a "
                "function"
            )
        return Dispatcher(units, policy)
    chosen = policy

    def choose(unit: int, now_ns: int, rows: Sequence[tuple[int, ...]]) -> int:
        return chosen(unit, now_ns, [Candidate(*row) for row in rows])

    return Dispatcher(units, choose)


def deploy(core: Dispatcher, nodes: Sequence[StageNode], terms: Terms, turn: int = -1) -> int:
    """Make an app's stages known to the dispatcher; the app's number comes back.

    Raises:
        ValueError: naming the stage that is wrong.
    """
    return core.deploy([(node.after, node.units) for node in nodes], **app_terms(terms, turn))


def app_terms(terms: Terms, turn: int = -1) -> NativeTerms:
    """Terms as the native core takes them."""
    return {
        "deadline_ns": -1 if terms.deadline_ns is None else terms.deadline_ns,
        "priority": terms.priority,
        "weight": round(terms.weight * 1000),
        "capacity": -1 if terms.capacity is None else terms.capacity,
        "full": _FULL.index(terms.full),
        "admission": _ADMISSION.index(terms.admission),
        "drops_late": terms.deadline_ns is not None and terms.late == "drop",
        "turn": turn,
    }
