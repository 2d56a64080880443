"""Make hetsched/cost/data/*.csv from tables of published latencies and of model features.

    scripts/calibration_data.py LATENCY.csv MODELS.csv LATENCY_AIHUB.csv

Kept are measured rows of good quality whose model has features: all rows of the SoCs that have a
profile or lend one their rates, and ncnn's rows of all others, from which calibration_priors.py
learns what units have in common. Traffic and kernel counts of scaled MobileNets, which no published
graph gives, are computed from the architecture (arXiv 1704.04861, 1801.04381); at full scale they
are within 6% of the counts of the published ncnn graphs. What kinds of k x k convolutions there
are, and the traffic of elementwise kernels, is in calibration_networks.py; YOLOv5 and v8, which no
published graph gives either, are in calibration_yolo.py, torchvision's variants in
calibration_torch.py. Of Qualcomm's AI Hub, whose rows don't state a shape, the networks that it
takes from torchvision are kept, where every layer ran on the same unit.
"""

import csv
import re
import sys
from pathlib import Path

from calibration_networks import elementwise, split
from calibration_torch import SHAPE as TORCH_SHAPE
from calibration_torch import rows as torch_rows
from calibration_yolo import rows as yolo_rows

OUT = Path(__file__).parent.parent / "hetsched" / "cost" / "data"
SOCS = frozenset(
    {
        "dimensity-9300",
        "jetson-agx-xavier",
        "kirin-810",
        "kirin-990",
        "mediatek-mt8168",
        "raspberry-pi-4b",
        "rk3566",
        "rk3568",
        "rk3588",
        "rk3588s",
        "snapdragon-8-gen-2",
        "snapdragon-845",
        "snapdragon-855-plus",
        "snapdragon-888",
    }
)
# Other names of the same networks, and what is computed under another name.
ALIASES = {
    "inception_v1": "googlenet_inception_v1",
    "mnasnet_1.0": "mnasnet",
    "mobilenetv2-12": "mobilenet_v2",
    "resnet50-v2-7": "resnet50_v2",
}
HUB_SOCS = {"snapdragon-8-gen-2-qcs8550": "snapdragon-8-gen-2"}
HUB = {
    "efficientnet_b0": "efficientnet_b0",
    "googlenet": "googlenet_torchvision",
    "mobilenet_v2": "mobilenet_v2",
    "mobilenet_v3_large": "mobilenet_v3_large",
    "resnet18": "resnet18",
    "resnet50": "resnet50_v1.5",
    "resnet101": "resnet101_v1.5",
    "shufflenet_v2": "shufflenet_v2_1.0",
    "squeezenet1_1": "squeezenet_v1.1",
    "wideresnet50": "wide_resnet50_2",
}
"""Torchvision's classifiers, 224 x 224, under our names."""
HUB_FRAMEWORKS = ("aihub-tflite", "aihub-qnn_dlc")
WHOLE = re.compile(r"layers total (\d+) npu \1 ")
NHWC = re.compile(r"^1x(\d+)x(\d+)x3$")
WORK = ("mmac_conv1x1", "mmac_conv_other", "mmac_dwconv", "mmac_fc")
FEATURES = (
    "model",
    "input_shape",
    "mmac_conv1x1",
    "mmac_winograd",
    "mmac_conv_other",
    "mmac_grouped",
    "mmac_dwconv",
    "mmac_fc",
    "activation_melems",
    "elementwise_melems",
    "kernels",
    "source",
)
KEY = ("soc", "unit", "framework", "threads", "dtype", "model", "input_shape", "core", "measured")
ROWS = (*KEY[:7], "ms", *KEY[7:], "source")


class Net:
    """Counts what layers read and write, in elements, and the layers."""

    def __init__(self, side: int) -> None:
        self.channels, self.side, self.elements, self.kernels = 3, side, 0, 0
        self.elementwise = 0

    def layer(self, channels: int, stride: int = 1) -> None:
        """A convolution of any kind."""
        before = self.channels * self.side**2
        self.side = -(-self.side // stride)
        self.channels = channels
        self.elements += before + channels * self.side**2
        self.kernels += 1

    def add(self) -> None:
        """A residual: two read, one written."""
        self.elements += 3 * self.channels * self.side**2
        self.elementwise += 3 * self.channels * self.side**2
        self.kernels += 1

    def classify(self) -> tuple[float, float, int]:
        """Pooling, a dense layer, softmax.

        Returns:
            Melements, those of elementwise kernels among them, and kernels of the whole.
        """
        self.layer(self.channels, self.side)
        self.elements += self.channels + 3 * 1000
        return self.elements / 1e6, self.elementwise / 1e6, self.kernels + 2


def mobilenet_v1(width: float, side: int) -> tuple[float, float, int]:
    """As `Net.classify`."""
    net = Net(side)
    net.layer(int(32 * width), 2)
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5]
    for channels, stride in [*plan, (1024, 2), (1024, 1)]:
        net.layer(net.channels, stride)
        net.layer(int(channels * width))
    return net.classify()


def _wide(channels: float) -> int:
    """Multiple of 8, at most 10% less."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def mobilenet_v2(width: float, side: int) -> tuple[float, float, int]:
    """As `Net.classify`."""
    net = Net(side)
    net.layer(_wide(32 * width), 2)
    blocks = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1)]
    for factor, channels, times, first in [*blocks, (6, 160, 3, 2), (6, 320, 1, 1)]:
        for index in range(times):
            inner = net.channels * factor
            if factor > 1:
                net.layer(inner)
            net.layer(inner, first if index == 0 else 1)
            net.layer(_wide(channels * width))
            if index:
                net.add()
    net.layer(max(1280, _wide(1280 * width)))
    return net.classify()


def resnet50_v2() -> dict[str, str]:
    """ResNet-50 of the second kind (arXiv 1603.05027), the stride in the 3x3 convolutions.

    A block's first normalisation has a kernel of its own: no convolution is right before it.
    """
    net = Net(224)
    net.layer(64, 2)
    pointwise, spatial = 0, 64 * 3 * 49 * 112**2
    net.layer(64, 2)
    for blocks, narrow, first in ((3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)):
        for block in range(blocks):
            stride = first if block == 0 else 1
            before, side = net.channels, net.side
            net.layer(before)
            net.layer(narrow)
            net.layer(narrow, stride)
            net.layer(4 * narrow)
            net.add()
            area = net.side**2
            pointwise += narrow * before * side**2 + 4 * narrow * narrow * area
            spatial += 9 * narrow * narrow * area
            if block == 0:
                net.kernels += 1
                net.elements += before * side**2 + 4 * narrow * area
                pointwise += 4 * narrow * before * area
    melements, simple, kernels = net.classify()
    work = (pointwise / 1e6, spatial / 1e6, 0.0, 2.05)
    return {
        "model": "resnet50_v2",
        "input_shape": "1x3x224x224",
        **{name: f"{value:.2f}" for name, value in zip(WORK, work, strict=True)},
        **dict(split("resnet50_v2", work[1])),
        "activation_melems": f"{melements - simple:.3f}",
        "elementwise_melems": f"{simple:.3f}",
        "kernels": str(kernels),
        "source": "computed from the architecture, arXiv 1603.05027",
    }


def features(path: Path) -> list[dict[str, str]]:
    """Rows of the features file."""
    found = [resnet50_v2(), *yolo_rows(), *torch_rows()]
    for row in csv.DictReader(path.open(encoding="utf-8")):
        model, shape = row["model"], row["input_shape"]
        traffic, kernels = row["activation_melems_rw"], row["op_count"]
        simple = elementwise(model, shape) / 1e6
        if not row["mmac_conv1x1"]:
            continue
        if not traffic and model.startswith(("mobilenet_v1", "mobilenet_v2")):
            parts, side = model.split("_"), int(shape.split("x")[2])
            count = mobilenet_v1 if parts[1] == "v1" else mobilenet_v2
            melements, simple, number = count(float(parts[2]) if len(parts) > 2 else 1.0, side)
            traffic, kernels = f"{melements:.3f}", str(number)
        if traffic:
            kept = {key: row[key] for key in ("model", "input_shape", *WORK, "source")}
            kept |= dict(split(model, float(row["mmac_conv_other"])))
            kept["activation_melems"] = f"{float(traffic) - simple:.3f}"
            kept["elementwise_melems"] = f"{simple:.3f}"
            found.append({**kept, "kernels": kernels})
    return found


def rows(path: Path, known: set[tuple[str, str]]) -> list[dict[str, str]]:
    """Rows of the measurements file."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for row in csv.DictReader(path.open(encoding="utf-8")):
        row["unit"] = row["unit_or_backend"]
        row["model"] = ALIASES.get(row["model"], row["model"])
        row["input_shape"] = NHWC.sub(r"1x3x\1x\2", row["input_shape"])
        usable = row["quality"] == "ok" and row["verified"] == "y" and row["dtype"] != ""
        usable = usable and (row["soc"] in SOCS or row["framework"] == "ncnn")
        if usable and (row["model"], row["input_shape"]) in known:
            kept = {key: row[key] for key in ROWS}
            found.setdefault(tuple(kept[key] for key in KEY), kept)
    return [found[key] for key in sorted(found)]


def hub_rows(path: Path) -> list[dict[str, str]]:
    """Rows of networks that ran on the NPU as a whole."""
    found = []
    for row in csv.DictReader(path.open(encoding="utf-8")):
        usable = row["soc"] in HUB_SOCS and row["model"] in HUB and row["dtype"] in ("fp16", "int8")
        usable = usable and row["framework"] in HUB_FRAMEWORKS and row["verified"] == "y"
        if usable and WHOLE.search(row["notes"]):
            row |= {"soc": HUB_SOCS[row["soc"]], "model": HUB[row["model"]]}
            row |= {"unit": row["unit_or_backend"], "input_shape": TORCH_SHAPE}
            found.append({key: row[key] for key in ROWS})
    return found


def write(name: str, columns: tuple[str, ...], content: list[dict[str, str]]) -> None:
    """One file."""
    with (OUT / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(content)
    print(name, len(content))


if __name__ == "__main__":
    models = features(Path(sys.argv[2]))
    write("features.csv", FEATURES, models)
    pairs = {(row["model"], row["input_shape"]) for row in models}
    known = rows(Path(sys.argv[1]), pairs) + hub_rows(Path(sys.argv[3]))
    write("latency.csv", ROWS, sorted(known, key=lambda row: [row[key] for key in KEY]))
