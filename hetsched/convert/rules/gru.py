"""GRU unrolled: per step MatMuls, gates, and element-wise ops. Source: GRU-14 of ONNX.

Handled: see `recurrent`; `linear_before_reset` 0 and 1.
Refused: see `recurrent`.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import forms, recurrent
from hetsched.convert.rules.recurrent import Direction, Step
from hetsched.convert.rules.rule import Rule, Site, known_value
from hetsched.convert.rules.tape import Tape

_DEFAULTS = ("Sigmoid", "Tanh")
_H = 5


def check(site: Site) -> str | None:
    """None where it applies."""
    return recurrent.reason(site, _DEFAULTS)


def rewrite(site: Site, tape: Tape) -> tuple[ir.Value, ...]:
    """MatMul and Split for all steps; MatMul, Add, Split, gates, Mul, Add per step; Concat."""
    hidden = known_value(site.input(2)).shape[2]
    is_linear = bool(site.attribute("linear_before_reset", 0))

    def prepare(one: Direction) -> Step:
        gates, cell = np.split(one.weights, [2 * hidden], axis=1)
        stored = (tape.constant(gates), tape.constant(cell))
        inner = _linear(tape, one, stored[1]) if is_linear else _plain(tape, stored[1])
        return lambda given, states: _step(tape, one, stored[0], inner, given, states)

    # the hidden gate's recurrent bias stays inside of a reset after the product
    fold = slice(2 * hidden) if is_linear else slice(None)
    return recurrent.unroll(site, tape, _DEFAULTS, (_H,), fold=fold, prepare=prepare)


def _plain(tape: Tape, weights: ir.Value) -> Step:
    """The reset times h, times R."""
    return lambda r, h: (tape.op("MatMul", tape.op("Mul", r, h[0]), weights),)


def _linear(tape: Tape, one: Direction, weights: ir.Value) -> Step:
    """The reset times (h times R plus bias)."""
    bias = one.bias[2 * one.weights.shape[0] :]
    added = tape.constant(np.ascontiguousarray(bias)) if bias.any() else None

    def inner(r: ir.Value, h: tuple[ir.Value, ...]) -> tuple[ir.Value, ...]:
        value = tape.op("MatMul", h[0], weights)
        value = value if added is None else tape.op("Add", value, added)
        return (tape.op("Mul", r, value),)

    return inner


def _step(
    tape: Tape,
    one: Direction,
    weights: ir.Value,
    inner: Step,
    given: ir.Value,
    states: tuple[ir.Value, ...],
) -> tuple[ir.Value, ...]:
    """Gates in ONNX's order: update, reset, hidden. h' = n + z * (h - n)."""
    (h,), (first, second), hidden = states, one.activations, one.weights.shape[0]
    taken, cell = forms.split(tape, given, 1, [2 * hidden, hidden])
    gates = tape.op(first, tape.op("Add", taken, tape.op("MatMul", h, weights)))
    z, r = forms.split(tape, gates, 1, [hidden] * 2)
    n = tape.op(second, tape.op("Add", cell, inner(r, states)[0]))
    return (tape.op("Add", n, tape.op("Mul", z, tape.op("Sub", h, n))),)


RULE = Rule(
    name="gru", ops=("GRU",), makes="MatMul, Add, Split, Sigmoid, Tanh, Mul, Sub, Concat per step",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
