"""The desk and what it counts, against the same in Python; the glance at arrays."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched._core import Account, Desk, Dispatcher, Glance, Meter, Recorder
from hetsched.backends.null import NullBackend
from hetsched.dispatch import FINISH, START, STATUSES
from hetsched.runtime import RuntimeUnit, SyncRuntime
from hetsched.runtime.learning import Learned
from hetsched.runtime.request import Request
from hetsched.runtime.tally import Tally
from hetsched.runtime.trial import fill_inputs
from hetsched.runtime.ward import Task
from hetsched.trace.events import EVENT, Kind
from hetsched.trace.histogram import bucket_of
from tests.unit.runtime.fakes import make_model, op
from tests.unit.runtime.plans import plan_of

CHAIN: Any = [([], [(0, 10)]), ([0], [(1, 10)])]
"""Two stages, one after the other, on two units."""

ONE: Any = [([], [(0, 10)])]


class Asked:
    """As much of a request as a desk looks at."""

    def __init__(self) -> None:
        self.number = -1
        self.is_lost = False
        self.status: Any = None
        self.finished_ns = -1
        self.submitted_ns = time.perf_counter_ns()


class Office:
    """A desk with all that it shares with an engine."""

    def __init__(self, stages: Any = ONE, deadline_ns: int = -1) -> None:
        self.core = Dispatcher(2, "fifo")
        app = self.core.deploy(stages, deadline_ns=deadline_ns)
        self.requests: dict[int, Any] = {}
        self.awaited: list[Any] = [None, None]
        self.meters = [Meter(), Meter()]
        self.tally = Tally()
        self.told: list[tuple[int, int, int]] = []
        self.learned = Learned(lambda *row: self.told.append(row))
        self.account = Account(app, deadline_ns, self.tally, self.learned, [5] * len(stages))
        self.desk = Desk(self.core, self.requests, self.awaited, self.meters, STATUSES)
        self.desk.is_plain = True

    def begin(self, request: Asked) -> Any:
        return self.desk.begin(request, self.account, -1)

    def end(self, task: Any, start_ns: int = 100, end_ns: int = 107) -> Any:
        return self.desk.end(task, self.account, start_ns, end_ns)


def test_a_request_on_an_idle_unit_is_two_calls() -> None:
    office, request = Office(), Asked()
    task = office.begin(request)
    assert task == (0, request, 0)
    assert office.awaited == [task, None]
    assert office.requests == {request.number: request}
    before_ns = time.perf_counter_ns()
    assert office.end(task) is None
    assert before_ns <= request.finished_ns <= time.perf_counter_ns()
    assert request.status is STATUSES[0]
    assert office.awaited == [None, None]
    assert office.requests == {}
    meter = office.meters[0]
    assert (meter.busy_ns, meter.stages, meter.failures) == (7, 1, 0)
    assert office.account.longest_ns(0) == 7  # was 5
    assert office.told == [(0, 0, 7)]
    assert (office.tally.requests, office.tally.completed, office.tally.in_flight) == (1, 1, 0)
    latency_ns = request.finished_ns - request.submitted_ns
    assert office.tally.latencies().total_ns == latency_ns
    assert office.tally.latencies().buckets == ((bucket_of(latency_ns), 1),)


def test_a_late_request_is_missed() -> None:
    office, request = Office(deadline_ns=1), Asked()
    office.end(office.begin(request))
    assert request.status is STATUSES[1]
    assert (office.tally.missed, office.tally.miss_rate) == (1, 1.0)


def test_the_next_stage_of_the_same_request_comes_back() -> None:
    office, request = Office(CHAIN), Asked()
    task = office.end(office.begin(request))
    assert task == (1, request, 1)
    assert office.awaited == [None, task]
    assert request.status is None


def test_the_unit_goes_on_with_who_waited_longest() -> None:
    office, first, second = Office(), Asked(), Asked()
    task = office.begin(first)
    assert office.begin(second) == []  # it waits
    assert office.end(task) == (0, second, 0)
    assert first.status is STATUSES[0]


def test_what_is_not_plain_comes_back_as_actions() -> None:
    office, request = Office(), Asked()
    office.desk.is_plain = False
    assert office.begin(request) == [(START, 0, request.number, 0)]
    assert office.awaited == [None, None]
    assert office.end((0, request, 0)) == [(FINISH, -1, request.number, 0)]
    assert request.status is None
    assert office.meters[0].stages == 1


def test_a_lost_request_is_left_to_others() -> None:
    office, request = Office(), Asked()
    task = office.begin(request)
    request.is_lost = True
    assert office.end(task) == [(FINISH, -1, request.number, 0)]
    assert office.requests == {request.number: request}


def test_a_retired_app_learns_no_more() -> None:
    office, request = Office(), Asked()
    task = office.begin(request)
    office.account.is_retired = True
    office.end(task)
    assert office.told == []


def test_a_traced_request_is_four_events() -> None:
    office, request, recorder = Office(), Asked(), Recorder(16)
    office.desk.recorder = recorder
    assert office.desk.recorder is recorder
    office.end(office.begin(request), 100, 107)
    events = np.frombuffer(recorder.drain()[0], dtype=EVENT)
    number = request.number
    assert [(e["kind"], e["time_ns"], e["unit"], e["stage"], e["value"]) for e in events] == [
        (Kind.SUBMITTED, request.submitted_ns, -1, -1, -1),
        (Kind.STARTED, 100, 0, 0, -1),
        (Kind.ENDED, 107, 0, 0, -1),
        (Kind.FINISHED, request.finished_ns, -1, -1, 0),
    ]
    assert {(e["request"], e["app"]) for e in events} == {(number, 0)}
    office.desk.recorder = None
    office.begin(Asked())
    assert recorder.drain() == (b"", 0)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-5, 2**62)), max_size=50))
def test_a_tally_counts_as_python_does(rows: Sequence[tuple[int, int]]) -> None:
    tally = Tally()
    for status, latency_ns in rows:
        tally.requests += 1
        tally.count_as(STATUSES[status], latency_ns)
    ended = [sum(status == each for status, _ in rows) for each in range(5)]
    assert list(tally.ended) == ended
    assert tally.in_flight == 0
    times = [max(0, latency_ns) for status, latency_ns in rows if status < 2]
    assert (tally.latencies().count, tally.latencies().total_ns) == (len(times), sum(times))


def test_a_tally_refuses_a_status_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="a status is from 0 to 4"):
        Tally().count(5, 1)


X, Y = np.zeros((2, 3), np.float32), np.zeros(4, np.int64)
GLANCE = Glance(np.ndarray, [("x", X.dtype, (2, 3)), ("y", Y.dtype, (4,))])


class Special(np.ndarray):
    """Not quite an array."""


def test_a_glance_finds_what_was_promised() -> None:
    assert GLANCE.holds({"y": Y, "x": X})
    found = GLANCE.named([X, Y])
    assert found is not None
    assert list(found) == ["x", "y"]
    assert found["x"] is X


@pytest.mark.parametrize(
    "x",
    [
        X.astype(np.float64),
        X.T,
        np.zeros((2, 4), np.float32),
        X.view(Special),
        [[0.0] * 3] * 2,
        None,
        np.zeros((2, 6), np.float32)[:, ::2],
    ],
)
def test_a_glance_sees_what_is_not(x: Any) -> None:
    assert not GLANCE.holds({"x": x, "y": Y})


@pytest.mark.parametrize("given", [{"x": X}, {"x": X, "z": Y}, {"x": X, "y": Y, "z": Y}, None, []])
def test_a_glance_wants_all_and_no_more(given: Any) -> None:
    assert not GLANCE.holds(given)


@pytest.mark.parametrize("made", [[X], [Y, X], [X, Y, Y], (X, Y), None])
def test_a_glance_names_only_what_was_promised(made: Any) -> None:
    assert GLANCE.named(made) is None


def test_a_request_that_others_end_meanwhile_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model([op("a", "Relu", "x", "t"), op("b", "Relu", "t", "y")], ["y"])
    plan = plan_of(model, [("one", ["a"]), ("two", ["b"])])
    units = [RuntimeUnit(name=name, backend=NullBackend()) for name in ("one", "two")]
    told: list[Request] = []
    with SyncRuntime(units) as runtime:
        app = runtime.deploy(plan, name="both", model=model)
        errands = app._engine._errands
        start = errands.start

        def start_and_wait(task: Task) -> None:
            """Whose first stage has ended goes on after the second has, on another thread."""
            start(task)
            while task[1].status is None:
                time.sleep(0.001)

        monkeypatch.setattr(errands, "start", start_and_wait)
        request = Request(app._program, fill_inputs(model.graph, {}, 0)[0], told.append)
        app._engine.submit(request)
    assert told == [request]
