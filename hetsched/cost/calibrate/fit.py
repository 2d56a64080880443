"""Fitting coefficients to measured times: least absolute deviation of relative errors.

The time of network i is predicted as fixed + sum over j of amount[i, j] * x[j], where `fixed` is
what a stage costs beside its ops. Sought are positive x that minimise

    sum over i of |ln(predicted_i / measured_i)| + 1/2 (ln x - ln start)' S (ln x - ln start)

with x_j not below a physical limit. Absolute instead of squared, so that a network for which the
model is wrong doesn't pull the others along; the second term keeps coefficients that the rows can't
tell apart from each other near where they started. The stiffness S says how far coefficients of
units of this kind are from each other, see `shapes`.
"""

import numpy as np
from numpy.typing import NDArray

STIFFNESS = 0.3
"""Worth of a start: being a factor e away from it costs as much as 15% on one network.

For kinds of units of which too few are known. Source: chosen once over 19 units of ncnn's table,
CPU and GPU; 0.1 to 1 give the same leave-one-out errors within a point or two on most, 0 lets
coefficients run off.
"""
_ROUND = 0.02  # Below this relative error the absolute value is rounded off, to have a derivative.
_STEPS = 200
_ENOUGH = 1e-10

Vector = NDArray[np.float64]


def fit(
    amounts: Vector,
    measured: Vector,
    start: Vector,
    least: Vector,
    fixed: float = 0.0,
    stiffness: Vector | None = None,
) -> Vector:
    """Coefficients by damped Gauss-Newton steps on their logarithms.

    Args:
        amounts: (networks, coefficients), zero or more.
        measured: (networks,), above zero.
        start: (coefficients,), above zero.
        least: (coefficients,), lower limits.
        fixed: part of every time.
        stiffness: (coefficients, coefficients), positive definite; `STIFFNESS` on the diagonal when
            left out.

    Returns:
        (coefficients,).
    """
    center = np.log(np.maximum(start, least))
    held = STIFFNESS * np.eye(len(center)) if stiffness is None else stiffness
    floor = np.log(least)
    theta = center.copy()
    value = _objective(theta, center, held, amounts, measured, fixed)
    damping = 1e-3
    for _ in range(_STEPS):
        gradient, curvature = _slopes(theta, center, held, amounts, measured, fixed)
        free = ~((theta <= floor) & (gradient > 0))
        found = False
        while damping < 1e8:
            trial = _step(theta, floor, gradient, curvature, free, damping)
            new = _objective(trial, center, held, amounts, measured, fixed)
            if new < value:
                found = True
                break
            damping *= 4
        if not found:
            break
        gained, theta, value = value - new, trial, new
        damping = max(damping / 8, 1e-9)
        if gained < _ENOUGH:
            break
    return np.exp(theta)


def _residuals(theta: Vector, amounts: Vector, measured: Vector, fixed: float) -> Vector:
    return np.asarray(np.log((fixed + amounts @ np.exp(theta)) / measured), dtype=np.float64)


def _objective(
    theta: Vector, center: Vector, held: Vector, amounts: Vector, measured: Vector, fixed: float
) -> float:
    residuals = _residuals(theta, amounts, measured, fixed)
    absolute = np.sqrt(residuals**2 + _ROUND**2).sum()
    off = theta - center
    return float(absolute + off @ held @ off / 2)


def _slopes(
    theta: Vector, center: Vector, held: Vector, amounts: Vector, measured: Vector, fixed: float
) -> tuple[Vector, Vector]:
    parts = amounts * np.exp(theta)
    shares = parts / (fixed + parts.sum(axis=1, keepdims=True))
    residuals = _residuals(theta, amounts, measured, fixed)
    weighted = shares / np.sqrt(residuals**2 + _ROUND**2)[:, None]
    gradient = weighted.T @ residuals + held @ (theta - center)
    curvature = weighted.T @ shares + held
    return gradient, curvature


def _step(
    theta: Vector,
    floor: Vector,
    gradient: Vector,
    curvature: Vector,
    free: NDArray[np.bool_],
    damping: float,
) -> Vector:
    index = np.flatnonzero(free)
    damped = curvature[np.ix_(index, index)] + damping * np.eye(len(index))
    change = np.zeros_like(theta)
    change[index] = -np.linalg.solve(damped, gradient[index])
    return np.maximum(theta + np.clip(change, -1.0, 1.0), floor)
