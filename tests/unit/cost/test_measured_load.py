"""Other load is told from two signs; teams of cores, cache sizes, stages that learn."""

from pathlib import Path

import pytest

from hetsched.backends.ort_profile import RunTime
from hetsched.cost.host import UNKNOWN_CACHES, Caches, Cluster, Core, host_clusters, in_teams
from hetsched.cost.measure import take_turns, work_ns
from hetsched.cost.measure_load import MIN_ROUNDS, calm, calmest, load, reference, slow_runs
from hetsched.errors import CostError


def took(wall_ns: int, cpu_ns: int | None = None) -> RunTime:
    return RunTime(wall_ns=wall_ns, cpu_ns=wall_ns if cpu_ns is None else cpu_ns)


def test_runs_in_rounds_with_slow_reference_work_arent_calm() -> None:
    # Calmest reference: about 100; 1.15 times that is the limit. Round 2 of blocks of two is slow.
    slow = slow_runs((100, 101, 130, 104), block=2)
    assert slow == {4, 5}
    runs = [took(10)] * 8
    assert calm(runs, slow) == (0, 1, 2, 3, 6, 7)
    assert calmest(runs, slow) == (0, 1, 2, 3, 6, 7)


def test_without_reference_work_nothing_is_slow() -> None:
    assert slow_runs((), block=3) == frozenset()


def test_where_calm_runs_are_few_the_less_disturbed_half_counts() -> None:
    # All waited: 100, 99, ... 91 ms; the last five waited least.
    runs = [took((200 - at) * 1_000_000, 100_000_000) for at in range(10)]
    assert calmest(runs) == (5, 6, 7, 8, 9)


def test_load_is_summed_up() -> None:
    # Of four runs one waited; of the others one was in the slow round.
    runs = [took(100_000), took(100_000, 50_000), took(100_000), took(100_000)]
    found = load(runs, (100, 100, 100, 200), block=1)
    assert (found.runs, found.waited, found.slowed) == (4, 1, 1)
    assert found.slowdown == pytest.approx(1.0)
    assert found.disturbed == 0.5


def test_several_threads_are_disturbed_by_being_switched_out() -> None:
    alone = RunTime(wall_ns=100_000, cpu_ns=40_000, threads=2)
    switched = RunTime(wall_ns=100_000, cpu_ns=40_000, threads=2, switches=1)
    assert calm([alone, switched]) == (0,)
    assert work_ns([alone] * 5) == (100_000,) * 5  # the calling thread may well wait for the other


def test_reference_work_gives_its_time() -> None:
    assert reference()() > 0


class Interrupted:
    """A pair whose user presses Ctrl-C at some plain run."""

    def __init__(self, at: int) -> None:
        self.left = at

    def plain(self) -> RunTime:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return took(20_000_000)

    def profiled(self) -> RunTime:
        return took(20_000_000)


def test_an_interrupt_keeps_whole_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two runs warm up; the 7th run after that is interrupted: 6 whole rounds, by then settled if
    # it could be.
    monkeypatch.setattr("hetsched.cost.measure.SETTLED", -1.0)
    monkeypatch.setattr("hetsched.cost.measure.WARM_UP_NS", 0)
    marks = iter(range(100))
    turns = take_turns(
        Interrupted(8), budget_s=1e9, max_profiled=999, reference=lambda: next(marks)
    )
    assert turns.interrupted
    assert (len(turns.plain), turns.reference_ns, turns.block) == (6, (0, 1, 2, 3, 4, 5), 1)


def test_an_interrupt_before_enough_rounds_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hetsched.cost.measure.WARM_UP_NS", 0)
    with pytest.raises(KeyboardInterrupt):
        take_turns(Interrupted(2 + MIN_ROUNDS - 1), budget_s=1e9, max_profiled=999)


def cluster(*cpus: int) -> Cluster:
    cores = tuple(Core(cpus=(cpu,), speed=1.0) for cpu in cpus)
    return Cluster(cores=cores, facts={}, title="A core")


def test_threads_take_as_many_cores_together() -> None:
    assert in_teams(cluster(0, 1, 2), 1) == cluster(0, 1, 2)
    (team,) = in_teams(cluster(0, 1, 2), 2).cores
    assert (team.cpus, team.count, team.unit) == ((0, 1), 2, "cpu0-1")


@pytest.mark.parametrize("threads", [0, 4])
def test_more_threads_than_cores_are_refused(threads: int) -> None:
    with pytest.raises(CostError, match=rf"{threads} threads: A core has 3 cores.*take 1 to 3"):
        in_teams(cluster(0, 1, 2), threads)


def test_cache_sizes_come_from_the_system(tmp_path: Path) -> None:
    for index, (kind, size, users) in enumerate(
        [("Data", "32K", "0"), ("Instruction", "64K", "0"), ("Unified", "512K", "0"),
         ("Unified", "8192K", "0-3")]
    ):  # fmt: skip
        folder = tmp_path / f"cpu0/cache/index{index}"
        folder.mkdir(parents=True)
        for name, text in (("type", kind), ("size", size), ("shared_cpu_list", users)):
            (folder / name).write_text(text + "\n")
    (found,) = host_clusters(tmp_path, tmp_path / "none", allowed=[0])
    assert found.caches == Caches(private_bytes=512 * 1024, shared_bytes=8 * 2**20)
    (other,) = host_clusters(tmp_path / "none", tmp_path / "none", allowed=[0])
    assert other.caches == UNKNOWN_CACHES
