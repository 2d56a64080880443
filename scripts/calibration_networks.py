"""What published counts of networks don't tell: which k x k convolutions, and elementwise kernels.

The counts in models.csv have one number for all k x k convolutions. Here is each of them, so that
those that Winograd's method serves can be told from the others, and the traffic of elementwise
kernels that ncnn doesn't fuse. `check` sees that the convolutions add up to the published count.

Source: the architectures' papers (AlexNet: NIPS 2012; VGG: arXiv 1409.1556; GoogLeNet: 1409.4842;
ResNet: 1512.03385, 1603.05027; SqueezeNet: 1602.07360; MobileNet: 1704.04861, 1801.04381,
1905.02244; MnasNet: 1807.11626; ProxylessNAS: 1812.00332; EfficientNet: 1905.11946, 2104.00298;
RegNet: 2003.13678; ShuffleNet: 1707.01083; YOLOv4-tiny: 2011.08036), and for heads of detectors the
graphs in ncnn's benchmark folder.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hetsched.cost.analytic_class import spatial_rate


@dataclass(frozen=True)
class Conv:
    """A k x k convolution; `side` is of its output."""

    side: int
    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    groups: int = 1

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.side**2 * self.kernel**2 * self.inputs * self.outputs // self.groups

    @property
    def rate(self) -> str:
        """The rate of a profile that it is costed with."""
        return spatial_rate(
            kernel=(self.kernel, self.kernel),
            strides=(self.stride, self.stride),
            dilations=(1, 1),
            inputs=self.inputs // self.groups,
            outputs=self.outputs // self.groups,
            groups=self.groups,
        )


def stem(side: int, channels: int, kernel: int = 3) -> Conv:
    """The first layer, three channels in."""
    return Conv(side, 3, channels, kernel, 2)


VGG = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
VGG_SIDES = (224, 224, 112, 112, 56, 56, 56, 28, 28, 28, 14, 14, 14)
RESNET = ((56, 64), (28, 128), (14, 256), (7, 512))
RESNET50 = (3, 4, 6, 3)
INCEPTION = (
    (28, 96, 128, 16, 32), (28, 128, 192, 32, 96), (14, 96, 208, 16, 48), (14, 112, 224, 24, 64),
    (14, 128, 256, 24, 64), (14, 144, 288, 32, 64), (14, 160, 320, 32, 128), (7, 160, 320, 32, 128),
    (7, 192, 384, 48, 128),
)  # fmt: skip
"""Side, 3x3 in and out, 5x5 in and out."""
FIRE = ((0, 16), (1, 32), (2, 48), (3, 64))
SSD_HEADS = ((37, 256, 16, 84), (18, 512, 24, 126), (9, 768, 24, 126), (4, 768, 24, 126),
             (2, 256, 24, 126), (1, 128, 16, 84))  # fmt: skip
YOLO = ((104, 64, 64), (104, 32, 32), (104, 32, 32), (52, 128, 128), (52, 64, 64), (52, 64, 64),
        (26, 256, 256), (26, 128, 128), (26, 128, 128), (13, 512, 512), (13, 256, 512),
        (26, 384, 256))  # fmt: skip
REGNET = ((56, 48, 1), (28, 104, 3), (14, 208, 6), (7, 440, 6))
"""Side, width, blocks; groups of 8 channels."""


def _fires(sides: tuple[int, ...]) -> list[Conv]:
    return [Conv(sides[i], narrow, 4 * narrow) for i, narrow in FIRE for _ in range(2)]


def _resnet18() -> list[Conv]:
    found = [stem(112, 64, 7)]
    for index, (side, channels) in enumerate(RESNET):
        found += [Conv(side, channels, channels)] * (4 if index == 0 else 3)
        if index:
            found.append(Conv(side, channels // 2, channels, stride=2))
    return found


def _regnet() -> list[Conv]:
    found = [stem(112, 32)]
    for side, width, blocks in REGNET:
        for block in range(blocks):
            stride = 2 if block == 0 else 1
            found.append(Conv(side, width, width, 3, stride, width // 8))
    return found


CONVOLUTIONS: dict[str, list[Conv]] = {
    "alexnet": [
        Conv(55, 3, 96, 11, 4), Conv(27, 96, 256, 5, groups=2), Conv(13, 256, 384),
        Conv(13, 384, 384, groups=2), Conv(13, 384, 256, groups=2),
    ],
    "vgg16": [
        Conv(side, before, channels)
        for side, before, channels in zip(VGG_SIDES, (3, *VGG), VGG, strict=False)
    ],
    "googlenet_inception_v1": [
        stem(112, 64, 7), Conv(56, 64, 192),
        *(Conv(side, a, b) for side, a, b, _, _ in INCEPTION),
        *(Conv(side, a, b, 5) for side, _, _, a, b in INCEPTION),
    ],
    "resnet18": _resnet18(),
    # The strides are in the 1x1 convolutions, as in the first publication.
    "resnet50": [
        stem(112, 64, 7),
        *(
            Conv(side, c, c)
            for (side, c), n in zip(RESNET, RESNET50, strict=True)
            for _ in range(n)
        ),
    ],
    "resnet50_v2": [
        stem(112, 64, 7),
        *(
            Conv(side, c, c, stride=2 if block == 0 and c > 64 else 1)
            for (side, c), n in zip(RESNET, RESNET50, strict=True)
            for block in range(n)
        ),
    ],
    "squeezenet_v1.1": [stem(113, 64), *_fires((56, 28, 14, 14))],
    "squeezenet_ssd": [
        stem(149, 64), *_fires((74, 37, 18, 18)), Conv(9, 96, 384), Conv(4, 96, 384),
        Conv(2, 128, 256, stride=2), Conv(1, 64, 128, stride=2),
        *(Conv(side, c, out) for side, c, *heads in SSD_HEADS for out in heads),
    ],
    "yolov4-tiny": [stem(208, 32), Conv(104, 32, 64, stride=2), *(Conv(*c) for c in YOLO)],
    "efficientnetv2_b0": [
        stem(112, 32), Conv(112, 32, 16), Conv(56, 16, 64, stride=2), Conv(56, 32, 128),
        Conv(28, 32, 128, stride=2), Conv(28, 48, 192),
    ],
    "regnety_400m": _regnet(),
}  # fmt: skip
"""All k x k convolutions. Networks that aren't here have only a first layer with a stride, or extra
layers with strides, of that kind."""


def check(model: str, mmac_published: float) -> None:
    """See that the convolutions add up to what was counted in the published graph.

    Raises:
        ValueError: when they don't.
    """
    if model in CONVOLUTIONS:
        mmac = sum(conv.macs for conv in CONVOLUTIONS[model]) / 1e6
        if abs(mmac - mmac_published) > 0.02:
            raise ValueError(f"{model}: {mmac:.2f} MMAC of k x k, published {mmac_published:.2f}")


def spatial_mmac(model: str, mmac_published: float) -> dict[str, float]:
    """The published count of k x k convolutions by rate: `winograd`, `spatial`, `grouped`."""
    check(model, mmac_published)
    found = {"winograd": 0.0, "spatial": 0.0, "grouped": 0.0}
    for conv in CONVOLUTIONS.get(model, []):
        found[conv.rate] += conv.macs / 1e6
    found["spatial"] = mmac_published - found["winograd"] - found["grouped"]
    return found


Tensors = Iterable[tuple[int, int, int]]
"""Side, channels, and how often an elementwise kernel reads or writes it."""
SWISH, SCALE, ADD, ADD_RELU = 2, 2, 3, 5


def _inverted(
    blocks: Iterable[tuple[int, int, int, int, int]], side: int, channels: int
) -> Tensors:
    """Inverted bottlenecks with swish and squeeze-and-excitation.

    Args:
        blocks: expansion, stride, channels, times, and whether to scale (1 or 0).
        side: before them.
        channels: before them.
    """
    for factor, first, wide, times, scale in blocks:
        for index in range(times):
            inner = channels * factor
            if factor > 1:
                yield side, inner, SWISH
            side //= first if index == 0 else 1
            yield side, inner, SWISH + SCALE * scale
            if index:
                yield side, wide, ADD
            channels = wide


def _adds(side: int, *stages: tuple[int, int, int]) -> Tensors:
    """Residual additions: (input side / this, channels, how many)."""
    return [(side // stride, channels, ADD * times) for stride, channels, times in stages]


MOBILENET_V2 = ((4, 24, 1), (8, 32, 2), (16, 64, 3), (16, 96, 2), (32, 160, 2))
B0 = ((1, 1, 16, 1, 1), (6, 2, 24, 2, 1), (6, 2, 40, 2, 1), (6, 2, 80, 3, 1), (6, 1, 112, 3, 1),
      (6, 2, 192, 4, 1), (6, 1, 320, 1, 1))  # fmt: skip
V2_B0 = ((4, 2, 96, 3, 1), (6, 1, 112, 5, 1), (6, 2, 192, 8, 1))
V3_LARGE = (
    (112, 16, 5), (112, 16, 3), (56, 24, 3), (28, 72, 4), (28, 120, 8), (28, 40, 6), (28, 240, 2),
    (14, 240, 2), (14, 200, 4), (14, 184, 8), (14, 80, 9), (14, 480, 6), (14, 672, 6), (14, 112, 3),
    (14, 672, 2), (7, 672, 6), (14, 672, 2), (7, 160, 6), (7, 960, 14),
)  # fmt: skip


BLAZE = ((64, 24, 2), (64, 52, 5), (32, 110, 5), (16, 408, 5), (8, 480, 5))
"""First activation, and channels of all blocks with the same side together."""


def elementwise(model: str, shape: str) -> float:
    """Elements that elementwise kernels of a network read and write."""
    return float(
        sum(side**2 * channels * times for side, channels, times in _tensors(model, shape))
    )


def _tensors(model: str, shape: str) -> Tensors:
    side = int(shape.split("x")[2])
    if model == "resnet18":
        return [(a, c, ADD_RELU * 2) for a, c in RESNET]
    if model == "resnet50":
        return [(a, 4 * c, ADD_RELU * n) for (a, c), n in zip(RESNET, RESNET50, strict=True)]
    if model == "regnety_400m":
        return [(a, c, (SCALE + ADD_RELU) * n) for a, c, n in REGNET]
    if model == "shufflenet_v1":
        return [(28, 240, ADD_RELU * 3), (14, 480, ADD_RELU * 7), (7, 960, ADD_RELU * 3)]
    if model == "blazeface":
        return BLAZE
    if model == "FastestDet":
        return [(22, 96, ADD_RELU)]
    return _mobile(model, side)


def _mobile(model: str, side: int) -> Tensors:
    if model in ("mobilenet_v2", "mobilenetv2_yolov3"):
        return _adds(side, *MOBILENET_V2)
    if model == "mnasnet":
        return _adds(side, (4, 24, 2), (8, 40, 2), (16, 80, 2), (16, 96, 1), (32, 192, 3))
    if model == "proxylessnasnet":
        return _adds(side, (4, 32, 1), (8, 40, 3), (16, 80, 3), (16, 96, 3), (32, 192, 3))
    if model == "mobilenet_v3_large":
        return V3_LARGE
    if model == "efficientnet_b0":
        return [(112, 32, SWISH), *_inverted(B0, 112, 32), (7, 1280, SWISH)]
    if model == "efficientnetv2_b0":
        fused = [(112, 32, SWISH), (112, 16, SWISH), (56, 64, SWISH), (56, 128, SWISH)]
        fused += [(56, 32, ADD), (28, 128, SWISH), (28, 192, SWISH), (28, 48, ADD)]
        return [*fused, *_inverted(V2_B0, 28, 48), (7, 1280, SWISH)]
    return ()


def split(model: str, mmac_other: float) -> Iterator[tuple[str, str]]:
    """Cells of the features file for the published count of k x k convolutions."""
    found = spatial_mmac(model, mmac_other)
    yield "mmac_winograd", f"{found['winograd']:.2f}"
    yield "mmac_conv_other", f"{found['spatial']:.2f}"
    yield "mmac_grouped", f"{found['grouped']:.2f}"
