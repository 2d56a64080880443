"""What a unit's thread has before it: stages, and other things to do."""

from typing import Any

from hetsched.runtime.engine import Engine
from hetsched.runtime.units import RuntimeUnit
from hetsched.runtime.workers import Job, Workers
from tests.unit.runtime.fakes import FakeBackend

UNITS = (RuntimeUnit(name="cpu", backend=FakeBackend()),)


def test_jobs_are_taken_and_stages_stay_in_their_order() -> None:
    workers = Workers(UNITS, lambda *_: None)
    first: Any = (0, None, 1)
    second: Any = (0, None, 2)
    job = Job(lambda: 1)
    for item in (first, job, second):
        workers.mailboxes[0].put(item)
    assert workers.take_jobs(0) == [job]
    assert [workers.mailboxes[0].get_nowait() for _ in range(2)] == [first, second]
    assert workers.mailboxes[0].empty()


def test_what_brings_a_unit_up_isnt_refused_when_its_thread_is_back() -> None:
    # It hung, but came back before its killer came: what waits now may be its own revival.
    engine = Engine(UNITS)
    job = Job(lambda: 1)
    engine._workers.mailboxes[0].put(job)
    engine._recovery.kill(0)
    assert not job.future.done()
    assert engine._workers.mailboxes[0].get_nowait() is job
