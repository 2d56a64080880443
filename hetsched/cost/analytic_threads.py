"""Threads on equal cores, and one op over unequal ones.

An op is cut into equal parts, one per thread. On equal cores that helps less than their number, on
unequal ones the fast wait for the slow. hetsched never does the latter: clusters are units of their
own. It is here to say what it would cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

SERIAL = {"low": 0.11, "middle": 0.25, "high": 0.45}
"""Share of a network's time that doesn't get shorter with more threads.

Source: medians over about 25 networks of ncnn's table, 1 to 4 threads on equal cores: 3.0 times as
fast on Snapdragon 8 Gen 2, 2.1 to 2.2 on 855+ and A311D, 1.7 on Raspberry Pi 4B; by Amdahl's law
1 / (s + (1 - s) / 4), s is 0.11, 0.27 to 0.30, 0.45; 0.25 fits the median, 2.3.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Equal cores.

    Attributes:
        cores: how many.
        ns: time of the op on all of them and no others.
    """

    cores: int
    ns: float


def with_threads_ns(ns: float, cores: int, threads: int, serial: float = SERIAL["middle"]) -> float:
    """Time of an op on some of a cluster's cores, from that on all of them.

    Args:
        ns: on all.
        cores: how many these are.
        threads: to be used, at most as many.
        serial: share that doesn't get shorter.

    Raises:
        ValueError: for more threads than cores, or none.
    """
    if not 1 <= threads <= cores:
        raise ValueError(f"threads {threads} must be 1 to {cores}, the number of cores")
    return ns * (serial + (1 - serial) / threads) / (serial + (1 - serial) / cores)


def even_split_ns(clusters: Sequence[Cluster]) -> float:
    """Time of an op that is split evenly over the cores of all clusters.

    Source: the slowest part counts. With RK3588's little cores 2.9 times as slow, all eight take
    1.45 times as long as the big four, at least: published are 1.7 to 2.0 times.
    """
    everywhere = sum(cluster.cores for cluster in clusters)
    return max(cluster.ns * cluster.cores / everywhere for cluster in clusters)
