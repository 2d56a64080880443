"""How a unit's rates were made from published rows, and how well they reproduce them.

A recipe (`[units.calibrate.DTYPE]`) says which rows; `hetsched calibrate` writes the rates and a
record (`[units.calibration.DTYPE]`) beside it. Neither is part of a profile's digest: costs are
computed from the rates alone.
"""

import msgspec

from hetsched.soc.figure import Figure, Struct, check


class Select(Struct, frozen=True, kw_only=True):
    """Which measurement rows: all given keys must be equal, those left out match anything.

    Attributes:
        soc: as in the rows.
        unit: as in the rows, `cpu:big`.
        framework: exact.
        threads: exact; 0 matches anything, rows without a number too.
        dtype: of the rows, `fp16`.
        core: exact.
        measured: date.
    """

    soc: str
    unit: str
    framework: str = ""
    threads: int = 0
    dtype: str = ""
    core: str = ""
    measured: str = ""


class Like(Struct, frozen=True, kw_only=True):
    """Another profile's unit whose rates are scaled by clock and bandwidth.

    Attributes:
        profile: its name.
        unit: of that profile.
        dtype: of its rates.
    """

    profile: str
    unit: str
    dtype: str


class Recipe(Struct, frozen=True, kw_only=True):
    """What the rates of one dtype are fitted to.

    Attributes:
        rows: to fit; none when the rates are only transferred.
        hold_out: not fitted: for checking.
        like: where the fit starts from; typical shares of peak when left out.
        peak: most the unit could compute in this dtype; the unit's `peak` when left out.
        shape: kind of units that it is like: `cpu-big`, `cpu-little`, `gpu`; by the unit's kind
            when left out.
        note: for people.
    """

    rows: tuple[Select, ...] = ()
    hold_out: tuple[Select, ...] = ()
    like: Like | None = None
    peak: Figure | None = None
    shape: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Check the peak's unit of measure.

        Raises:
            ValueError: naming the field.
        """
        check(self.peak, "calibrate.peak", "rate", positive=True)


class Reproduced(Struct, frozen=True, kw_only=True):
    """One published row and what the profile says.

    Attributes:
        model: name.
        shape: of its input.
        ms: published.
        predicted_ms: for a fitted row by a fit without any row of this model.
        held_out: whether it took no part in the fit.
    """

    model: str
    shape: str
    ms: float
    predicted_ms: float
    held_out: bool = False

    @property
    def error(self) -> float:
        """Relative, positive when the prediction is too long."""
        return self.predicted_ms / self.ms - 1


class Record(Struct, frozen=True, kw_only=True):
    """What came out.

    Attributes:
        rows_sha256: digest of the fitted rows and their features.
        models: how many different ones were fitted.
        loo_median: absolute relative error, each model predicted by a fit without it.
        loo_p90: 90th percentile of the same.
        tau: Kendall's, over pairs of models whose times differ by more than 15%.
        held_out_median: absolute relative error over rows that took no part.
        validated: whether the error is within the target for this kind of unit.
        why: why not, in words.
        rows: each with its prediction.
    """

    rows_sha256: str
    models: int
    loo_median: float | None = None
    loo_p90: float | None = None
    tau: float | None = None
    held_out_median: float | None = None
    validated: bool
    why: str = ""
    rows: tuple[Reproduced, ...] = msgspec.field(default_factory=tuple)
