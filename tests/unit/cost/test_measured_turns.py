"""Running in turns: order, warm-up, when it stops. Times are scripted; no clock is asserted on."""

from collections.abc import Iterable, Iterator
from itertools import chain, repeat

from hetsched.cost.measure import MIN_ROUNDS, take_turns
from hetsched.cost.measure import repeat as repeat_runs

MS = 1_000_000


class Scripted:
    """Plain runs take what the script says; the log has `p`lain and `q` for profiled."""

    def __init__(self, times: Iterable[int]) -> None:
        self.times: Iterator[int] = iter(times)
        self.log = ""

    def plain(self) -> int:
        self.log += "p"
        return next(self.times)

    def profiled(self) -> int:
        self.log += "q"
        return 0


def test_steady_runs_stop_at_the_least_number_of_rounds() -> None:
    # 20 ms a run: blocks of one. Five equal runs give a relative error of 0, fewer give 1.
    pair = Scripted(repeat(20 * MS))
    turns = take_turns(pair, budget_s=1e9, max_profiled=10**6)
    assert turns.plain_ns == (20 * MS,) * 5
    assert turns.profiled == 5
    assert pair.log.endswith("pqpqpqpqpq")


def test_a_spent_budget_still_gives_the_least_number_of_rounds() -> None:
    pair = Scripted(chain.from_iterable(repeat((20 * MS, 90 * MS))))
    turns = take_turns(pair, budget_s=0.0, max_profiled=10**6)
    assert len(turns.plain_ns) == turns.profiled == MIN_ROUNDS


def test_unsteady_runs_go_on_until_the_profile_is_full() -> None:
    pair = Scripted(chain.from_iterable(repeat((20 * MS, 90 * MS))))
    turns = take_turns(pair, budget_s=1e9, max_profiled=12)
    assert turns.profiled == 12


def test_short_runs_take_turns_in_blocks() -> None:
    # 5 ms a run: two runs fill a block of 10 ms; three rounds are six runs, more than five.
    pair = Scripted(repeat(5 * MS))
    turns = take_turns(pair, budget_s=1e9, max_profiled=10**6)
    assert turns.plain_ns == (5 * MS,) * 6
    assert pair.log.endswith("ppqqppqqppqq")


def test_progress_is_a_share_that_ends_at_one_when_the_budget_is_spent() -> None:
    told: list[float] = []
    take_turns(Scripted(repeat(20 * MS)), budget_s=0.0, max_profiled=9, progress=told.append)
    assert told == [1.0] * MIN_ROUNDS


def test_warm_up_runs_dont_count() -> None:
    times = iter(range(10))
    assert repeat_runs(lambda: next(times), times=3, warm_up=2) == (2, 3, 4)
