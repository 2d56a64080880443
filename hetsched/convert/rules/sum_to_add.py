"""Sum to Add: a chain of Add for more than two inputs.

Handled: any number of inputs, broadcasting.
Refused: nothing. Exact for up to two inputs; ONNX Runtime adds more in this order too.
"""

from functools import reduce

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:  # noqa: ARG001  (a check takes the site)
    """It always applies."""
    return None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """((a + b) + c) + ..."""
    values = [value for value in site.node.inputs if value is not None]
    return reduce(lambda a, b: tape.op("Add", a, b), values)


RULE = Rule(
    name="sum-to-add", ops=("Sum",), makes="a chain of Add",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
