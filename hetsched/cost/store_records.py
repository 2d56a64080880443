"""What the cost store keeps, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from hetsched.quantity import Origin

MODEL = "model"
DISPATCH = "dispatch"
HAND_OFF = "hand-off"
LINK = "link"


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
        kind: `model`, `dispatch`, `hand-off` or `link`.
        digest: of the subject: a prepared model's; empty where the unit is all there is to it.
        measured_at: UTC, ISO 8601.
        origin: where the numbers come from.
        dtype: arithmetic dtype.
        runs: how many runs of the whole are behind it.
        latency_ns: median time of the whole, in plain runs.
        low_ns: 10th percentile.
        high_ns: 90th percentile.
        scale: factor by which the parts were scaled so that they add up to the whole.
        title: the subject for people, a model's name.
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
    title: str = ""
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a group of ops costs on one unit, in whichever model it is found.

    Attributes:
        signature: of the group, see `hetsched.cost.signature`.
        form: what the backend made of it (the kernels that it ran, `Conv:nchwc`), so that another
            form of the same ops is another entry; empty where that isn't known or all there is.
        dtype: arithmetic dtype.
        what: the group for people.
        model: name of the model that it was measured in; empty when it was measured alone.
        source: where the numbers were read from, a file for example; empty when hetsched measured.
        measured_at: UTC, ISO 8601.
        origin: where the numbers come from.
        runs: how many runs are behind it; 0 where that isn't known.
        latency_ns: median, without dispatch and copies.
        low_ns: 10th percentile.
        high_ns: 90th percentile.
    """

    signature: str
    form: str = ""
    dtype: str
    what: str = ""
    model: str = ""
    source: str = ""
    measured_at: str
    origin: Origin
    runs: int
    latency_ns: int
    low_ns: int
    high_ns: int

    def __post_init__(self) -> None:
        """Check what a cost must be.

        Raises:
            ValueError: naming the field, its value and what would be accepted.
        """
        if not self.signature:
            raise ValueError("signature is empty")
        if not 0 <= self.low_ns <= self.latency_ns <= self.high_ns:
            raise ValueError(
                f"low_ns {self.low_ns}, latency_ns {self.latency_ns}, high_ns {self.high_ns} "
                "must be zero or more and ascend"
            )
        if self.runs < 0:
            raise ValueError(f"runs {self.runs} must be zero (unknown) or more")


Facts = Mapping[str, str | int]
"""What tells one unit from another: hardware, runtime, versions, threads."""


def fingerprint(facts: Facts) -> str:
    """Digest of a unit's facts, independent of their order."""
    return sha256(msgspec.json.encode(dict(sorted(facts.items())))).hexdigest()
