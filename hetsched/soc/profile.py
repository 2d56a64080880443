"""What a SoC is: units, links between their memories, and what each number rests on.

The structs are the layout of `profiles/*.toml`, key for key; profiles/README.md explains them.
"""

import hashlib
from functools import lru_cache
from typing import Literal, TypeAlias

import msgspec

from hetsched.errors import ProfileError
from hetsched.quantity import Origin
from hetsched.soc.figure import Figure, Struct, check

SCHEMA = 1
Kind: TypeAlias = Literal["cpu", "gpu", "npu", "dsp", "dla"]
Dtype: TypeAlias = Literal["float32", "float16", "bfloat16", "int16", "int8"]


class Rates(Struct, frozen=True, kw_only=True):
    """How fast a unit computes in one dtype: the coefficients of the cost model.

    Attributes:
        pointwise: 1x1 convolutions.
        spatial: k x k convolutions, tricks such as Winograd included.
        depthwise: convolutions with one input channel per group.
        dense: matrix products, while they are not limited by `weights`.
        activations: bytes per second that ops read and write, beyond their arithmetic.
        weights: bytes per second at which the weights of matrix products arrive.
        per_op: fixed time of each kernel.
    """

    pointwise: Figure
    spatial: Figure
    depthwise: Figure
    dense: Figure
    activations: Figure
    weights: Figure
    per_op: Figure

    def __post_init__(self) -> None:
        """Check the unit of measure of each figure.

        Raises:
            ValueError: naming the field.
        """
        for field in ("pointwise", "spatial", "depthwise", "dense"):
            check(getattr(self, field), field, "rate", positive=True)
        for field in ("activations", "weights"):
            check(getattr(self, field), field, "bandwidth", positive=True)
        check(self.per_op, "per_op", "time")


class Unit(Struct, frozen=True, kw_only=True):
    """Something that runs one stage at a time.

    Attributes:
        name: unique in the profile.
        kind: what it is.
        title: for people, `2x Cortex-A76`.
        dtype: what it computes float models in.
        framework: whose rows say which ops it runs, as in `hetsched frameworks`.
        backend: of that framework.
        reached_by: backends of any framework that can drive it; `backend` is always one of them.
        cores: how many work together on one stage.
        frequency: the clock that the figures below are for.
        peak: what it could compute at most, in `dtype`.
        dispatch: from the decision to run a stage to its first kernel, and back.
        power: drawn while a stage runs; absent where unknown.
        memory: what weights placed on it may take; absent where there is no limit of its own.
        max_subgraphs: most stages that one model may have on it; absent where there is no limit.
        rates: dtype to coefficients; a unit whose costs are only measured has none.
        unknown: what isn't known about it, in words.
    """

    name: str
    kind: Kind
    title: str = ""
    dtype: Dtype
    framework: str
    backend: str
    reached_by: tuple[str, ...] = ()
    cores: int = 1
    frequency: Figure | None = None
    peak: Figure | None = None
    dispatch: Figure
    power: Figure | None = None
    memory: Figure | None = None
    max_subgraphs: int | None = None
    rates: dict[str, Rates] = msgspec.field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check each figure's unit of measure and the counts.

        Raises:
            ValueError: naming the unit and the field.
        """
        try:
            check(self.frequency, "frequency", "frequency", positive=True)
            check(self.peak, "peak", "rate", positive=True)
            check(self.dispatch, "dispatch", "time")
            check(self.power, "power", "power")
            check(self.memory, "memory", "size")
            if self.cores < 1:
                raise ValueError(f"cores {self.cores} must be at least 1")
            if self.max_subgraphs is not None and self.max_subgraphs < 0:
                raise ValueError(f"max_subgraphs {self.max_subgraphs} must be zero or more")
            if self.rates and self.dtype not in self.rates:
                raise ValueError(f"rates has no {self.dtype!r}, the unit's own dtype")
        except ValueError as error:
            raise ValueError(f"unit {self.name!r}: {error}") from None

    @property
    def dispatch_ns(self) -> int:
        """Fixed time of each stage."""
        return round(self.dispatch.base("time"))

    @property
    def dispatch_origin(self) -> Origin:
        """Where `dispatch_ns` comes from."""
        return self.dispatch.origin

    @property
    def power_mw(self) -> float | None:
        """Power while a stage runs, None where unknown."""
        return None if self.power is None else self.power.base("power")

    @property
    def memory_bytes(self) -> int | None:
        """What weights may take, None for no limit."""
        return None if self.memory is None else round(self.memory.base("size"))


class Link(Struct, frozen=True, kw_only=True):
    """How a tensor gets from one unit's memory to another's.

    One copy of `n` bytes (in the model's dtype) takes `latency` + n / `bandwidth`, and for float
    tensors between units of different dtype n / `conversion` on top.

    Attributes:
        between: two units; the link is the same both ways.
        latency: fixed part: map, flush, launch of a layout kernel.
        bandwidth: of the copy or change of layout; absent where the memory is simply shared.
        conversion: of the change of dtype; absent where it costs nothing.
    """

    between: tuple[str, str]
    latency: Figure
    bandwidth: Figure | None = None
    conversion: Figure | None = None

    def __post_init__(self) -> None:
        """Check each figure's unit of measure.

        Raises:
            ValueError: naming the link and the field.
        """
        try:
            check(self.latency, "latency", "time")
            check(self.bandwidth, "bandwidth", "bandwidth", positive=True)
            check(self.conversion, "conversion", "bandwidth", positive=True)
        except ValueError as error:
            raise ValueError(f"link {' - '.join(self.between)}: {error}") from None

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All that are stated."""
        return tuple(f for f in (self.latency, self.bandwidth, self.conversion) if f is not None)


class Memory(Struct, frozen=True, kw_only=True):
    """The memory that all units share.

    Attributes:
        kind: `LPDDR4X-2133`.
        bandwidth: of the pins, as specified; what a unit gets of it is in its rates.
        capacity: absent where it differs from device to device.
    """

    kind: str
    bandwidth: Figure | None = None
    capacity: Figure | None = None

    def __post_init__(self) -> None:
        """Check each figure's unit of measure.

        Raises:
            ValueError: naming the field.
        """
        check(self.bandwidth, "memory.bandwidth", "bandwidth", positive=True)
        check(self.capacity, "memory.capacity", "size", positive=True)


class Profile(Struct, frozen=True, kw_only=True):
    """A SoC.

    Attributes:
        schema: version of this layout.
        name: what `--profile` takes.
        title: for people.
        home: the unit whose memory holds requests and results.
        memory: shared by all units; absent where unknown.
        units: at least one.
        links: one for each pair of units.
        unknown: what isn't known about the SoC, in words.
    """

    schema: int = SCHEMA
    name: str
    title: str = ""
    home: str
    memory: Memory | None = None
    units: tuple[Unit, ...]
    links: tuple[Link, ...] = ()
    unknown: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that names fit together.

        Raises:
            ValueError: naming what is missing or twice.
        """
        if self.schema != SCHEMA:
            raise ValueError(f"schema {self.schema} is not {SCHEMA}, the one this version reads")
        names = [unit.name for unit in self.units]
        if not names:
            raise ValueError("units is empty: a profile needs at least one")
        if len(set(names)) < len(names):
            raise ValueError(f"two units have the same name: {', '.join(names)}")
        if self.home not in names:
            raise ValueError(f"home {self.home!r} is not one of the units {', '.join(names)}")
        _check_links(self.links, names)

    @property
    def sha256(self) -> str:
        """Digest of the content: comments, order of keys and spelling of numbers don't matter."""
        return _digest(self)

    def unit(self, name: str) -> Unit:
        """The unit of that name.

        Raises:
            ProfileError: naming the units that there are.
        """
        for unit in self.units:
            if unit.name == name:
                return unit
        names = ", ".join(unit.name for unit in self.units)
        raise ProfileError(f"profile {self.name} has no unit {name!r}: it has {names}")

    def link(self, source: str, target: str) -> Link | None:
        """The link between two units; None between a unit and itself.

        Raises:
            ProfileError: when there is no such unit.
        """
        if source == target:
            return None
        for link in self.links:
            if {source, target} == set(link.between):
                return link
        self.unit(source)
        self.unit(target)
        raise ProfileError(f"profile {self.name} has no link between {source!r} and {target!r}")


def _check_links(links: tuple[Link, ...], names: list[str]) -> None:
    seen: set[frozenset[str]] = set()
    for link in links:
        pair = frozenset(link.between)
        unknown = sorted(pair - set(names))
        if unknown:
            raise ValueError(f"link to unknown unit {unknown[0]!r}: units are {', '.join(names)}")
        if len(pair) < 2:
            raise ValueError(f"link from {link.between[0]!r} to itself: leave it out")
        if pair in seen:
            raise ValueError(f"link {' - '.join(link.between)} is there twice")
        seen.add(pair)
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            if frozenset((first, second)) not in seen:
                raise ValueError(f"no link between {first!r} and {second!r}: add one to links")


@lru_cache(maxsize=64)
def _encoded_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest(profile: Profile) -> str:
    return _encoded_digest(msgspec.json.encode(profile, order="deterministic"))
