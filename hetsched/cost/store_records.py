"""What the cost store keeps, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from hetsched.quantity import Origin

MODEL = "model"
DISPATCH = "dispatch"
HAND_OFF = "hand-off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A measured part of a subject: a group of ops.

    Attributes:
        name: the group's name.
        ops: op names in the graph's order.
        latency_ns: median.
        low_ns: 10th percentile.
        high_ns: 90th percentile.
    """

    name: str
    ops: tuple[str, ...]
    latency_ns: int
    low_ns: int
    high_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What was measured of one subject on one unit.

    Attributes:
        kind: `model`, `dispatch` or `hand-off`.
        digest: of the subject: a prepared model's; empty where the unit is all there is to it.
        measured_at: UTC, ISO 8601.
        origin: where the numbers come from.
        dtype: arithmetic dtype.
        runs: how many runs of the whole are behind it.
        latency_ns: median time of the whole, in plain runs.
        low_ns: 10th percentile.
        high_ns: 90th percentile.
        scale: factor by which the parts were scaled so that they add up to the whole.
        parts: in the graph's topological order; none for a subject without parts.
    """

    kind: str
    digest: str
    measured_at: str
    origin: Origin
    dtype: str
    runs: int
    latency_ns: int
    low_ns: int
    high_ns: int
    scale: float = 1.0
    parts: tuple[Part, ...] = ()


Facts = Mapping[str, str | int]
"""What tells one unit from another: hardware, runtime, versions, threads."""


def fingerprint(facts: Facts) -> str:
    """Digest of a unit's facts, independent of their order."""
    return sha256(msgspec.json.encode(dict(sorted(facts.items())))).hexdigest()
