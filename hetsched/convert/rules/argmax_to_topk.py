"""ArgMax and ArgMin to TopK of one: the first of equal ones, as TopK orders them.

Handled: every axis, with or without kept dimensions; floats, int32 and int64; opset 10 and later,
ArgMin from opset 11 on, when TopK learned to look for the least.
Refused: the last of equal ones, unknown shapes, other dtypes and opsets. NaN isn't looked for.
"""

import onnx_ir as ir

from hetsched.convert.rules import forms
from hetsched.convert.rules.rule import FLOATS, Rule, Site, known_shape, static_shape
from hetsched.convert.rules.tape import Tape

_SINCE = {"ArgMax": 10, "ArgMin": 11}
_DTYPES = (*FLOATS, ir.DataType.INT32, ir.DataType.INT64)


def check(site: Site) -> str | None:
    """None where it applies."""
    if site.attribute("select_last_index", 0):
        return "it picks the last of equal ones"
    if site.opset < _SINCE[site.node.op_type]:
        return f"TopK takes this from opset {_SINCE[site.node.op_type]} on"
    if static_shape(site.input(0)) is None or static_shape(site.output) is None:
        return "its shape isn't known"
    if site.opset < 11 and not site.is_float:
        return "TopK takes floats only before opset 11"
    return None if site.input(0).dtype in _DTYPES else f"{site.input(0).dtype} isn't sorted"


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """TopK's indices, Reshape where the dimension is dropped."""
    axis = int(site.attribute("axis", 0)) % len(known_shape(site.input(0)))
    order = {"largest": int(site.node.op_type == "ArgMax")} if site.opset >= 11 else {}
    _, places = tape.ops("TopK", [site.input(0), tape.integers(1)], 2, axis=axis, **order)
    return forms.reshape(tape, places, known_shape(site.output))


RULE = Rule(
    name="argmax-to-topk", ops=("ArgMax", "ArgMin"), makes="TopK, Reshape",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
