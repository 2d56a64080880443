"""The native ring: everything in order, losses counted, threads don't get in each other's way."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched._core import Recorder
from hetsched.trace.events import EVENT, Kind

EXTREMES = (2**63 - 1, int(Kind.COPIED), 2**15 - 1, 2**31 - 1, -(2**63), 2**31 - 1, -(2**63))


def drained(recorder: Recorder) -> tuple[list[tuple[int, ...]], int]:
    data, lost = recorder.drain()
    return np.frombuffer(data, EVENT).tolist(), lost


def test_fields_arrive_where_they_belong() -> None:
    recorder = Recorder(4)
    recorder.at(1, 2, 3, 4, 5, 6, 7)
    recorder.at(*EXTREMES)
    large = (2**63 - 1, -(2**63), -(2**63), 11, 2**15 - 1, 2**31 - 1, 2**31 - 1, 0)
    assert drained(recorder) == ([(1, 5, 7, 2, 3, 4, 6, 0), large], 0)


def test_a_stage_that_ran_is_two_events() -> None:
    recorder = Recorder(4)
    recorder.ran(10, 20, 1, 2, 3, 4)
    start = (10, 3, -1, int(Kind.STARTED), 1, 2, 4, 0)
    assert drained(recorder) == ([start, (20, 3, -1, int(Kind.ENDED), 1, 2, 4, 0)], 0)


@pytest.mark.parametrize("capacity", [0, 1, 3, 2**31])
def test_a_capacity_is_a_power_of_two(capacity: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        Recorder(capacity)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(TypeError):
        Recorder(4).at(0, 2**15, 0, 0, 0, 0, 0)


@given(st.lists(st.integers(0, 12), max_size=20), st.sampled_from([2, 8]))
def test_the_oldest_are_kept_in_order_and_the_others_counted(
    bursts: list[int], capacity: int
) -> None:
    recorder, number = Recorder(capacity), 0
    for burst in bursts:
        for at in range(burst):
            recorder.at(number + at, 0, 0, 0, 0, 0, 0)
        events, lost = drained(recorder)
        kept = min(burst, capacity)
        assert [event[0] for event in events] == list(range(number, number + kept))
        assert lost == burst - kept
        number += burst


def test_threads_record_and_one_drains() -> None:
    """4 threads record 5,000 each while the main one drains: each thread's are in its order."""
    recorder, each = Recorder(1024), 5_000

    def record(thread: int) -> None:
        for number in range(each):
            recorder.at(number, 0, thread, 0, 0, 0, 0)

    threads = [threading.Thread(target=record, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    rows, lost = [], 0
    while any(thread.is_alive() for thread in threads):
        found, more = drained(recorder)
        rows += found
        lost += more
        time.sleep(0.001)  # else the threads wait for the interpreter
    for thread in threads:
        thread.join()
    found, more = drained(recorder)
    rows += found
    assert len(rows) + lost + more == 4 * each
    for unit in range(4):
        times = [row[0] for row in rows if row[4] == unit]
        assert times == sorted(times)
        assert len(set(times)) == len(times)
