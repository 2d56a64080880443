"""What a refit may replace by what, as it is asked for: `HardSwish=Relu`, `Conv5x5=Conv3x3`."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeAlias

import numpy as np
import onnx_ir as ir

from hetsched.convert.refit_activation import (
    ACTIVATIONS,
    Activation,
    Bend,
    Clips,
    Gate,
    Ramps,
    Terms,
)
from hetsched.convert.refit_kernel import Kernel, Phases, SmallerKernel, Weights
from hetsched.convert.rules.rule import Site, stored
from hetsched.convert.rules.tape import Tape
from hetsched.errors import ModelError

Emit: TypeAlias = Callable[[Site, Tape], ir.Value]
"""Records the replacement with its parameters."""

_SIZES = r"(\d+(?:x\d+)*)"
CURVES: Mapping[str, Activation] = {
    "Relu": Ramps(), "Clip": Clips(), "Sigmoid": Gate(), "Tanh": Bend(),
}  # fmt: skip
"""What an activation may become."""

PREFERRED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("HardSwish", "Swish", "Gelu", "Mish"), ("Sigmoid", "Relu", "Clip")),
    **dict.fromkeys(
        ("HardSigmoid", "Sigmoid", "Erf", "Softsign", "Tanh"), ("Tanh", "Relu", "Clip")
    ),
    **dict.fromkeys(
        ("Elu", "Selu", "Celu", "Softplus", "LeakyRelu", "PRelu", "ThresholdedRelu", "Exp"),
        ("Relu", "Clip"),
    ),
    "ConvTranspose": ("Conv3x3",),
}
"""Op type to replacements, nearest first, for a target that lacks it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """One line of what to replace.

    Attributes:
        text: as it was asked for.
        op_type: what is replaced.
        kernel: only convolutions of this kernel size; None for any.
        made: op types of the replacement.
        unfitted: the replacement before any fitting.
        fitted: the replacement fitted to inputs (runs, ...) and wanted outputs (runs, ...).
    """

    text: str
    op_type: str
    kernel: tuple[int, ...] | None = None
    made: str
    unfitted: Callable[[Site], Emit] = field(repr=False)
    fitted: Callable[[Site, np.ndarray, np.ndarray], Emit] = field(repr=False)

    def applies(self, node: ir.Node) -> bool:
        """Whether an op is of that type and kernel size, with its other inputs stored."""
        if node.op_type != self.op_type or node.domain != "":
            return False
        others = [value for value in node.inputs[1:] if value is not None]
        if any(stored(value) is None for value in others):
            return False
        if self.kernel is None:
            return True
        kernel = stored(others[0]) if others else None
        return kernel is not None and kernel.shape[2:] == self.kernel


def parse(text: str) -> Replacement:
    """A replacement from `WHAT=BY`.

    Raises:
        ModelError: naming what would be accepted.
    """
    what, equals, by = text.partition("=")
    if not equals or not what or not by:
        raise ModelError(f"--replace {text!r} isn't OP=OP: try HardSwish=Relu, Conv5x5=Conv3x3")
    if what in ACTIVATIONS:
        return _activation(text, what, by)
    match = re.fullmatch(rf"(ConvTranspose|Conv){_SIZES}?", what)
    if match is None:
        known = (*ACTIVATIONS, "Conv5x5", "ConvTranspose")
        near = get_close_matches(what, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ModelError(
            f"--replace {text!r}: no form for {what}: {hint}known are {', '.join(known)}"
        )
    return _kernel(text, match[1], _dims(match[2]) if match[2] else None, by)


def _activation(text: str, what: str, by: str) -> Replacement:
    if by not in CURVES:
        raise ModelError(f"--replace {text!r}: {what} can become {', '.join(CURVES)}")
    form = CURVES[by]

    def emit(terms: Terms) -> Emit:
        return lambda site, tape: form.emit(tape, site.input(0), terms)

    return Replacement(
        text=text, op_type=what, made=form.made,
        unfitted=lambda _: emit(form.unfitted), fitted=lambda _, x, y: emit(form.fit(x, y)),
    )  # fmt: skip


def _kernel(text: str, what: str, kernel: tuple[int, ...] | None, by: str) -> Replacement:
    match = re.fullmatch(rf"Conv{_SIZES}(?:d(\d+))?", by)
    if match is None or (match[2] and what == "ConvTranspose"):
        raise ModelError(
            f"--replace {text!r}: {what} can become Conv with a kernel size: Conv3x3"
            + (", Conv3x3d2 with a dilation of 2" if what == "Conv" else "")
        )
    taps = _dims(match[1])
    if min(taps) < 1 or match[2] == "0":
        raise ModelError(f"--replace {text!r}: sizes and dilations are 1 or more")
    if what == "Conv" and kernel is None:
        raise ModelError(f"--replace {text!r}: say which kernel size, as in Conv5x5=Conv3x3")
    form: Kernel = SmallerKernel(taps, int(match[2] or 1)) if what == "Conv" else Phases(taps)

    def emit(weights: Weights) -> Emit:
        return lambda site, tape: form.emit(site, tape, weights)

    return Replacement(
        text=text, op_type=what, kernel=kernel, made=form.made,
        unfitted=lambda site: emit(form.unfitted(site)),
        fitted=lambda site, x, y: emit(form.fit(site, x, y)),
    )  # fmt: skip


def _dims(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split("x"))


def chosen(replacements: Sequence[Replacement], node: ir.Node) -> Replacement | None:
    """The first replacement that applies to an op."""
    return next((each for each in replacements if each.applies(node)), None)
