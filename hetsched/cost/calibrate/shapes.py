"""What units of a kind have in common: how their coefficients relate to each other.

How fast a unit is differs from unit to unit; how its costs relate, a byte read against a
multiplication say, much less so. A shape is the logarithms of a unit's coefficients without their
common scale: on CPUs rates and traffic relative to the peak, so that more threads change little,
weights and per-kernel costs as they are. Per kind, `hetsched/cost/data/shapes.json` has the mean
and the spread of the shapes of all units with published rows; `scripts/calibration_shapes.py` makes
it. A fit starts at the mean shape and is held to it by the spread (`stiffness`), so that few rows
of a unit go a long way.

So that leaving a model out is honest, there is a mean without each model.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from hetsched.cost.calibrate.features import DATA, FIELDS
from hetsched.cost.calibrate.fit import STIFFNESS, Vector

FILE = DATA / "shapes.json"
FRAMEWORK = "ncnn"
"""Whose rows the shapes are learnt from."""
NOISE = 0.12
"""Typical relative error of a prediction, which a deviation from the mean shape is weighed against.

Source: median leave-one-out error of the units of ncnn's table; half and twice of it give the same
errors within a point or two."""
BY_ARITHMETIC = np.array([field not in ("weights", "per_op") for field in FIELDS])
"""What is faster on a unit with a higher peak."""
SCALE = 1.0
"""How far, in logarithms, a unit's speed may be from what its peak promises: a factor of e."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a kind of unit.

    Attributes:
        mean: (coefficients,), logarithms relative to `pointwise`.
        by_peak: whether what scales with arithmetic was taken relative to the peak.
        spread: (coefficients, coefficients), covariance of the logarithms without common scale.
        units: how many it is the mean of; 0 for what was assumed.
        without: model to `mean` of fits that never saw it.
    """

    mean: Vector
    by_peak: bool
    spread: Vector
    units: int
    without: Mapping[str, Vector]

    def start(self, pointwise: float, peak: float, model: str = "") -> Vector:
        """Coefficients of a unit with this cost of a multiply-accumulate.

        Args:
            pointwise: ns.
            peak: GMAC/s.
            model: left out of the mean.
        """
        scale = np.where(BY_ARITHMETIC, 1.0, peak) if self.by_peak else 1.0
        mean = self.without.get(model, self.mean)
        return np.asarray(pointwise * scale * np.exp(mean), dtype=np.float64)

    @property
    def stiffness(self) -> Vector:
        """For `fit`."""
        return stiffness(self.spread)


def stiffness(spread: Vector) -> Vector:
    """What holds a fit, by how far shapes are apart: their scale is free within `SCALE`."""
    free = spread + SCALE**2 * np.ones_like(spread)
    return np.asarray(NOISE * np.linalg.inv(free), dtype=np.float64)


ASSUMED_SPREAD = NOISE / STIFFNESS * np.eye(len(FIELDS))
"""Where nothing is known of a kind."""


@cache
def published() -> Mapping[str, Shape]:
    """By kind: `cpu-big float`, `cpu-little int8`, `gpu float`, ..."""
    content = json.loads(FILE.read_text(encoding="utf-8"))
    return {kind: _shape(found) for kind, found in content.items()}


def _shape(found: Mapping[str, Any]) -> Shape:
    return Shape(
        mean=np.array(found["mean"]),
        by_peak=found["by_peak"],
        spread=np.array(found["spread"]),
        units=found["units"],
        without={model: np.array(mean) for model, mean in found["without"].items()},
    )
