"""Calibrating one dtype of one unit: rows in, rates and a record of their error out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hetsched.cost.calibrate.features import FIELDS, Features, Key
from hetsched.cost.calibrate.figures import Band, rates
from hetsched.cost.calibrate.fit import Vector, fit
from hetsched.cost.calibrate.prior import (
    held,
    knows_bandwidths,
    limits,
    peak_macs,
    shares,
    start,
    transferred,
    typical,
)
from hetsched.cost.calibrate.quality import (
    MODELS_NEEDED,
    absolute_errors,
    kendall_tau,
    leave_one_out,
    verdict,
)
from hetsched.cost.calibrate.rows import Row, check_physical, choose, digest
from hetsched.errors import CostError
from hetsched.ir.graph import ITEM_BITS
from hetsched.soc.calibration import Record, Reproduced, Select
from hetsched.soc.profile import Profile, Rates, Unit

TRANSFER_FACTOR = {"cpu": 1.2, "gpu": 2.0, "npu": 2.0, "dsp": 2.0, "dla": 2.0}
"""What a transfer to another SoC adds to the band. Source: a core's rows on five SoCs follow the
clock within 15%; GPU backends differ by a factor of two between devices of one family."""
# More where a bandwidth isn't known. Source: four A55 of RK3568 take 2.5 times as long as those of
# RK3588, which has several times the bandwidth.
_BLIND = 1.6
# With fewer models than needed the band is the extremes and this factor beyond them; with one or
# two it is no narrower than for a typical unit of the kind.
_FEW = 1.5
_SHARE = 0.1
_SEEN = 3


@dataclass(frozen=True, slots=True)
class Tables:
    """What there is to fit to."""

    rows: Sequence[Row]
    features: Mapping[Key, Features]


def calibrate(
    profile: Profile, unit: Unit, dtype: str, tables: Tables, find: Callable[[str], Profile]
) -> tuple[Rates, Record]:
    """Rates of a unit in one dtype, by its recipe.

    Args:
        profile: whose unit it is.
        unit: has a recipe for the dtype.
        dtype: of the rates.
        tables: measurements and features.
        find: gives a profile by name, for `like`.

    Raises:
        CostError: no row matches, a row is beyond the physical peak, or the start can't be made.
    """
    return _Work(profile, unit, dtype, tables, find).result()


class _Work:
    def __init__(
        self,
        profile: Profile,
        unit: Unit,
        dtype: str,
        tables: Tables,
        find: Callable[[str], Profile],
    ) -> None:
        self._profile, self._unit, self._dtype = profile, unit, dtype
        self._features = tables.features
        self._recipe = unit.calibrate[dtype]
        self._fixed = unit.dispatch.base("time")
        self._find = find
        self._rows = self._known(choose(tables.rows, self._recipe.rows))
        self._held = self._known(choose(tables.rows, self._recipe.hold_out))
        if self._recipe.rows and not self._rows:
            wanted = "; ".join(_words(select) for select in self._recipe.rows)
            raise CostError(
                f"{profile.name}, unit {unit.name!r}, {dtype}: no measurement with known features "
                f"has {wanted}: add some with --rows, or drop `rows` for typical rates"
            )
        check_physical([*self._rows, *self._held], self._features, peak_macs(unit, dtype))

    def result(self) -> tuple[Rates, Record]:
        least = limits(self._profile, self._unit, self._dtype)
        amounts, measured = self._matrix(self._rows)
        found, out = np.maximum(self._start(), least), np.empty(0)
        if self._rows:
            stiff = held(self._unit, self._dtype)
            found = fit(amounts, measured, self._start(), least, self._fixed, stiff)
            keys = [row.key for row in self._rows]
            starts = {model: self._start(model) for model, _ in keys}
            out = leave_one_out(keys, amounts, measured, found, least, self._fixed, stiff, starts)
        made = rates(
            found,
            dtype=self._dtype,
            peak=peak_macs(self._unit, self._dtype),
            band=self._band(out, measured),
            seen=self._seen(amounts, found),
            how=self._how(),
            assumed=not self._rows and self._recipe.like is None,
        )
        return made, self._record(found, out, measured)

    def _known(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        return tuple(row for row in rows if row.key in self._features)

    def _source(self) -> tuple[Profile, Unit] | None:
        like = self._recipe.like
        if like is None:
            return None
        profile = self._find(like.profile)
        return profile, profile.unit(like.unit)

    def _start(self, without: str = "") -> Vector:
        """Without a model as far as what units have in common goes."""
        source, like = self._source(), self._recipe.like
        if source is not None and like is not None:
            return transferred(self._profile, self._unit, *source, like.dtype)
        if not self._rows:
            return typical(self._unit, self._dtype)
        return start(self._unit, self._dtype, without)

    def _matrix(self, rows: Sequence[Row]) -> tuple[Vector, Vector]:
        item = ITEM_BITS[self._dtype] // 8
        amounts = [self._features[row.key].amounts(item) for row in rows]
        return np.array(amounts).reshape(len(rows), len(FIELDS)), np.array(
            [row.ms * 1e6 for row in rows]
        )

    def _models(self) -> int:
        return len({row.model for row in self._rows})

    def _band(self, out: Vector, measured: Vector) -> Band:
        """Measured over predicted time: the middle 80% of it, with 1 inside."""
        if len(out):
            ratios = measured / out
            if self._models() >= MODELS_NEEDED:
                low, high = np.quantile(ratios, [0.1, 0.9])
                return Band(low=min(low, 1.0), high=max(high, 1.0))
            least = shares(self._unit.kind, self._dtype).factor if self._models() < _SEEN else _FEW
            low, high = ratios.min() / _FEW, ratios.max() * _FEW
            return Band(low=min(low, 1 / least), high=max(high, least))
        source = self._source()
        if source is None or self._recipe.like is None:
            factor = shares(self._unit.kind, self._dtype).factor
            return Band(low=1 / factor, high=factor)
        factor = TRANSFER_FACTOR[self._unit.kind]
        if not knows_bandwidths(self._profile, source[0]):
            factor *= _BLIND
        figure = source[1].rates[self._recipe.like.dtype].pointwise
        return Band(low=1 / (figure.high * factor), high=factor / figure.low)

    def _seen(self, amounts: Vector, found: Vector) -> tuple[bool, ...]:
        """Which coefficients make up a tenth of the time of at least three networks."""
        if not len(amounts):
            return (True,) * len(found)
        parts = amounts * found
        visible = (parts / parts.sum(axis=1, keepdims=True) >= _SHARE).sum(axis=0)
        return tuple(bool(count >= _SEEN) for count in visible)

    def _how(self) -> str:
        like = self._recipe.like
        origin = f"{like.profile} {like.unit} {like.dtype}" if like is not None else ""
        if not self._rows:
            if like is None:
                return f"typical for a {self._unit.kind}, no row of this unit"
            return f"{origin}, scaled by clock and bandwidth"
        socs = ", ".join(dict.fromkeys(row.soc for row in self._rows))
        frameworks = ", ".join(dict.fromkeys(row.framework for row in self._rows))
        text = f"fit to {self._models()} networks, {socs}, {frameworks}"
        return f"{text}, from {origin}" if origin else text

    def _record(self, found: Vector, out: Vector, measured: Vector) -> Record:
        held_amounts, held_measured = self._matrix(self._held)
        held = self._fixed + held_amounts @ found
        errors = absolute_errors(out, measured) if len(out) else None
        held_median = float(np.median(absolute_errors(held, held_measured))) if len(held) else None
        median = float(np.median(errors)) if errors is not None else held_median
        tau = kendall_tau(*((out, measured) if len(out) else (held, held_measured)))
        models = self._models() or len({row.model for row in self._held})
        validated, why = verdict(self._unit.kind, models, median, tau)
        return Record(
            rows_sha256=digest(self._rows, self._features),
            models=self._models(),
            loo_median=_short(float(np.median(errors))) if errors is not None else None,
            loo_p90=_short(float(np.quantile(errors, 0.9))) if errors is not None else None,
            tau=_short(tau),
            held_out_median=_short(held_median),
            validated=validated,
            why=why,
            rows=(*_reproduced(self._rows, out, False), *_reproduced(self._held, held, True)),
        )


def _words(select: Select) -> str:
    """`soc = x, unit = cpu:big`."""
    keys = ((key, getattr(select, key)) for key in select.__struct_fields__)
    return ", ".join(f"{key} = {value}" for key, value in keys if value)


def _reproduced(rows: Sequence[Row], predicted: Vector, held_out: bool) -> tuple[Reproduced, ...]:
    return tuple(
        Reproduced(
            model=row.model,
            shape=row.input_shape,
            ms=row.ms,
            predicted_ms=float(f"{ns / 1e6:.4g}"),
            held_out=held_out,
        )
        for row, ns in zip(rows, predicted.tolist(), strict=True)
    )


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
