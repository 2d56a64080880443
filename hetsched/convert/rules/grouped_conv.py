"""A grouped convolution as a plain one with zeros between the groups.

Exact but for the order of adding; it multiplies `group` times as often.

Handled: Conv of any rank with stored weights.
Refused: weights known only at run time, a single group.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, stored
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if site.attribute("group", 1) == 1:
        return "it has one group only"
    if stored(site.input(1)) is None:
        return "the weights aren't stored"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Conv with block-diagonal weights."""
    weights = stored(site.input(1))
    assert weights is not None
    group = site.attribute("group")
    made, taken = weights.shape[0] // group, weights.shape[1]
    full = np.zeros((weights.shape[0], taken * group, *weights.shape[2:]), weights.dtype)
    for index in range(group):
        rows = slice(index * made, (index + 1) * made)
        full[rows, index * taken : (index + 1) * taken] = weights[rows]
    attributes = {name: found.value for name, found in site.node.attributes.items()}
    others = [site.optional(2)] if site.optional(2) is not None else []
    return tape.op(
        "Conv", site.input(0), tape.constant(full), *others, **(attributes | {"group": 1})
    )


RULE = Rule(
    name="grouped-conv", ops=("Conv",), makes="Conv of one group",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
