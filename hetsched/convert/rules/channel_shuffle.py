"""A channel shuffle by Reshape, Transpose, Reshape to a 1x1 Conv with weights of 0 and 1.

For targets whose tensors have at most 4 dimensions; any such chain of three that only changes the
order of the channels. Equal for all numbers, but 0 times infinity is NaN.

Handled: inputs of rank 4, chains whose inner tensors have no other readers.
Refused: everything else that the three ops may do.
"""

from math import prod

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, static_shape
from hetsched.convert.rules.tape import Tape

_RANK = 4


def _source(site: Site) -> tuple[ir.Value, ir.Node] | None:
    """What goes into the chain, and its Transpose."""
    turn = _only_maker(site.input(0), "Transpose")
    split = None if turn is None else _only_maker(Site(turn, site.opset).input(0), "Reshape")
    if turn is None or split is None:
        return None
    return Site(split, site.opset).input(0), turn


def _only_maker(value: ir.Value, op_type: str) -> ir.Node | None:
    maker = value.producer()
    if maker is None or maker.op_type != op_type or len(value.uses()) != 1:
        return None
    return None if value.is_graph_output() else maker


def _order(site: Site) -> np.ndarray | None:
    """Which channel of the input each channel of the output is, None for other changes."""
    found = _source(site)
    if found is None:
        return None
    source, turn = found
    shape, out = static_shape(source), static_shape(site.output)
    inner = static_shape(Site(turn, site.opset).input(0))
    if shape is None or inner is None or shape != out or len(shape) != _RANK or not prod(shape):
        return None
    perm = Site(turn, site.opset).attribute("perm", list(reversed(range(len(inner)))))
    places = np.arange(prod(shape)).reshape(shape)
    moved = places.reshape(inner).transpose(perm).reshape(shape)
    order: np.ndarray = moved[0, :, 0, 0] // (shape[2] * shape[3])
    return order if np.array_equal(moved, places[:, order]) else None


def check(site: Site) -> str | None:
    """None where it applies."""
    if _order(site) is None:
        return "not the end of a Reshape, Transpose, Reshape that only reorders channels"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Conv with a permutation matrix."""
    order, found = _order(site), _source(site)
    assert order is not None
    assert found is not None
    weights = np.eye(len(order))[order][:, :, None, None]
    return tape.op("Conv", found[0], tape.constant(weights, found[0]))


RULE = Rule(
    name="channel-shuffle", ops=("Reshape",), makes="Conv with weights of 0 and 1",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
