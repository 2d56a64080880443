"""What stages took in a running application, taken back into a measurement of their model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hetsched.cost.store_records import Measurement, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A stage as it ran on one unit, dispatch included.

    Attributes:
        ops: of the stage.
        latency_ns: median.
        low_ns: 10th percentile.
        high_ns: 90th percentile.
        runs: how many.
    """

    ops: tuple[str, ...]
    latency_ns: int
    low_ns: int
    high_ns: int
    runs: int


def corrected(
    known: Measurement, stages: Sequence[Observed], dispatch_ns: int, measured_at: str
) -> tuple[Measurement, int]:
    """The measurement with parts scaled to what their stages took, and how many stages that was.

    A stage's parts and one dispatch add up to its time. A stage that holds a part of a group only
    says nothing of the groups and is passed over.

    Args:
        known: of the model on the unit.
        stages: seen there, no op in two of them.
        dispatch_ns: of the unit.
        measured_at: UTC, ISO 8601.
    """
    parts = list(known.parts)
    taken = []
    for stage in stages:
        ops = set(stage.ops)
        inside = [at for at, part in enumerate(parts) if ops.intersection(part.ops)]
        work_ns = sum(parts[at].latency_ns for at in inside)
        if not work_ns or {op for at in inside for op in parts[at].ops} != ops:
            continue
        for at in inside:
            parts[at] = _scaled(parts[at], stage, dispatch_ns, work_ns)
        taken.append(stage)
    if not taken:
        return known, 0
    more = sum(part.latency_ns for part in parts) - sum(part.latency_ns for part in known.parts)
    low, high = (known.low_ns / known.latency_ns, known.high_ns / known.latency_ns)
    latency_ns = max(1, known.latency_ns + more)
    return replace(
        known,
        measured_at=measured_at,
        runs=min(stage.runs for stage in taken),
        latency_ns=latency_ns,
        low_ns=round(latency_ns * low),
        high_ns=round(latency_ns * high),
        parts=tuple(parts),
    ), len(taken)


def _scaled(part: Part, stage: Observed, dispatch_ns: int, work_ns: int) -> Part:
    median, low, high = (
        round(part.latency_ns * max(0, took_ns - dispatch_ns) / work_ns)
        for took_ns in (stage.latency_ns, stage.low_ns, stage.high_ns)
    )
    return replace(part, latency_ns=median, low_ns=low, high_ns=high)
