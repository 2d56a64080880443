"""LRN to primitives: x / (bias + alpha * mean over neighbouring channels of x^2)^beta.

The mean (of `size` channels, those that lack count as 0) is an AveragePool over the channels as
height. Powers 0.5, 0.75 and 1 need no Pow.

Handled: every size, alpha, beta and bias; rank 2 and more of known shape.
Refused: unknown shapes, other dtypes than floats.
"""

from math import prod

import onnx_ir as ir

from hetsched.convert.rules import forms
from hetsched.convert.rules.rule import Rule, Site, known_shape, needs_float, static_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    shape = static_shape(site.input(0))
    if shape is None or len(shape) < 2 or 0 in shape:
        return "its channels aren't known"
    return needs_float(site)


def window(site: Site) -> tuple[int, int]:
    """Channels before and after each one that count. Source: LRN-13 of ONNX."""
    size = int(site.attribute("size"))
    return (size - 1) // 2, size // 2


def divided(site: Site, tape: Tape, mean: ir.Value) -> ir.Value:
    """What follows the mean of the squares."""
    x, beta = site.input(0), float(site.attribute("beta", 0.75))
    value = forms.scaled(tape, mean, site.attribute("alpha", 1e-4))
    base = forms.moved(tape, value, site.attribute("bias", 1.0))
    return tape.op("Div", x, _power(tape, base, beta))


def _power(tape: Tape, base: ir.Value, beta: float) -> ir.Value:
    if beta == 1:
        return base
    if beta not in (0.5, 0.75):
        return tape.op("Pow", base, tape.number(beta, base))
    root = tape.op("Sqrt", base)
    return root if beta == 0.5 else tape.op("Mul", root, tape.op("Sqrt", root))


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Mul, Reshape, AveragePool, Reshape, Mul, Add, Sqrt, Mul, Div."""
    x, shape, (before, after) = site.input(0), known_shape(site.input(0)), window(site)
    flat = (shape[0], 1, shape[1], prod(shape[2:]))
    squares = tape.reshape(tape.op("Mul", x, x), flat)
    mean = tape.op(
        "AveragePool", squares, kernel_shape=[before + after + 1, 1],
        pads=[before, 0, after, 0], count_include_pad=1,
    )  # fmt: skip
    return divided(site, tape, tape.reshape(mean, shape))


RULE = Rule(
    name="lrn", ops=("LRN",), makes="Mul, Reshape, AveragePool, Reshape, Add, Sqrt or Pow, Div",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
