"""LSTM unrolled: per step a MatMul, gates, and element-wise ops. Source: LSTM-14 of ONNX.

Handled: see `recurrent`; peepholes.
Refused: see `recurrent`; `input_forget`.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import forms, recurrent
from hetsched.convert.rules.recurrent import Direction, Step
from hetsched.convert.rules.rule import Rule, Site, known_value, stored
from hetsched.convert.rules.tape import Tape

_DEFAULTS = ("Sigmoid", "Tanh", "Tanh")
_H, _C, _PEEPHOLES = 5, 6, 7


def check(site: Site) -> str | None:
    """None where it applies."""
    if site.attribute("input_forget", 0):
        return "input_forget"
    peepholes = site.optional(_PEEPHOLES)
    if peepholes is not None and stored(peepholes) is None:
        return "its peepholes aren't stored"
    return recurrent.reason(site, _DEFAULTS)


def rewrite(site: Site, tape: Tape) -> tuple[ir.Value, ...]:
    """MatMul and Split for all steps; MatMul, Add, Split, gates, Mul, Add per step; Concat."""

    def prepare(one: Direction) -> Step:
        weights, seen = tape.constant(one.weights), _peepholes(site, tape, one.index)
        return lambda given, states: _step(tape, one, weights, seen, given, states)

    return recurrent.unroll(
        site, tape, _DEFAULTS, (_H, _C), fold=slice(None), prepare=prepare
    )  # fmt: skip


def _peepholes(site: Site, tape: Tape, index: int) -> list[ir.Value | None]:
    """Of the input, output and forget gates."""
    given = site.optional(_PEEPHOLES)
    if given is None:
        return [None] * 3
    parts = np.split(known_value(given)[index], 3)
    return [tape.constant(np.ascontiguousarray(part)) for part in parts]


def _step(
    tape: Tape,
    one: Direction,
    weights: ir.Value,
    seen: list[ir.Value | None],
    given: ir.Value,
    states: tuple[ir.Value, ...],
) -> tuple[ir.Value, ...]:
    """Gates in ONNX's order: input, output, forget, cell."""
    (h, c), (first, second, third) = states, one.activations
    gates = tape.op("Add", given, tape.op("MatMul", h, weights))
    i, o, f, g = forms.split(tape, gates, 1, [one.weights.shape[0]] * 4)
    i = tape.op(first, _seeing(tape, i, c, seen[0]))
    f = tape.op(first, _seeing(tape, f, c, seen[2]))
    added = tape.op("Mul", i, tape.op(second, g))
    c = tape.op("Add", tape.op("Mul", f, c), added)
    o = tape.op(first, _seeing(tape, o, c, seen[1]))
    return tape.op("Mul", o, tape.op(third, c)), c


def _seeing(tape: Tape, gate: ir.Value, c: ir.Value, peephole: ir.Value | None) -> ir.Value:
    return gate if peephole is None else tape.op("Add", gate, tape.op("Mul", c, peephole))


RULE = Rule(
    name="lstm", ops=("LSTM",), makes="MatMul, Add, Split, Sigmoid, Tanh, Mul, Concat per step",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
