"""Windows that convolutions and pooling slide over 1 to 3 spatial axes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from hetsched.backends.opencl.kernels.launch import RefusedError
from hetsched.backends.opencl.kernels.node import Node

AXES = 3
_AUTO_PADS = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Each attribute has 3 numbers; axes that the op hasn't come first.

    Attributes:
        size: of the input.
        taps: of the window.
        out: size of the output.
        stride: from one window to the next.
        dilation: from one tap to the next.
        pad: before the input.
        end: behind it.
    """

    size: tuple[int, ...]
    taps: tuple[int, ...]
    out: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    pad: tuple[int, ...]
    end: tuple[int, ...]

    @property
    def are_points(self) -> bool:
        """Whether each output looks at the one place of the input that has its index."""
        return max(*self.taps, *self.stride) == 1 and self.size == self.out

    def as_one_axis(self) -> "Windows":
        """The same places of points, which are next to each other in memory, along one axis."""
        places = (1, 1, prod(self.size))
        return replace(self, size=places, out=places)


def windows(node: Node, taps: Sequence[int], *, transposed: bool = False) -> Windows:
    """The windows of an op whose first input is (N, C, spatial...).

    Args:
        node: the op.
        taps: size of the window.
        transposed: the op's output has the place of a convolution's input.

    Raises:
        RefusedError: for other than 1 to 3 spatial axes, or attributes that don't fit them.
    """
    size, out = node.shape(0)[2:], node.shape_out[2:]
    axes = len(size)
    if not 1 <= axes <= AXES:
        raise RefusedError(f"{node.op.op_type} with {axes} spatial dimensions: 1 to {AXES}")
    stride = _numbers(node, "strides", axes)
    dilation = _numbers(node, "dilations", axes)
    if len(taps) != axes:
        raise RefusedError(f"a window of {len(taps)} dimensions over {axes}")
    large, small = (out, size) if transposed else (size, out)
    pad, end = _pads(node, large, small, taps, stride, dilation)
    return Windows(
        size=_filled(size, 1), taps=_filled(taps, 1), out=_filled(out, 1),
        stride=_filled(stride, 1), dilation=_filled(dilation, 1),
        pad=_filled(pad, 0), end=_filled(end, 0),
    )  # fmt: skip


def _numbers(node: Node, name: str, axes: int) -> tuple[int, ...]:
    found = node.list(name) or (1,) * axes
    if len(found) != axes:
        raise RefusedError(f"{name}={list(found)} over {axes} spatial dimensions")
    return found


def _pads(
    node: Node,
    large: Sequence[int],
    small: Sequence[int],
    taps: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Pads at the begin and at the end of each axis."""
    axes = len(taps)
    auto = node.number("auto_pad", "NOTSET")
    if auto not in _AUTO_PADS:
        raise RefusedError(f"auto_pad={auto!r}")
    if auto == "NOTSET" and node.list("output_shape") is None:
        pads = node.list("pads") or (0,) * (2 * axes)
        if len(pads) != 2 * axes or min(pads) < 0:
            raise RefusedError(f"pads={list(pads)} over {axes} spatial dimensions")
        return pads[:axes], pads[axes:]
    if auto == "VALID":
        return (0,) * axes, (0,) * axes
    # Source: ONNX operator specification of Conv and ConvTranspose, auto_pad and output_shape.
    more_out = node.list("output_padding") or (0,) * axes
    rows = zip(large, small, taps, stride, dilation, more_out, strict=True)
    total = [
        max((few - 1) * step + (count - 1) * apart + 1 + extra - many, 0)
        for many, few, count, step, apart, extra in rows
    ]
    less, more = tuple(pad // 2 for pad in total), tuple(pad - pad // 2 for pad in total)
    return (less, more) if auto == "SAME_UPPER" else (more, less)


def _filled(numbers: Sequence[int], with_: int) -> tuple[int, ...]:
    return (with_,) * (AXES - len(numbers)) + tuple(numbers)
