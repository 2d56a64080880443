"""Links measured: how long a tensor takes from one unit's memory to another's.

Copies of several sizes are timed in turns, smallest to largest and over again; latency and
bandwidth are those of the line through their medians that is nearest in relative terms.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from time import perf_counter_ns

import numpy as np

from hetsched.cost.bands import Band, band
from hetsched.cost.measure import on_cpus

SIZES = (2**12, 2**16, 2**18, 2**20, 2**22, 2**24)
ROUNDS = 30
GROWS = 0.5
"""A largest transfer that takes less than this much more than an empty one tells no bandwidth."""

WARM_UP_ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class LinkTimes:
    """One way of bringing a tensor from one memory to another.

    Attributes:
        source: unit that has it.
        target: unit that needs it.
        how: `copy`, `write`, `read`, `map`, `unmap`.
        latency_ns: of an empty transfer.
        bytes_per_s: of a large one; None where the time doesn't grow with the size.
        error: largest relative error of the line over the measured sizes.
        times: bytes to the spread of its times.
    """

    source: str
    target: str
    how: str
    latency_ns: int
    bytes_per_s: float | None
    error: float
    times: Mapping[int, Band]


def line(times: Mapping[int, Band]) -> tuple[int, float | None, float]:
    """Latency, bytes per second and largest relative error of the best line through medians.

    Weighted least squares on relative errors, neither term below zero.

    Args:
        times: bytes to time, at least two sizes.
    """
    sizes = np.array(list(times), dtype=np.float64)
    medians = np.array([max(1, spread.latency_ns) for spread in times.values()], np.float64)
    rows = np.stack([1 / medians, sizes / medians], axis=1)
    fixed, per_byte = np.linalg.lstsq(rows, np.ones(len(sizes)), rcond=None)[0]
    if fixed < 0:
        fixed, per_byte = 0.0, float(np.median(medians / sizes))
    if per_byte * sizes.max() < GROWS * fixed:
        fixed, per_byte = float(np.median(medians)), 0.0
    error = float(np.max(np.abs((fixed + per_byte * sizes) / medians - 1)))
    return round(fixed), (float(1e9 / per_byte) if per_byte else None), error


def timed(actions: Mapping[int, Callable[[], int]], *, rounds: int = ROUNDS) -> Mapping[int, Band]:
    """Times in ns of an action per size, in turns.

    Args:
        actions: per size something that does it once and returns what it took in ns.
        rounds: that count.
    """
    taken: dict[int, list[int]] = {size: [] for size in actions}
    for turn in range(rounds + WARM_UP_ROUNDS):
        for size, action in actions.items():
            ns = action()
            if turn >= WARM_UP_ROUNDS:
                taken[size].append(ns)
    return {size: band(times) for size, times in taken.items()}


def link_times(source: str, target: str, how: str, times: Mapping[int, Band]) -> LinkTimes:
    """Times with the line through them."""
    latency_ns, bytes_per_s, error = line(times)
    return LinkTimes(
        source=source,
        target=target,
        how=how,
        latency_ns=latency_ns,
        bytes_per_s=bytes_per_s,
        error=error,
        times=times,
    )


def measure_copy(
    here: tuple[str, Collection[int]],
    there: tuple[str, Collection[int]],
    sizes: Sequence[int] = SIZES,
    rounds: int = ROUNDS,
) -> LinkTimes:
    """Copies by one core of what another core has just written.

    Args:
        here: the unit that writes, and its CPUs.
        there: the unit that copies, and its CPUs.
        sizes: in bytes.
        rounds: that count.
    """
    orders: SimpleQueue[np.ndarray | None] = SimpleQueue()
    done: SimpleQueue[bool] = SimpleQueue()

    def write() -> None:
        with on_cpus(here[1]):
            while (tensor := orders.get()) is not None:
                np.add(tensor, 1, out=tensor)
                done.put(True)

    def action(size: int) -> Callable[[], int]:
        tensor, target = np.zeros(size, np.uint8), np.zeros(size, np.uint8)

        def run() -> int:
            orders.put(tensor)
            done.get()
            begin = perf_counter_ns()
            np.copyto(target, tensor)
            return perf_counter_ns() - begin

        return run

    thread = Thread(target=write, name="hetsched-link")
    thread.start()
    try:
        with on_cpus(there[1]):
            times = timed({size: action(size) for size in sizes}, rounds=rounds)
    finally:
        orders.put(None)
        thread.join()
    return link_times(here[0], there[0], "copy", times)
