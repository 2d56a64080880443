"""A convolution with a large kernel to the sum of convolutions with parts of it.

Each part reads the padded input from where it lies in the kernel. Kernels over 8 become parts of up
to 8, others over 3 parts of up to 3: limits that accelerators have.

Handled: every stride, dilation, pad, group and rank, stored weights.
Refused: kernels of up to 3, more than 64 parts, weights known only at run time, `auto_pad` SAME,
unknown shapes.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import convolution, forms
from hetsched.convert.rules.convolution import Window
from hetsched.convert.rules.rule import Rule, Site, known_shape, known_value
from hetsched.convert.rules.tape import Tape

_LARGE, _SMALL, _MOST = 8, 3, 64


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := convolution.reason(site)) is not None:
        return why
    kernel = convolution.window(site).kernel
    if max(kernel, default=0) <= _SMALL:
        return f"its kernel isn't over {_SMALL}"
    count = len(list(_parts(kernel)))
    return f"it would take {count} convolutions" if count > _MOST else None


def _parts(kernel: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    limit = _LARGE if max(kernel) > _LARGE else _SMALL
    return product(
        *([slice(at, min(at + limit, taps)) for at in range(0, taps, limit)] for taps in kernel)
    )


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Pad, a Slice and a Conv per part, Add."""
    found, weights = convolution.window(site), known_value(site.input(1))
    padded = forms.pad(tape, site.input(0), found.full)
    total: ir.Value | None = None
    for part in _parts(found.kernel):
        # the bias goes with the first part
        extra = convolution.bias(site) if total is None else []
        kernel = tape.constant(np.ascontiguousarray(weights[(slice(None), slice(None), *part)]))
        made = tape.op(
            "Conv", _read(site, tape, padded, found, part), kernel, *extra,
            strides=list(found.strides), dilations=list(found.dilations),
            group=site.attribute("group", 1), kernel_shape=[p.stop - p.start for p in part],
        )  # fmt: skip
        total = made if total is None else tape.op("Add", total, made)
    assert total is not None
    return total


def _read(
    site: Site, tape: Tape, padded: ir.Value, found: Window, part: tuple[slice, ...]
) -> ir.Value:
    """What a part of the kernel reads of the padded input."""
    out, shape = known_shape(site.output)[2:], known_shape(padded)[2:]
    starts = [p.start * d for p, d in zip(part, found.dilations, strict=True)]
    ends = [
        start + (size - 1) * stride + (p.stop - 1 - p.start) * dilation + 1
        for start, size, stride, p, dilation in zip(
            starts, out, found.strides, part, found.dilations, strict=True
        )
    ]
    cut = [i for i, size in enumerate(shape) if (starts[i], ends[i]) != (0, size)]
    if not cut:
        return padded
    first, last = ([numbers[i] for i in cut] for numbers in (starts, ends))
    return forms.cut(tape, padded, first, last, [2 + i for i in cut])


RULE = Rule(
    name="conv-kernel", ops=("Conv",), makes="Pad, Slice, smaller Convs, Add",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
