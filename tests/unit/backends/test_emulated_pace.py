"""Progress of stages that run at the same time on a SoC that isn't here."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from hetsched.backends.emulated_pace import Expected, Pace


def doubled(demands: Sequence[object]) -> Sequence[float]:
    """Two that compute at once take twice as long, three thrice."""
    return [float(len(demands))] * len(demands)


def test_alone_a_stage_takes_its_time() -> None:
    pace = Pace(doubled)
    stage = pace.start(1000, Expected(fixed_ns=20, compute_ns=100))
    assert pace.left_ns(stage) == 120
    pace.advance(1010)
    assert pace.left_ns(stage) == 110
    pace.advance(1119)
    assert pace.left_ns(stage) == 1
    pace.advance(1120)
    assert pace.left_ns(stage) == 0


def test_two_slow_each_other_down_while_both_compute() -> None:
    pace = Pace(doubled)
    first = pace.start(0, Expected(fixed_ns=0, compute_ns=100))
    pace.advance(50)  # 50 left
    second = pace.start(50, Expected(fixed_ns=10, compute_ns=100))
    pace.advance(60)  # the second's dispatch slows nobody: 40 left of the first
    assert pace.left_ns(first) == 80  # at half speed from here on
    assert pace.left_ns(second) == 200
    pace.advance(140)  # the first ends; of the second 100 - 80 / 2 = 60 are left, alone again
    assert pace.left_ns(first) == 0
    assert pace.left_ns(second) == 60
    pace.advance(200)
    assert pace.left_ns(second) == 0


def test_a_stage_that_is_over_slows_nobody_though_the_host_still_computes_it() -> None:
    pace = Pace(doubled)
    pace.start(0, Expected(fixed_ns=0, compute_ns=10))  # never ended by the host
    other = pace.start(0, Expected(fixed_ns=0, compute_ns=100))
    # 10 at half speed take 20, by then 90 are left: over at 110.
    pace.advance(109)
    assert pace.left_ns(other) == 1
    pace.advance(110)
    assert pace.left_ns(other) == 0


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50), st.integers(0, 30)), max_size=5),
    st.lists(st.integers(1, 40), max_size=12),
)
def test_looking_more_often_changes_nothing(
    stages: list[tuple[int, int, int]], steps: list[int]
) -> None:
    def run(looks: list[int]) -> list[int]:
        pace = Pace(doubled)
        started = [
            pace.start(0, Expected(fixed_ns=fixed, compute_ns=compute))
            for fixed, compute, _ in stages
        ]
        now = 0
        for step in looks:
            now += step
            pace.advance(now)
        return [pace.left_ns(stage) for stage in started]

    assert run(steps) == run([sum(steps)] if steps else [])


def test_copies_on_one_link_share_it_and_slow_no_computing() -> None:
    """Both copy 40 on link 0: 80 each; the third on link 1 takes its 40 alone, then computes 10."""
    pace = Pace(doubled)
    stages = [
        pace.start(0, Expected(fixed_ns=0, copies=((link, 40),), compute_ns=10))
        for link in (0, 0, 1)
    ]
    pace.advance(40)
    assert [pace.left_ns(stage) for stage in stages] == [50, 50, 10]
    pace.advance(50)
    assert pace.left_ns(stages[2]) == 0
    pace.advance(80)  # now the first two compute at the same time: at half speed
    assert [pace.left_ns(stage) for stage in stages[:2]] == [20, 20]
    pace.advance(100)
    assert [pace.left_ns(stage) for stage in stages] == [0, 0, 0]


def test_the_first_stage_after_a_rest_wakes_its_unit() -> None:
    """Awake for 30 after a stage: one that starts 30 later pays nothing, one 31 later pays 5."""
    work = Expected(fixed_ns=10, compute_ns=0, unit="apu", keep_ns=30, wake_ns=5)
    pace = Pace(doubled)
    for start, left in ((31, 15), (76, 10), (117, 15)):
        stage = pace.start(start, work)
        assert pace.left_ns(stage) == left
        pace.end(start + left, stage)
