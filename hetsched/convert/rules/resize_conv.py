"""Resize by a whole fraction to a strided depthwise Conv: each output reads one block of s x s.

Handled: rank 4, height and width over whole numbers; modes and coordinates of `resampling` that
read only inside the block, such as linear and nearest.
Refused: everything else.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import resampling
from hetsched.convert.rules.rule import Rule, Site, known_shape, needs_float
from hetsched.convert.rules.tape import Tape

_RANK = 4


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := needs_float(site) or resampling.reason(site)) is not None:
        return why
    if len(known_shape(site.input(0))) != _RANK or kernels(site) is None:
        return "not rank 4 with height and width divided by whole numbers"
    return None


def kernels(site: Site) -> list[np.ndarray] | None:
    """Weights over a block along height and along width."""
    found = resampling.matrices(site)
    if not found or min(found) < _RANK - 2:
        return None
    made = [_block(found[axis]) if axis in found else np.ones(1) for axis in (2, 3)]
    return [part for part in made if part is not None] if all(p is not None for p in made) else None


def _block(matrix: np.ndarray) -> np.ndarray | None:
    """The weights that every output has over its own block."""
    made, size = matrix.shape
    if size % made:
        return None
    block = matrix[0, : size // made]
    same = np.allclose(np.kron(np.eye(made), block), matrix, rtol=0, atol=1e-9)
    return np.asarray(block) if same else None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Conv with one group per channel."""
    x, found = site.input(0), kernels(site)
    assert found is not None
    channels, sizes = known_shape(x)[1], [len(part) for part in found]
    weights = np.broadcast_to(np.outer(*found), (channels, 1, *sizes))
    return tape.op(
        "Conv", x, tape.constant(weights, x), group=channels, strides=sizes, kernel_shape=sizes
    )


RULE = Rule(
    name="resize-conv", ops=("Resize", "Upsample"), makes="a strided depthwise Conv",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
