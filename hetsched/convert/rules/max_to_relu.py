"""Max and Min of two to Relu: max(a, b) = a + Relu(b - a), min(a, b) = a - Relu(a - b).

Handled: two floats, broadcasting.
Refused: other dtypes and numbers of inputs. Where one is far larger than the other, the smaller
one's last digits are lost; the difference of two infinities is NaN.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if len(site.node.inputs) != 2:
        return "not two inputs"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Sub, Relu, Add or Sub."""
    a, b = site.input(0), site.input(1)
    if site.node.op_type == "Max":
        return tape.op("Add", a, tape.op("Relu", tape.op("Sub", b, a)))
    return tape.op("Sub", a, tape.op("Relu", tape.op("Sub", a, b)))


RULE = Rule(
    name="max-to-relu", ops=("Max", "Min"), makes="Sub, Relu, Add or Sub",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
