"""Features of torchvision's variants of networks, computed from their architectures.

Source: the papers named in calibration_networks.py, with what torchvision changes: strides of
ResNets in the 3x3 convolutions, 3x3 in place of 5x5 convolutions and no normalisation of responses
in GoogLeNet, and sides that no padding leaves in SqueezeNet. `check` compares with the GFLOPS that
torchvision's table of weights states, which are multiply-accumulates.
"""

from collections.abc import Iterator

from calibration_networks import ADD_RELU, FIRE, INCEPTION, RESNET
from calibration_yolo import Counter

SHAPE = "1x3x224x224"
CLASSES = 1000
MAX_POOLED = ((112, 64), (56, 192), (28, 480), (14, 832))
JOINED = (256, 480, 512, 512, 512, 528, 832, 832, 1024)
BRANCHES = ((64, 32), (128, 64), (192, 64), (160, 64), (128, 64), (112, 64), (256, 128),
            (256, 128), (384, 128))  # fmt: skip
"""Outputs of the first 1x1 branch, and of the one behind the pooling."""


def resnet(blocks: tuple[int, ...], width: int = 1) -> Counter:
    """Bottlenecks, the stride in the 3x3 convolutions; `width` times as many channels in those."""
    net = Counter(fused=True)
    channels = net.conv(112, 3, 64, 7, 2)
    net.copy(56, 64)
    before = 56
    for (side, base), times in zip(RESNET, blocks, strict=True):
        for block in range(times):
            narrow, wide = base * width, base * 4
            net.conv(before, channels, narrow)
            net.conv(side, narrow, narrow, 3, before // side)
            net.conv(side, narrow, wide)
            if block == 0:
                net.conv(side, channels, wide, 1, before // side)
            net.elementwise(side, wide, ADD_RELU)
            net.kernels += 1  # The activation behind the addition.
            channels, before = wide, side
    return net


def googlenet() -> Counter:
    """Inception blocks of four branches."""
    net = Counter(fused=True)
    net.conv(112, 3, 64, 7, 2)
    net.conv(56, 64, 64)
    net.conv(56, 64, 192, 3)
    for side, channels in MAX_POOLED:
        net.copy(side // 2, channels)
    channels = 192
    for (side, a, b, c, d), (first, last), joined in zip(INCEPTION, BRANCHES, JOINED, strict=True):
        net.conv(side, channels, first)
        net.conv(side, net.conv(side, channels, a), b, 3)
        net.conv(side, net.conv(side, channels, c), d, 3)
        net.conv(side, net.copy(side, channels), last)
        channels = net.copy(side, joined)
    return net


def squeezenet() -> Counter:
    """Version 1.1, fire modules of three convolutions."""
    net = Counter(fused=True)
    channels = net.conv(111, 3, 64, 3, 2)
    sides = (55, 27, 13, 13)
    for index, narrow in FIRE:
        side = sides[index]
        if index < 3:
            net.copy(side, channels)
        for _ in range(2):
            net.conv(side, channels, narrow)
            net.conv(side, narrow, 4 * narrow)
            net.conv(side, narrow, 4 * narrow, 3)
            channels = net.copy(side, 8 * narrow)
    net.conv(13, channels, CLASSES)
    return net


NETWORKS = {
    "resnet50_v1.5": (resnet((3, 4, 6, 3)), 2048, 4.09),
    "resnet101_v1.5": (resnet((3, 4, 23, 3)), 2048, 7.80),
    "wide_resnet50_2": (resnet((3, 4, 6, 3), 2), 2048, 11.40),
    "googlenet_torchvision": (googlenet(), 1024, 1.50),
    "squeezenet_v1.1": (squeezenet(), 0, 0.35),
}
"""Counts without the last matrix product, its inputs, and GMACs as torchvision states them."""


def check(name: str, gmacs: float, published: float) -> None:
    """See that they are the same, up to rounding.

    Raises:
        ValueError: when they aren't.
    """
    if abs(gmacs - published) > 0.01 + 0.005 * published:
        raise ValueError(f"{name}: {gmacs:.2f} GMACs counted, {published} published")


def rows() -> Iterator[dict[str, str]]:
    """Of the features file."""
    for name, (net, inputs, gmacs) in NETWORKS.items():
        weights = inputs * CLASSES / 1e6
        check(name, sum(net.macs.values()) / 1e9 + weights / 1e3, gmacs)
        tail = 2 if inputs else 1  # Pooling, and the matrix product.
        yield {
            "model": name,
            "input_shape": SHAPE,
            "mmac_conv1x1": f"{net.macs['pointwise'] / 1e6:.2f}",
            "mmac_winograd": f"{net.macs.get('winograd', 0) / 1e6:.2f}",
            "mmac_conv_other": f"{net.macs['spatial'] / 1e6:.2f}",
            "mmac_grouped": "0.00",
            "mmac_dwconv": "0.00",
            "mmac_fc": f"{weights:.2f}",
            "activation_melems": f"{net.moved / 1e6:.3f}",
            "elementwise_melems": f"{net.simple / 1e6:.3f}",
            "kernels": str(net.kernels + tail),
            "source": "computed from the architecture, torchvision",
        }


if __name__ == "__main__":
    for name, (net, inputs, gmacs) in NETWORKS.items():
        found = sum(net.macs.values()) / 1e9 + inputs * CLASSES / 1e9
        print(
            f"{name} {found:.2f} of {gmacs} GMACs, {net.kernels} kernels, {net.moved / 1e6:.1f} M"
        )
