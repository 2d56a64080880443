"""How far predictions are off, and what is good enough."""

from collections.abc import Mapping, Sequence

import numpy as np

from hetsched.cost.calibrate.features import Key
from hetsched.cost.calibrate.fit import Vector, fit
from hetsched.soc.unit import Kind

MODELS_NEEDED = 8
TARGETS: dict[Kind, float] = {"cpu": 0.15, "gpu": 0.25, "npu": 0.30, "dsp": 0.30, "dla": 0.30}
"""Median absolute error that counts as validated.

Source: tuned frameworks agree within 10 to 15% on CPUs, GPU backends within a factor of two.
"""
TAU_TARGET = 0.9
"""Kendall's tau that it takes on top: a placement depends on which unit is faster."""
_APART = 0.15


def leave_one_out(
    keys: Sequence[Key],
    amounts: Vector,
    measured: Vector,
    start: Vector,
    least: Vector,
    fixed: float = 0.0,
    stiffness: Vector | None = None,
    starts: Mapping[str, Vector] | None = None,
) -> Vector:
    """Predictions, each by a fit without any row of the same model (at whatever input size).

    Args:
        keys: (rows,), model and shape.
        amounts: (rows, coefficients).
        measured: (rows,).
        start: (coefficients,), for models that `starts` doesn't have.
        least: (coefficients,).
        fixed: part of every time.
        stiffness: (coefficients, coefficients).
        starts: model to a start that knows nothing of it.

    Returns:
        (rows,); with a single model the start itself predicts.
    """
    names = np.array([model for model, _ in keys])
    predicted = np.empty_like(measured)
    for name in dict.fromkeys(names.tolist()):
        out = names == name
        begin = (starts or {}).get(name, start)
        found = np.maximum(begin, least)
        if not out.all():
            found = fit(amounts[~out], measured[~out], begin, least, fixed, stiffness)
        predicted[out] = fixed + amounts[out] @ found
    return predicted


def absolute_errors(predicted: Vector, measured: Vector) -> Vector:
    """Relative to the measured time."""
    return np.asarray(np.abs(predicted / measured - 1), dtype=np.float64)


def kendall_tau(predicted: Vector, measured: Vector) -> float | None:
    """Kendall's tau over pairs whose measured times differ by more than 15%; None without any."""
    agree = total = 0
    for first in range(len(measured)):
        for second in range(first):
            apart = measured[first] / measured[second]
            if max(apart, 1 / apart) <= 1 + _APART:
                continue
            total += 1
            same = (predicted[first] > predicted[second]) == (apart > 1)
            agree += 1 if same else -1
    return agree / total if total else None


def verdict(kind: Kind, models: int, median: float | None, tau: float | None) -> tuple[bool, str]:
    """Whether it is validated, and why not."""
    if median is None:
        return False, "no published row to check it with"
    if models < MODELS_NEEDED:
        return False, f"{models} model{'s' * (models != 1)}, {MODELS_NEEDED} are needed"
    reasons = []
    if median > TARGETS[kind]:
        reasons.append(f"median error {median:.1%}, the target is {TARGETS[kind]:.0%}")
    if tau is None or tau < TAU_TARGET:
        found = "unknown" if tau is None else f"{tau:.3f}"
        reasons.append(f"tau {found}, the target is {TAU_TARGET:g}")
    return not reasons, "; ".join(reasons)
