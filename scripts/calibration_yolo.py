"""Features of YOLOv5 and YOLOv8, computed from their architectures.

Source: the configuration files of ultralytics/yolov5 (v6.0 and later) and ultralytics/ultralytics
(v8): CSP blocks of bottlenecks, scaled in width and depth. `check` compares with the FLOPs that
the authors publish, two per multiply-accumulate. Convolutions are followed by SiLU, which is a
kernel of its own; in `yolov5s_relu` by ReLU, which is fused.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from calibration_networks import Conv

SIDE = 640
ANCHORS = 255
CLASSES = 80
BINS = 64


@dataclass
class Counter:
    """Adds up what layers amount to.

    Attributes:
        fused: whether activations cost nothing.
        macs: rate to MACs; 1x1 convolutions are `pointwise`.
        moved: elements that kernels read and write.
        simple: the same of elementwise kernels.
        kernels: launches.
    """

    fused: bool
    macs: dict[str, int] = field(default_factory=dict)
    moved: int = 0
    simple: int = 0
    kernels: int = 0

    def conv(self, side: int, inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> int:
        """A convolution with its activation, `side` is of its output; gives the channels."""
        layer = Conv(side, inputs, outputs, kernel, stride)
        rate = "pointwise" if kernel == 1 else layer.rate
        self.macs[rate] = self.macs.get(rate, 0) + layer.macs
        self._move(side * stride, inputs, side, outputs)
        if not self.fused:
            self.elementwise(side, outputs, 2)
        return outputs

    def last(self, side: int, inputs: int, outputs: int) -> None:
        """A 1x1 convolution without activation."""
        self.macs["pointwise"] = self.macs.get("pointwise", 0) + side**2 * inputs * outputs
        self._move(side, inputs, side, outputs)

    def copy(self, side: int, channels: int) -> int:
        """Pooling, joining: read and written."""
        self._move(side, channels, side, channels)
        return channels

    def elementwise(self, side: int, channels: int, times: int) -> None:
        """An activation or a residual."""
        self.simple += times * side**2 * channels
        self.kernels += 1

    def _move(self, before: int, inputs: int, after: int, outputs: int) -> None:
        self.moved += before**2 * inputs + after**2 * outputs
        self.kernels += 1


def _pool(net: Counter, side: int, channels: int) -> int:
    """Spatial pyramid pooling: three poolings, one after the other."""
    half = net.conv(side, channels, channels // 2)
    for _ in range(3):
        net.copy(side, half)
    return net.conv(side, net.copy(side, 4 * half), channels)


def _c3(net: Counter, side: int, inputs: int, outputs: int, times: int, add: bool) -> int:
    half = outputs // 2
    net.conv(side, inputs, half)
    net.conv(side, inputs, half)
    for _ in range(times):
        net.conv(side, half, half)
        net.conv(side, half, half, 3)
        if add:
            net.elementwise(side, half, 3)
    return net.conv(side, net.copy(side, 2 * half), outputs)


def _c2f(net: Counter, side: int, inputs: int, outputs: int, times: int, add: bool) -> int:
    half = outputs // 2
    net.conv(side, inputs, 2 * half)
    for _ in range(times):
        net.conv(side, half, half, 3)
        net.conv(side, half, half, 3)
        if add:
            net.elementwise(side, half, 3)
    return net.conv(side, net.copy(side, (2 + times) * half), outputs)


def yolov5(width: float, depth: float, *, fused: bool = False) -> Counter:
    """All layers up to the three outputs."""
    net, block = Counter(fused), _c3
    c1, c2, c3, c4, c5 = (round(width * channels) for channels in (64, 128, 256, 512, 1024))
    times = [max(1, round(depth * n)) for n in (3, 6, 9, 3)]
    net.conv(SIDE // 2, 3, c1, 6, 2)
    block(net, 160, net.conv(160, c1, c2, 3, 2), c2, times[0], True)
    block(net, 80, net.conv(80, c2, c3, 3, 2), c3, times[1], True)
    block(net, 40, net.conv(40, c3, c4, 3, 2), c4, times[2], True)
    block(net, 20, net.conv(20, c4, c5, 3, 2), c5, times[3], True)
    net.conv(20, _pool(net, 20, c5), c4)
    net.copy(40, c4)
    block(net, 40, net.copy(40, 2 * c4), c4, times[0], False)
    net.conv(40, c4, c3)
    net.copy(80, c3)
    block(net, 80, net.copy(80, 2 * c3), c3, times[0], False)
    net.conv(40, c3, c3, 3, 2)
    block(net, 40, net.copy(40, 2 * c3), c4, times[0], False)
    net.conv(20, c4, c4, 3, 2)
    block(net, 20, net.copy(20, 2 * c4), c5, times[0], False)
    for side, channels in ((80, c3), (40, c4), (20, c5)):
        net.last(side, channels, ANCHORS)
    return net


def yolov8(width: float, depth: float, most: int = 1024) -> Counter:
    """All layers up to the outputs of boxes and classes at three sizes."""
    net, block = Counter(fused=False), _c2f
    c1, c2, c3, c4, c5 = (
        round(width * min(channels, most)) for channels in (64, 128, 256, 512, 1024)
    )
    few, many = max(1, round(depth * 3)), max(1, round(depth * 6))
    net.conv(320, 3, c1, 3, 2)
    block(net, 160, net.conv(160, c1, c2, 3, 2), c2, few, True)
    block(net, 80, net.conv(80, c2, c3, 3, 2), c3, many, True)
    block(net, 40, net.conv(40, c3, c4, 3, 2), c4, many, True)
    block(net, 20, net.conv(20, c4, c5, 3, 2), c5, few, True)
    _pool(net, 20, c5)
    net.copy(40, c5)
    block(net, 40, net.copy(40, c5 + c4), c4, few, False)
    net.copy(80, c4)
    block(net, 80, net.copy(80, c4 + c3), c3, few, False)
    net.conv(40, c3, c3, 3, 2)
    block(net, 40, net.copy(40, c3 + c4), c4, few, False)
    net.conv(20, c4, c4, 3, 2)
    block(net, 20, net.copy(20, c4 + c5), c5, few, False)
    box, kind = max(16, c3 // 4, BINS), max(c3, CLASSES)
    for side, channels in ((80, c3), (40, c4), (20, c5)):
        for inner, outputs in ((box, BINS), (kind, CLASSES)):
            net.conv(side, net.conv(side, channels, inner, 3), inner, 3)
            net.last(side, inner, outputs)
    return net


NETWORKS = {
    "yolov5n": (yolov5(0.25, 1 / 3), 4.5),
    "yolov5s": (yolov5(0.5, 1 / 3), 16.5),
    "yolov5s_relu": (yolov5(0.5, 1 / 3, fused=True), 16.5),
    "yolov5m": (yolov5(0.75, 2 / 3), 49.0),
    "yolov8n": (yolov8(0.25, 1 / 3), 8.7),
    "yolov8s": (yolov8(0.5, 1 / 3), 28.6),
    "yolov8m": (yolov8(0.75, 2 / 3, 768), 78.9),
}
"""Counts, and the GFLOPs that the authors publish for 640 x 640."""


def check(name: str, net: Counter, gflops: float) -> None:
    """See that the MACs are what is published, up to what else counts as a FLOP.

    Raises:
        ValueError: when they aren't.
    """
    found = 2 * sum(net.macs.values()) / 1e9
    if not 0.93 * gflops < found <= 1.02 * gflops:
        raise ValueError(f"{name}: {found:.1f} GFLOPs counted, {gflops} published")


def rows() -> Iterator[dict[str, str]]:
    """Of the features file."""
    for name, (net, gflops) in NETWORKS.items():
        check(name, net, gflops)
        yield {
            "model": name,
            "input_shape": f"1x3x{SIDE}x{SIDE}",
            "mmac_conv1x1": f"{net.macs['pointwise'] / 1e6:.2f}",
            "mmac_winograd": f"{net.macs['winograd'] / 1e6:.2f}",
            "mmac_conv_other": f"{net.macs['spatial'] / 1e6:.2f}",
            "mmac_grouped": "0.00",
            "mmac_dwconv": "0.00",
            "mmac_fc": "0.00",
            "activation_melems": f"{net.moved / 1e6:.3f}",
            "elementwise_melems": f"{net.simple / 1e6:.3f}",
            "kernels": str(net.kernels),
            "source": "computed from the architecture, configuration files of ultralytics",
        }


if __name__ == "__main__":
    for name, (net, gflops) in NETWORKS.items():
        found = 2 * sum(net.macs.values()) / 1e9
        print(f"{name} {found:.1f} of {gflops} GFLOPs, {net.kernels} kernels")
