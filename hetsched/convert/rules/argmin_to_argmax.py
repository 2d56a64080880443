"""ArgMin to ArgMax of Neg.

Handled: floats; every axis, with or without kept dimensions, first or last of equal ones.
Refused: other dtypes: the least integer has no negative. NaN isn't looked for.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Neg, ArgMax."""
    return tape.op("ArgMax", tape.op("Neg", site.input(0)), **site.attributes)


RULE = Rule(
    name="argmin-to-argmax", ops=("ArgMin",), makes="Neg, ArgMax",
    exactness="exact", check=needs_float, rewrite=rewrite,
)  # fmt: skip
