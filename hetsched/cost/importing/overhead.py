"""What a profiler adds to each kernel, taken off where the time of a plain run is known."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hetsched.cost.bands import overhead_ns, split_whole
from hetsched.cost.importing.record import ImportedCost
from hetsched.errors import CostError

MOST = 4.0
"""Profiled kernels that take so much longer than a plain run aren't of that run. Source: the
profiler's 4 us per kernel make ppocr-cls take 1.55 times as long, and its kernels are small."""


def without_overhead(rows: Sequence[ImportedCost], plain_ns: int) -> list[ImportedCost]:
    """Kernels whose times add up to a plain run's.

    An equal share per kernel is taken off, no more than the smallest kernels have (see
    `hetsched.cost.bands`); the rest of the difference is spread in proportion. Bands keep their
    relative width.

    Args:
        rows: every kernel of the model.
        plain_ns: of all kernels together, without the profiler and without dispatch.

    Raises:
        CostError: when the two can't be about the same run.
    """
    times = np.array([row.latency_ns for row in rows], dtype=np.float64)
    total = float(times.sum())
    if plain_ns <= 0 or not plain_ns / MOST <= total <= plain_ns * MOST:
        raise CostError(
            f"--whole: kernels of {total / 1e6:.4g} ms together can't be those of a run that "
            f"takes {plain_ns / 1e6:.4g} ms beside its dispatch: is it the same model, unit and "
            f"unit of measure? Nothing was imported"
        )
    each = overhead_ns(times, np.ones(len(rows), dtype=np.int64), plain_ns)
    shares = split_whole(np.maximum(times - each, 0.0).tolist(), plain_ns)
    return [_scaled(row, share) for row, share in zip(rows, shares, strict=True)]


def _scaled(row: ImportedCost, latency_ns: int) -> ImportedCost:
    if not row.latency_ns:
        return replace(row, latency_ns=latency_ns, low_ns=latency_ns, high_ns=latency_ns)
    ratio = latency_ns / row.latency_ns
    return replace(
        row,
        latency_ns=latency_ns,
        low_ns=min(latency_ns, round(row.low_ns * ratio)),
        high_ns=max(latency_ns, round(row.high_ns * ratio)),
    )
