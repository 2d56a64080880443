"""GroupNormalization to InstanceNormalization with the groups as channels, between Reshapes.

Handled and refused: see `group_norm`.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import group_norm
from hetsched.convert.rules.rule import Rule, Site, known_shape
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Reshape, InstanceNormalization, Reshape, Mul, Add."""
    x, shape, split = site.input(0), known_shape(site.input(0)), group_norm.grouped(site)
    ones, zeros = (tape.constant(np.full(split[1], number), x) for number in (1, 0))
    value = tape.op(
        "InstanceNormalization", tape.reshape(x, split), ones, zeros,
        epsilon=site.attribute("epsilon", 1e-5),
    )  # fmt: skip
    dims = (1, shape[1], *(1,) * (len(shape) - 2))
    value = tape.reshape(value, shape)
    value = tape.op("Mul", value, group_norm.row(tape, site.input(1), dims))
    return tape.op("Add", value, group_norm.row(tape, site.input(2), dims))


RULE = Rule(
    name="group-to-instance-norm", ops=("GroupNormalization",),
    makes="Reshape, InstanceNormalization, Reshape, Mul, Add",
    exactness="rounding", check=group_norm.check, rewrite=rewrite,
)  # fmt: skip
