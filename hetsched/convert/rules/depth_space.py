"""DepthToSpace and SpaceToDepth to Reshape, Transpose, Reshape.

Handled: modes DCR and CRD (of SpaceToDepth too, since opset 28), every block size, any dtype.
Refused: unknown shapes.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, static_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    return None if static_shape(site.input(0)) is not None else "its shape isn't known"


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Six dimensions in between. Source: DepthToSpace-13 and SpaceToDepth-13 of ONNX."""
    shape = static_shape(site.input(0))
    assert shape is not None
    (n, c, h, w), b = shape, int(site.attribute("blocksize"))
    is_crd = site.attribute("mode", "DCR") == "CRD"
    if site.node.op_type == "SpaceToDepth":
        split = (n, c, h // b, b, w // b, b)
        order = [0, 1, 3, 5, 2, 4] if is_crd else [0, 3, 5, 1, 2, 4]
        joined = (n, c * b * b, h // b, w // b)
    else:
        joined = (n, c // (b * b), h * b, w * b)
        split = (n, joined[1], b, b, h, w) if is_crd else (n, b, b, joined[1], h, w)
        order = [0, 1, 4, 2, 5, 3] if is_crd else [0, 3, 4, 1, 5, 2]
    turned = tape.op("Transpose", tape.reshape(site.input(0), split), perm=order)
    return tape.reshape(turned, joined)


RULE = Rule(
    name="depth-space", ops=("DepthToSpace", "SpaceToDepth"), makes="Reshape, Transpose, Reshape",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
