"""BatchNormalization to Mul and Add with stored factors.

y = x * f + (bias - mean * f) with f = scale / sqrt(var + epsilon), computed in double.

Handled: stored statistics, inputs of rank 2 and more.
Refused: training mode, statistics known only at run time.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, static_shape, stored
from hetsched.convert.rules.tape import Tape

_PARAMETERS = (1, 2, 3, 4)


def check(site: Site) -> str | None:
    """None where it applies."""
    if site.attribute("training_mode", 0) or site.more_is_read:
        return "training mode"
    if any(stored(site.input(index)) is None for index in _PARAMETERS):
        return "its statistics aren't stored"
    shape = static_shape(site.input(0))
    if shape is None or len(shape) < 2:
        return "the input's channels aren't known"
    return needs_float(site)


def factors(site: Site) -> tuple[np.ndarray, np.ndarray]:
    """What to multiply with and what to add, per channel, in double."""
    values = [stored(site.input(index)) for index in _PARAMETERS]
    scale, bias, mean, var = (np.asarray(value, np.float64) for value in values)
    factor = scale / np.sqrt(var + site.attribute("epsilon", 1e-5))
    return factor, bias - mean * factor


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Mul, Add."""
    x = site.input(0)
    shape = static_shape(x)
    assert shape is not None
    dims = (1, shape[1], *(1,) * (len(shape) - 2))
    factor, offset = (tape.constant(part.reshape(dims), x) for part in factors(site))
    return tape.op("Add", tape.op("Mul", x, factor), offset)


RULE = Rule(
    name="batch-norm", ops=("BatchNormalization",), makes="Mul, Add",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
