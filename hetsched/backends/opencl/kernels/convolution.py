"""Conv and ConvTranspose."""

from hetsched.backends.opencl.kernels.launch import Launch, Lowered, RefusedError
from hetsched.backends.opencl.kernels.node import Node
from hetsched.backends.opencl.kernels.windows import windows


def conv(node: Node) -> Lowered:
    """Conv: input (N, groups * C, spatial...), weight (M, C, taps...)."""
    maps, channels = node.shape(1)[:2]
    return _launch(node, "conv", channels, maps)


def conv_transpose(node: Node) -> Lowered:
    """ConvTranspose: input (N, groups * C, spatial...), weight (groups * C, M / groups, taps)."""
    groups = node.number("group", 1)
    total, each = node.shape(1)[:2]
    return _launch(node, "conv_transpose", total // groups, groups * each)


def _launch(node: Node, kernel: str, channels: int, maps: int) -> Lowered:
    groups = node.number("group", 1)
    if groups < 1 or maps % groups or node.shape(0)[1] != channels * groups:
        raise RefusedError(
            f"{node.shape(0)[1]} channels and {maps} maps in {groups} groups of {channels} channels"
        )
    found = windows(node, node.shape(1)[2:], transposed=kernel == "conv_transpose")
    has_bias = node.has(2)
    table = (
        channels, maps, groups, int(has_bias), *found.size, *found.taps, *found.out,
        *found.stride, *found.dilation, *found.pad,
    )  # fmt: skip
    return Lowered(
        launches=(
            Launch(
                source="conv", kernel=kernel, items=node.items, writes=node.output,
                args=(node.name(0), node.name(1), node.name(2 if has_bias else 1), node.output,
                      table),
            ),
        )
    )  # fmt: skip
