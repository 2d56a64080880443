"""Are the outputs of a rewrite those of what it replaces? Comparison, and inputs to compare on."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hetsched.convert.rules.rule import Exactness

ROUNDING_BOUNDS: Mapping[str, float] = {"float64": 1e-12, "float32": 1e-5, "float16": 1e-2}
"""What max|a-b| / max|a| may be where the same formula is rounded otherwise.

Source: the project's own promise of what an exact replacement may change (1e-5 of an output's range
in float32, 1e-2 in float16).
"""

BOUNDED_BOUNDS: Mapping[str, float] = {"float32": 1e-6}
"""What max|a-b| / max(1, max|a|) may be where a formula is approximated: the bound of its source,
1.5e-7 for `erf`, and about ten roundings of 1 (6e-8 each) of both computations."""

SEED = 4
_EDGES = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.5,
    -2.5,
    3.0,
    -3.0,
    6.0,
    -6.0,
    1e-6,
    -1e-6,
    20.0,
    -20.0,
)
"""Where piecewise functions break, and where exponentials saturate."""

_INFINITE = (np.inf, -np.inf, 0.0, 1.0, -1.0)
_WIDE = 50.0

_BLOCK = 65521
"""Larger inputs repeat this many values: a prime, so that rows and channels differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """How far a replacement was from the original, over all inputs tried.

    Attributes:
        max_abs_error: per output, max|a-b|.
        max_rel_error: per output, max|a-b| / max|a|; for approximations / max(1, max|a|), since
            what bounds them is absolute.
        bound: what `max_rel_error` may be.
        inputs: how many sets of inputs were tried.
        calibration: how many of them came from calibration data.
        problem: what can't be put into a number: another shape, dtype, or NaN elsewhere.
    """

    max_abs_error: tuple[float, ...]
    max_rel_error: tuple[float, ...]
    bound: float
    inputs: int
    calibration: int = 0
    problem: str | None = None

    @property
    def passed(self) -> bool:
        """Whether every output is within the bound."""
        return self.problem is None and all(error <= self.bound for error in self.max_rel_error)

    def with_data(self, found: "Certificate") -> "Certificate":
        """The worse of both, the other one being of calibration data."""
        pairs = zip(self.max_abs_error, found.max_abs_error, strict=True)
        shares = zip(self.max_rel_error, found.max_rel_error, strict=True)
        return Certificate(
            max_abs_error=tuple(max(pair) for pair in pairs),
            max_rel_error=tuple(max(pair) for pair in shares),
            bound=self.bound,
            inputs=self.inputs + found.inputs,
            calibration=found.inputs,
            problem=self.problem or found.problem,
        )


def input_sets(
    inputs: Mapping[str, tuple[tuple[int, ...], np.dtype]], exactness: Exactness
) -> Iterator[dict[str, np.ndarray]]:
    """Seeded inputs: normal ones, wide ones, edge values; for exact rules infinity too.

    Args:
        inputs: name to shape and dtype.
        exactness: of the rule.
    """
    rng = np.random.default_rng(SEED)
    for scale in (1.0, _WIDE):
        yield {name: _random(rng, *kind, scale) for name, kind in inputs.items()}
    yield {name: _tiled(i, *kind, _EDGES) for i, (name, kind) in enumerate(inputs.items())}
    if exactness == "exact":
        yield {name: _tiled(i, *kind, _INFINITE) for i, (name, kind) in enumerate(inputs.items())}


def _random(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype, scale: float
) -> np.ndarray:
    size = min(math.prod(shape), _BLOCK)
    if dtype.kind == "f":
        values = rng.standard_normal(size, np.float32) * np.float32(scale)
        return _filled(shape, values.astype(dtype))
    low, high = {"b": (0, 2), "u": (0, 100)}.get(dtype.kind, (-100, 100))
    return _filled(shape, rng.integers(low, high, size).astype(dtype))


def _filled(shape: tuple[int, ...], values: np.ndarray) -> np.ndarray:
    return np.resize(values, shape) if values.size else np.zeros(shape, values.dtype)


def _tiled(
    index: int, shape: tuple[int, ...], dtype: np.dtype, values: Sequence[float]
) -> np.ndarray:
    """The values in turn, each input starting elsewhere so that pairs differ."""
    kept = [v for v in values if dtype.kind == "f" or (np.isfinite(v) and v == int(v) and v >= 0)]
    block = np.resize(np.roll(np.asarray(kept), index), min(math.prod(shape), _BLOCK))
    return _filled(shape, block.astype(dtype))


def compare(
    runs: Sequence[tuple[Sequence[np.ndarray], Sequence[np.ndarray]]],
    exactness: Exactness,
    bounds: Mapping[str, float] | None = None,
) -> Certificate:
    """Compare what the original and the replacement made of the same inputs.

    Args:
        runs: per set of inputs the original's outputs and the replacement's.
        exactness: exact ones may not differ at all.
        bounds: dtype to bound, by default that of the exactness; other dtypes must be equal.
    """
    least = 1.0 if exactness == "bounded" else 0.0
    if bounds is None:
        bounds = BOUNDED_BOUNDS if exactness == "bounded" else ROUNDING_BOUNDS
    outputs = len(runs[0][0])
    absolute, relative, problem = [0.0] * outputs, [0.0] * outputs, None
    for expected, actual in runs:
        for index, (a, b) in enumerate(zip(expected, actual, strict=True)):
            if a.dtype == b.dtype and np.array_equal(a, b):
                continue
            if (found := _problem(a, b)) is not None:
                problem = problem or f"output {index}: {found}"
                continue
            error, share = _errors(a, b, least)
            absolute[index] = max(absolute[index], error)
            relative[index] = max(relative[index], share)
    dtypes = {str(array.dtype) for expected, _ in runs for array in expected}
    bound = max((bounds.get(dtype, 0.0) for dtype in dtypes), default=0.0)
    return Certificate(
        max_abs_error=tuple(absolute),
        max_rel_error=tuple(relative),
        bound=0.0 if exactness == "exact" else bound,
        inputs=len(runs),
        problem=problem,
    )


def _problem(a: np.ndarray, b: np.ndarray) -> str | None:
    if a.shape != b.shape or a.dtype != b.dtype:
        return f"{b.dtype}{list(b.shape)} in place of {a.dtype}{list(a.shape)}"
    if a.dtype.kind != "f":
        return None
    odd = ~np.isfinite(a)
    same = np.array_equal(a[odd], b[odd], equal_nan=True) and bool(np.isfinite(b[~odd]).all())
    return None if same else "NaN or infinity at other places"


def _errors(a: np.ndarray, b: np.ndarray, least: float) -> tuple[float, float]:
    """max|a-b| and that over max|a| or `least`, of what is finite."""
    if a.dtype.kind not in "iufb":
        return (0.0, 0.0) if np.array_equal(a, b) else (np.inf, np.inf)
    finite = np.isfinite(a)
    if not finite.any():
        return 0.0, 0.0
    wide = a[finite].astype(np.float64)
    error = float(np.abs(wide - b[finite].astype(np.float64)).max())
    if error == 0:
        return 0.0, 0.0
    largest = max(least, float(np.abs(wide).max()))
    return error, error / largest if largest else np.inf
