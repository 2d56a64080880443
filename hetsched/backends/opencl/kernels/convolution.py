"""Conv and ConvTranspose."""

from math import prod

from hetsched.backends.opencl.kernels.launch import SHARE, WIDE, Launch, Lowered, RefusedError
from hetsched.backends.opencl.kernels.node import Node
from hetsched.backends.opencl.kernels.windows import Windows, windows


def conv(node: Node) -> Lowered:
    """Conv: input (N, groups * C, spatial...), weight (M, C, taps...)."""
    maps, channels = node.shape(1)[:2]
    groups = _groups(node, channels, maps)
    found = windows(node, node.shape(1)[2:])
    found = found.as_one_axis() if found.are_points else found
    each = 1 if maps < SHARE * groups else SHARE
    shares = node.shape(0)[0] * groups * -(-(maps // groups) // each)
    items = shares * prod(found.out[:-1]) * -(-found.out[-1] // WIDE)
    return _launch(node, f"conv{each}", (channels, maps, groups), found, items)


def conv_transpose(node: Node) -> Lowered:
    """ConvTranspose: input (N, groups * C, spatial...), weight (groups * C, M / groups, taps)."""
    groups = node.number("group", 1)
    channels, maps = node.shape(1)[0] // max(1, groups), node.shape(1)[1] * groups
    _groups(node, channels, maps)
    found = windows(node, node.shape(1)[2:], transposed=True)
    return _launch(node, "conv_transpose", (channels, maps, groups), found, node.items)


def _groups(node: Node, channels: int, maps: int) -> int:
    """In how many groups the channels and the maps are.

    Raises:
        RefusedError: when they can't be.
    """
    groups, given = node.number("group", 1), node.shape(0)[1]
    if groups < 1 or maps % groups or given != channels * groups:
        raise RefusedError(
            f"{given} channels and {maps} maps in {groups} groups of {channels} channels"
        )
    return groups


def _launch(
    node: Node, kernel: str, sizes: tuple[int, int, int], found: Windows, items: int
) -> Lowered:
    has_bias = node.has(2)
    table = (
        *sizes, int(has_bias), *found.size, *found.taps, *found.out, *found.stride,
        *found.dilation, *found.pad,
    )  # fmt: skip
    bias = node.name(2 if has_bias else 1)
    launch = Launch(
        source="conv", kernel=kernel, items=items, writes=node.output,
        args=(node.name(0), node.name(1), bias, node.output, table),
    )  # fmt: skip
    return Lowered(launches=(launch,))
