"""A dilated convolution to a plain one over every d-th place: space to batch, and back.

With dilation d, output j reads places j, j + d, ...: all of the same phase. So the input's phases
become samples of a batch, which a plain convolution takes one by one.

Handled: stride 1, every dilation, pads, groups, any number of spatial axes.
Refused: other strides, `auto_pad` SAME, weights known only at run time, unknown shapes.
"""

import onnx_ir as ir

from hetsched.convert.rules import convolution, forms
from hetsched.convert.rules.rule import Rule, Site, known_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := convolution.reason(site)) is not None:
        return why
    found = convolution.window(site)
    if all(dilation == 1 for dilation in found.dilations):
        return "it isn't dilated"
    return None if all(stride == 1 for stride in found.strides) else "its stride isn't 1"


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Pad, Reshape, Transpose, Reshape, Conv, Reshape, Transpose, Reshape, Slice."""
    shape, out, found = known_shape(site.input(0)), known_shape(site.output), _even(site)
    value = forms.pad(tape, site.input(0), found.full)
    value = _to_batch(tape, value, found.dilations)
    value = tape.op(
        "Conv", value, site.input(1), *convolution.bias(site), group=site.attribute("group", 1),
        kernel_shape=list(found.kernel),
    )  # fmt: skip
    value = _from_batch(tape, value, shape[0], found.dilations)
    for axis, size in enumerate(out[2:], start=2):
        value = forms.cut_axis(tape, value, axis, 0, size)
    return value


def _even(site: Site) -> convolution.Window:
    """The window, padded at the end so that the dilation divides the size."""
    found, sizes = convolution.window(site), known_shape(site.input(0))[2:]
    after = tuple(
        pad + (-(size + before + pad)) % dilation
        for size, before, pad, dilation in zip(
            sizes, found.before, found.after, found.dilations, strict=True
        )
    )
    return convolution.Window(
        kernel=found.kernel, strides=found.strides, dilations=found.dilations,
        before=found.before, after=after,
    )  # fmt: skip


def _to_batch(tape: Tape, value: ir.Value, dilations: tuple[int, ...]) -> ir.Value:
    """[N, C, H * d, ...] to [d... * N, C, H, ...]."""
    shape, rank = known_shape(value), len(dilations)
    sizes = [size // d for size, d in zip(shape[2:], dilations, strict=True)]
    pairs = [x for pair in zip(sizes, dilations, strict=True) for x in pair]
    split = tape.reshape(value, (*shape[:2], *pairs))
    phases, places = [3 + 2 * i for i in range(rank)], [2 + 2 * i for i in range(rank)]
    turned = tape.op("Transpose", split, perm=[*phases, 0, 1, *places])
    return tape.reshape(turned, (-1, shape[1], *sizes))


def _from_batch(tape: Tape, value: ir.Value, samples: int, dilations: tuple[int, ...]) -> ir.Value:
    """[d... * N, C, H, ...] to [N, C, H * d, ...]."""
    shape, rank = known_shape(value), len(dilations)
    split = tape.reshape(value, (*dilations, samples, *shape[1:]))
    pairs = [x for i in range(rank) for x in (rank + 2 + i, i)]
    turned = tape.op("Transpose", split, perm=[rank, rank + 1, *pairs])
    sizes = [size * d for size, d in zip(shape[2:], dilations, strict=True)]
    return tape.reshape(turned, (samples, shape[1], *sizes))


RULE = Rule(
    name="dilated-conv", ops=("Conv",),
    makes="Reshape, Transpose, Reshape, Conv, Reshape, Transpose, Reshape",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
