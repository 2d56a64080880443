"""Activations replaced by others: sums of ramps, a sigmoid gate, a hyperbolic tangent.

The coefficients are one set per tensor. What is linear in them is fitted by least squares; the few
that aren't (where ramps begin, how steep a sigmoid is) are searched for on a sample.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.tape import Tape

ACTIVATIONS = (
    "HardSwish", "HardSigmoid", "Swish", "Gelu", "Mish", "Elu", "Selu", "Celu", "Softplus",
    "Softsign", "Sigmoid", "Tanh", "Erf", "LeakyRelu", "PRelu", "ThresholdedRelu", "Exp",
)  # fmt: skip
"""Element-wise ops of one run-time input."""

KNOTS = 3
"""Ramps beside the straight line."""

_CANDIDATES = 33
_SEARCHED = 4096
_FITTED = 2**20
_TAIL = 0.005
_STEEPNESS = (0.1, 10.0)
_STEPS = 40


@dataclass(frozen=True, slots=True)
class Terms:
    """y = constant + slope * x + the sum of factor * f(x, shape).

    Attributes:
        constant: c.
        slope: of the straight line.
        factors: of the functions.
        shapes: what each function's own number is: where a ramp begins, how steep a sigmoid is.
    """

    constant: float
    slope: float
    factors: tuple[float, ...]
    shapes: tuple[float, ...]


class Activation(Protocol):
    """A replacement for an activation.

    Attributes:
        made: op types it makes.
        unfitted: the plain function, as one would put it there without data.
    """

    made: ClassVar[str]
    unfitted: ClassVar[Terms]

    def fit(self, x: np.ndarray, y: np.ndarray) -> Terms:
        """Terms that make y of x."""

    def emit(self, tape: Tape, x: ir.Value, terms: Terms) -> ir.Value:
        """Ops for the terms."""


def _spread(x: np.ndarray, y: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """So many pairs at most, evenly over the data, in double precision."""
    flat, target = x.reshape(-1), y.reshape(-1)
    step = max(1, len(flat) // count)
    return flat[::step].astype(np.float64), target[::step].astype(np.float64)


Basis = Callable[[np.ndarray, float], np.ndarray]


def _solve(
    x: np.ndarray, y: np.ndarray, basis: Basis, shapes: Sequence[float]
) -> tuple[Terms, float]:
    """Least squares for given shapes; the terms and the mean square of what is left."""
    columns = [np.ones_like(x), x, *(basis(x, shape) for shape in shapes)]
    matrix = np.stack(columns, axis=1)
    found = np.linalg.lstsq(matrix, y, rcond=1e-10)[0]
    left = float(np.mean((matrix @ found - y) ** 2))
    constant, slope, *factors = (float(value) for value in found)
    return Terms(constant, slope, tuple(factors), tuple(shapes)), left


def _line(tape: Tape, x: ir.Value, terms: Terms, parts: list[ir.Value]) -> ir.Value:
    """Add up; a factor of 1 and a term of 0 take no op."""
    if terms.slope != 0:
        parts.append(_times(tape, x, terms.slope))
    value = parts[0] if parts else tape.op("Mul", x, tape.number(0.0, x))
    for part in parts[1:]:
        value = tape.op("Add", value, part)
    if terms.constant != 0:
        value = tape.op("Add", value, tape.number(terms.constant, x))
    return value


def _times(tape: Tape, x: ir.Value, factor: float) -> ir.Value:
    return x if factor == 1 else tape.op("Mul", x, tape.number(factor, x))


def ramp(x: np.ndarray, start: float) -> np.ndarray:
    """0 up to where it begins, then rising with slope 1."""
    return np.asarray(np.maximum(x - start, 0))


class Ramps:
    """A straight line and three ramps, each a Relu: any function is near that on an interval."""

    made: ClassVar[str] = "Relu, Mul, Add"
    unfitted: ClassVar[Terms] = Terms(0.0, 0.0, (1.0,), (0.0,))

    def fit(self, x: np.ndarray, y: np.ndarray) -> Terms:
        """Ramps that begin where each helps most, then all factors at once."""
        few, target = _spread(x, y, _SEARCHED)
        low, high = np.quantile(few, (_TAIL, 1 - _TAIL))
        candidates = list(np.linspace(low, high, _CANDIDATES))
        starts: list[float] = []
        for _ in range(KNOTS):
            left = [(_solve(few, target, ramp, [*starts, c])[1], c) for c in candidates]
            starts.append(float(min(left)[1]))
            candidates.remove(min(left)[1])
        return _solve(*_spread(x, y, _FITTED), ramp, sorted(starts))[0]

    def emit(self, tape: Tape, x: ir.Value, terms: Terms) -> ir.Value:
        """Ops for the terms."""
        parts = []
        for factor, start in zip(terms.factors, terms.shapes, strict=True):
            moved = x if start == 0 else tape.op("Add", x, tape.number(-start, x))
            parts.append(_times(tape, tape.op("Relu", moved), factor))
        return _line(tape, x, terms, parts)


class Clips(Ramps):
    """The same as Ramps, made of Clips: one for each straight piece."""

    made: ClassVar[str] = "Clip, Mul, Add"

    def emit(self, tape: Tape, x: ir.Value, terms: Terms) -> ir.Value:
        """Ops for the terms."""
        starts = terms.shapes
        slopes = [terms.slope + sum(terms.factors[:index]) for index in range(len(starts) + 1)]
        lows: list[float | None] = [None, *starts]
        highs: list[float | None] = [*starts, None]
        constant = terms.constant + terms.slope * starts[0]
        parts = []
        for slope, low, high in zip(slopes, lows, highs, strict=True):
            if slope == 0:
                continue
            piece = tape.clip(x, _BOTTOM if low is None else low, high)
            parts.append(_times(tape, piece, slope))
            constant -= slope * (starts[0] if low is None else low)
        return _line(tape, x, Terms(constant, 0.0, (), ()), parts)


_BOTTOM = float(np.finfo(np.float16).min)
"""Stands for no lower limit in every float dtype."""


class _Curve(ABC):
    """A straight line and one curve, whose steepness is searched for."""

    @abstractmethod
    def basis(self, x: np.ndarray, steepness: float) -> np.ndarray:
        """The curve."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> Terms:
        """Golden section over the steepness's logarithm, least squares within."""
        few, target = _spread(x, y, _SEARCHED)
        low, high = np.log(_STEEPNESS)
        ratio = (np.sqrt(5) - 1) / 2

        def left(place: float) -> float:
            return _solve(few, target, self.basis, [float(np.exp(place))])[1]

        for _ in range(_STEPS):
            a, b = high - ratio * (high - low), low + ratio * (high - low)
            low, high = (low, b) if left(a) < left(b) else (a, high)
        best = float(np.exp((low + high) / 2))
        return _solve(*_spread(x, y, _FITTED), self.basis, [best])[0]


class Gate(_Curve):
    """x * Sigmoid(b * x) with a straight line: for Gelu, HardSwish, Mish."""

    made: ClassVar[str] = "Sigmoid, Mul, Add"
    unfitted: ClassVar[Terms] = Terms(0.0, 0.0, (1.0,), (1.0,))

    def basis(self, x: np.ndarray, steepness: float) -> np.ndarray:
        """The curve."""
        return np.asarray(x * (1 + np.tanh(steepness * x / 2)) / 2)

    def emit(self, tape: Tape, x: ir.Value, terms: Terms) -> ir.Value:
        """Ops for the terms."""
        gate = tape.op("Sigmoid", _times(tape, x, terms.shapes[0]))
        curve = _times(tape, tape.op("Mul", x, gate), terms.factors[0])
        return _line(tape, x, terms, [curve])


class Bend(_Curve):
    """Tanh(b * x) with a straight line: for Erf, Sigmoid, HardSigmoid, Softsign."""

    made: ClassVar[str] = "Tanh, Mul, Add"
    unfitted: ClassVar[Terms] = Terms(0.0, 0.0, (1.0,), (1.0,))

    def basis(self, x: np.ndarray, steepness: float) -> np.ndarray:
        """The curve."""
        return np.asarray(np.tanh(steepness * x))

    def emit(self, tape: Tape, x: ir.Value, terms: Terms) -> ir.Value:
        """Ops for the terms."""
        curve = tape.op("Tanh", _times(tape, x, terms.shapes[0]))
        return _line(tape, x, terms, [_times(tape, curve, terms.factors[0])])
