"""What LSTM, GRU and RNN have in common when they are unrolled: shared by their rules.

Handled: up to 64 steps of known number; directions forward, reverse and bidirectional; both
layouts; biases, initial states; activations Sigmoid, Tanh and Relu; lengths that are stored and
cover all.
Refused: more steps, other activations, `clip`, lengths known only at run time, weights known only
at run time, unknown shapes, other dtypes than float32 and float64.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import forms
from hetsched.convert.rules.rule import Site, known_shape, known_value, static_shape, stored
from hetsched.convert.rules.tape import Tape

MAX_STEPS = 64
"""Each step takes about 15 ops."""
_KNOWN = ("Sigmoid", "Tanh", "Relu")
_SEQUENCE_LENS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """One direction of a layer.

    Attributes:
        index: 0, or 1 for the second direction.
        weights: R transposed, [hidden, gates * hidden].
        bias: of h times R, where it isn't added to x times W already.
        activations: names, in ONNX's order.
    """

    index: int
    weights: np.ndarray
    bias: np.ndarray
    activations: tuple[str, ...]


Step: TypeAlias = Callable[[ir.Value, tuple[ir.Value, ...]], tuple[ir.Value, ...]]
"""From x times W [N, gates * hidden] and the states to the next states, of which the first is h."""


def reason(site: Site, defaults: Sequence[str]) -> str | None:
    """Why a layer can't be unrolled, None where it can."""
    shape = static_shape(site.input(0))
    if shape is None or 0 in shape:
        return "its shape isn't known"
    if site.input(0).dtype not in (ir.DataType.FLOAT, ir.DataType.DOUBLE):
        return f"{site.input(0).dtype} isn't float32 or float64"
    if (count := shape[1 if site.attribute("layout", 0) else 0]) > MAX_STEPS:
        return f"{count} steps, over {MAX_STEPS}"
    if site.attribute("clip") is not None:
        return "it clips"
    if any(
        v is not None and stored(v) is None for v in (site.input(1), site.input(2), _bias(site))
    ):
        return "its weights aren't stored"
    if any(name not in _KNOWN for name in _activations(site, defaults)):
        return f"its activations aren't {', '.join(_KNOWN)}"
    return _lengths_reason(site, count)


def _bias(site: Site) -> ir.Value | None:
    return site.optional(3)


def _lengths_reason(site: Site, count: int) -> str | None:
    lengths = site.optional(_SEQUENCE_LENS)
    known = None if lengths is None else stored(lengths)
    if lengths is not None and (known is None or bool((known != count).any())):
        return "its sequences aren't all as long as the input"
    return None


def _activations(site: Site, defaults: Sequence[str]) -> list[str]:
    given = site.attribute("activations")
    return list(given) if given else list(defaults) * known_value(site.input(1)).shape[0]


def unroll(
    site: Site,
    tape: Tape,
    defaults: Sequence[str],
    initial: Sequence[int],
    *,
    fold: slice,
    prepare: Callable[[Direction], Step],
) -> tuple[ir.Value, ...]:
    """All steps of all directions; the outputs of the layer.

    Args:
        site: the layer.
        tape: records.
        defaults: activations of one direction.
        initial: which inputs are initial states.
        fold: gates whose two biases may be added up.
        prepare: makes a direction's step.
    """
    names, made, last = _activations(site, defaults), [], []
    for index in range(known_value(site.input(1)).shape[0]):
        bias, recurrent_bias = _biases(site, index, fold)
        steps = _projected(site, tape, index, bias)
        one = Direction(
            index=index,
            weights=np.ascontiguousarray(known_value(site.input(2))[index].T),
            bias=recurrent_bias,
            activations=tuple(names[index * len(defaults) : (index + 1) * len(defaults)]),
        )
        states = tuple(_initial(site, tape, place, index) for place in initial)
        is_reverse = index == 1 or site.attribute("direction", "forward") == "reverse"
        hidden, states = _run(prepare(one), steps[::-1] if is_reverse else steps, states)
        made.append(hidden[::-1] if is_reverse else hidden)
        last.append(states)
    return _outputs(site, tape, made, last)


def _run(
    step: Step, steps: Sequence[ir.Value], states: tuple[ir.Value, ...]
) -> tuple[list[ir.Value], tuple[ir.Value, ...]]:
    """Hidden states of each step, and the last states."""
    made = []
    for given in steps:
        states = step(given, states)
        made.append(states[0])
    return made, states


def _biases(site: Site, index: int, fold: slice) -> tuple[np.ndarray, np.ndarray]:
    """Of x times W, with what may be added up, and what is left of h times R."""
    weights, given = known_value(site.input(1)), _bias(site)
    width = weights.shape[1]
    if given is None:
        return np.zeros(width, weights.dtype), np.zeros(width, weights.dtype)
    first, second = (part.copy() for part in np.split(known_value(given)[index], 2))
    first[fold] += second[fold]
    second[fold] = 0
    return first, second


def _projected(site: Site, tape: Tape, index: int, bias: np.ndarray) -> tuple[ir.Value, ...]:
    """[steps, N, I] times W plus bias, cut into steps of [N, gates * hidden]."""
    x, weights = site.input(0), known_value(site.input(1))[index]
    if site.attribute("layout", 0):
        x = tape.op("Transpose", x, perm=[1, 0, 2])
    steps, samples, _ = known_shape(x)
    value = tape.op("MatMul", x, tape.constant(np.ascontiguousarray(weights.T)))
    if bias.any():
        value = tape.op("Add", value, tape.constant(bias))
    parts = forms.split(tape, value, 0, [1] * steps)
    return tuple(forms.reshape(tape, part, (samples, len(weights))) for part in parts)


def _initial(site: Site, tape: Tape, place: int, index: int) -> ir.Value:
    """A direction's initial state [N, hidden], zeros where none is given."""
    shape, given = known_shape(site.input(0)), site.optional(place)
    batch_first = bool(site.attribute("layout", 0))
    hidden = known_value(site.input(2)).shape[2]
    samples = shape[0] if batch_first else shape[1]
    if given is None:
        return tape.constant(np.zeros((samples, hidden)), site.input(0))
    axis = 1 if batch_first else 0
    part = forms.cut_axis(tape, given, axis, index, index + 1)
    return forms.reshape(tape, part, (samples, hidden))


def _outputs(
    site: Site,
    tape: Tape,
    made: Sequence[Sequence[ir.Value]],
    last: Sequence[Sequence[ir.Value]],
) -> tuple[ir.Value, ...]:
    """Y of all steps, and the last states, in the shapes and layout of the layer."""
    samples, hidden = known_shape(made[0][0])
    wide = []
    for pair in zip(*made, strict=True):
        parts = [tape.reshape(h, (1, 1, samples, hidden)) for h in pair]
        wide.append(forms.concat(tape, parts, 1))
    whole = forms.concat(tape, wide, 0)
    if site.attribute("layout", 0):
        whole = tape.op("Transpose", whole, perm=[2, 0, 1, 3])
    states = [_stacked(site, tape, values, samples, hidden) for values in zip(*last, strict=True)]
    return (whole, *states)[: len(site.node.outputs)]


def _stacked(
    site: Site, tape: Tape, values: Sequence[ir.Value], samples: int, hidden: int
) -> ir.Value:
    batch_first = bool(site.attribute("layout", 0))
    shape = (samples, 1, hidden) if batch_first else (1, samples, hidden)
    parts = [tape.reshape(value, shape) for value in values]
    return forms.concat(tape, parts, 1 if batch_first else 0)
