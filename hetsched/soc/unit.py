"""A unit of a SoC and how fast it computes: the structs behind `[[units]]` of a profile file."""

from typing import Literal, TypeAlias

import msgspec

from hetsched.quantity import Origin
from hetsched.soc.calibration import Recipe, Record
from hetsched.soc.figure import Figure, Struct, check
from hetsched.soc.power import Idle, Levels

Kind: TypeAlias = Literal["cpu", "gpu", "npu", "dsp", "dla"]
Dtype: TypeAlias = Literal["float32", "float16", "bfloat16", "int16", "int8"]


_FALLBACK = {"winograd": "spatial", "grouped": "spatial", "elementwise": "activations"}


class Rates(Struct, frozen=True, kw_only=True):
    """How fast a unit computes in one dtype: the coefficients of the cost model.

    Attributes:
        pointwise: 1x1 convolutions.
        spatial: k x k convolutions; those that `winograd` and `grouped` don't cover, where these
            are stated.
        depthwise: convolutions with one input channel per group.
        dense: matrix products, while they are not limited by `weights`.
        activations: bytes per second that ops read and write, beyond their arithmetic.
        weights: bytes per second at which the weights of matrix products arrive.
        per_op: fixed time of each kernel.
        winograd: 3 x 3 convolutions without stride or dilation whose channels fill vectors.
        grouped: k x k convolutions in groups of few channels.
        elementwise: as `activations`, for elementwise kernels that nothing else is fused with.
    """

    pointwise: Figure
    spatial: Figure
    depthwise: Figure
    dense: Figure
    activations: Figure
    weights: Figure
    per_op: Figure
    winograd: Figure | None = None
    grouped: Figure | None = None
    elementwise: Figure | None = None

    def __post_init__(self) -> None:
        """Check the unit of measure of each figure.

        Raises:
            ValueError: naming the field.
        """
        for field in ("pointwise", "spatial", "depthwise", "dense", "winograd", "grouped"):
            check(getattr(self, field), field, "rate", positive=True)
        for field in ("activations", "weights", "elementwise"):
            check(getattr(self, field), field, "bandwidth", positive=True)
        check(self.per_op, "per_op", "time")

    def figure(self, field: str) -> Figure:
        """A figure, or the one that stands in for it where it isn't stated."""
        found: Figure | None = getattr(self, field)
        if found is not None:
            return found
        instead: Figure = getattr(self, _FALLBACK[field])
        return instead

    def stated(self) -> dict[str, Figure]:
        """All figures that are stated, by field."""
        figures = {field: getattr(self, field) for field in self.__struct_fields__}
        return {field: figure for field, figure in figures.items() if figure is not None}


class Unit(Struct, frozen=True, kw_only=True):
    """Something that runs one stage at a time.

    Attributes:
        name: unique in the profile.
        kind: what it is.
        title: for people, `2x Cortex-A76`.
        dtype: what it computes float models in.
        framework: whose rows say which ops it runs, as in `hetsched/convert/data/index.csv`.
        backend: of that framework.
        reached_by: backends of any framework that can drive it; `backend` is always one of them.
        cores: how many work together on one stage.
        frequency: the clock that the figures below are for.
        peak: what it could compute at most, in `dtype`.
        dispatch: from the decision to run a stage to its first kernel, and back.
        power: drawn while a stage runs; absent where unknown.
        memory: what weights placed on it may take; absent where there is no limit of its own.
        max_subgraphs: most stages that one model may have on it; absent where there is no limit.
        levels: the clocks it can run at; absent where unknown.
        idle: when it falls asleep, and what waking costs; absent where unknown.
        rates: dtype to coefficients; a unit whose costs are only measured has none.
        calibrate: dtype to the rows that its rates are fitted to.
        calibration: dtype to how well they are reproduced.
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
    levels: Levels | None = None
    idle: Idle | None = None
    rates: dict[str, Rates] = msgspec.field(default_factory=dict)
    calibrate: dict[str, Recipe] = msgspec.field(default_factory=dict)
    calibration: dict[str, Record] = msgspec.field(default_factory=dict)
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
