"""Running in turns: order, warm-up, when it stops. Times are scripted; no clock is asserted on."""

from collections.abc import Iterable, Iterator
from itertools import chain, repeat

from hetsched.backends.ort_profile import RunTime
from hetsched.cost.measure import SETTLED, hand_offs, take_turns, work_ns
from hetsched.cost.measure import repeat as repeat_runs
from hetsched.cost.measure_load import MIN_ROUNDS, calm

MS = 1_000_000


def took(wall_ns: int, cpu_ns: int | None = None) -> RunTime:
    """A run that worked all the time, or `cpu_ns` of it."""
    return RunTime(wall_ns=wall_ns, cpu_ns=wall_ns if cpu_ns is None else cpu_ns)


class Scripted:
    """Plain runs take what the script says; the log has `p`lain and `q` for profiled."""

    def __init__(self, times: Iterable[int]) -> None:
        self.times: Iterator[int] = iter(times)
        self.log = ""

    def plain(self) -> RunTime:
        self.log += "p"
        return took(next(self.times))

    def profiled(self) -> RunTime:
        self.log += "q"
        return took(0)


def test_steady_runs_stop_once_the_median_is_settled() -> None:
    # 20 ms a run: blocks of one. Five equal runs give a relative error of 0, fewer give 1.
    pair = Scripted(repeat(20 * MS))
    turns = take_turns(pair, budget_s=1e9, max_profiled=10**6)
    assert turns.plain == (took(20 * MS),) * 5
    assert len(turns.profiled) == 5
    assert pair.log.endswith("pqpqpqpqpq")


def test_a_spent_budget_still_gives_the_least_number_of_rounds() -> None:
    pair = Scripted(chain.from_iterable(repeat((20 * MS, 90 * MS))))
    turns = take_turns(pair, budget_s=0.0, max_profiled=10**6)
    assert len(turns.plain) == len(turns.profiled) == MIN_ROUNDS


class Unsteady(Scripted):
    """Plain runs are unsteady as long as profiled ones come between them."""

    def plain(self) -> RunTime:
        steady = self.log.endswith("p")
        made = super().plain()
        return took(20 * MS) if steady else made


def test_plain_runs_go_on_when_the_profile_is_full() -> None:
    pair = Unsteady(chain.from_iterable(repeat((20 * MS, 90 * MS))))
    turns = take_turns(pair, budget_s=1e9, max_profiled=12)
    assert len(turns.profiled) == 12
    assert len(turns.plain) > 12
    assert turns.error <= SETTLED


def test_short_runs_take_turns_in_blocks() -> None:
    # 5 ms a run: two runs fill a block of 10 ms; three rounds are six runs, more than five.
    pair = Scripted(repeat(5 * MS))
    turns = take_turns(pair, budget_s=1e9, max_profiled=10**6)
    assert turns.plain == (took(5 * MS),) * 6
    assert pair.log.endswith("ppqqppqqppqq")


def test_progress_is_a_share_that_ends_at_one_when_the_budget_is_spent() -> None:
    told: list[float] = []
    take_turns(Scripted(repeat(20 * MS)), budget_s=0.0, max_profiled=9, progress=told.append)
    assert told == [1.0] * MIN_ROUNDS


def test_warm_up_runs_dont_count() -> None:
    times = iter(range(10))
    assert repeat_runs(lambda: next(times), times=3, warm_up=2) == (2, 3, 4)


def test_runs_that_waited_for_a_cpu_dont_count_where_enough_others_are() -> None:
    # Shares of waiting: 0, 1%, 1.1%, 50%, 0.
    runs = [
        took(wall * MS, cpu * MS)
        for wall, cpu in ((1000, 1000), (1000, 990), (1000, 989), (1000, 500), (900, 900))
    ]
    assert calm(runs) == (0, 1, 4)
    assert work_ns(runs) == (1000 * MS, 990 * MS, 900 * MS)


def test_the_clocks_own_time_is_no_waiting() -> None:
    # 9 of 100 us are next to nothing of a switch, 11 may be one.
    assert calm([took(100_000, 91_000), took(100_000, 89_000)]) == (0,)


def test_where_all_were_disturbed_the_least_disturbed_count() -> None:
    # Shares of waiting: 40%, 10%, 30%, 20%, 50%; what counts is the time spent working.
    runs = [took(10 * MS, cpu * MS) for cpu in (6, 9, 7, 8, 5)]
    assert calm(runs) == ()
    assert sorted(work_ns(runs)) == [7 * MS, 8 * MS, 9 * MS]


def test_fewer_runs_than_wanted_all_count() -> None:
    assert work_ns([took(10, 1)]) == (1,)
    assert work_ns([took(0)]) == (0,)
    assert work_ns([]) == ()


def test_hand_offs_are_timed_and_their_thread_ends() -> None:
    import os
    import threading

    cpus = os.sched_getaffinity(0)
    before = threading.active_count()
    assert len(hand_offs(cpus, cpus, times=5, warm_up=1)) == 5
    assert threading.active_count() == before
    assert os.sched_getaffinity(0) == cpus
