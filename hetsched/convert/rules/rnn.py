"""RNN unrolled: per step a MatMul, Add and activation. Source: RNN-14 of ONNX.

Handled and refused: see `recurrent`.
"""

import onnx_ir as ir

from hetsched.convert.rules import recurrent
from hetsched.convert.rules.recurrent import Direction, Step
from hetsched.convert.rules.rule import Rule, Site
from hetsched.convert.rules.tape import Tape

_DEFAULTS = ("Tanh",)
_H = 5


def check(site: Site) -> str | None:
    """None where it applies."""
    return recurrent.reason(site, _DEFAULTS)


def rewrite(site: Site, tape: Tape) -> tuple[ir.Value, ...]:
    """MatMul and Split for all steps; MatMul, Add, Tanh per step; Concat."""

    def prepare(one: Direction) -> Step:
        weights, bend = tape.constant(one.weights), one.activations[0]

        def step(given: ir.Value, states: tuple[ir.Value, ...]) -> tuple[ir.Value, ...]:
            return (tape.op(bend, tape.op("Add", given, tape.op("MatMul", states[0], weights))),)

        return step

    return recurrent.unroll(site, tape, _DEFAULTS, (_H,), fold=slice(None), prepare=prepare)


RULE = Rule(
    name="rnn", ops=("RNN",), makes="MatMul, Add, Split, Tanh, Concat per step",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
