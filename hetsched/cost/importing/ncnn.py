"""ncnn: the table that `benchncnn` prints, one line per network, in milliseconds.

Above each table stand its settings: `num_threads`, `powersave` (0 all cores, 1 little, 2 big),
`gpu_device` (-1 for the CPU, else Vulkan). The time is the mean, the band goes from min to max.
benchncnn prints no input shapes; those of its own networks are known.

Source: ncnn's benchmark/README.md and outputs in its issues; networks as in benchncnn's `main`.
"""

import re
from dataclasses import replace

from hetsched.cost.importing.blocks import Block, choose
from hetsched.cost.importing.numbers import spread_ns
from hetsched.cost.importing.record import ImportedCost, Text, Wanted
from hetsched.errors import CostError

NAME = "ncnn"
_SETTING = re.compile(
    r"^(loop_count|num_threads|powersave|gpu_device|cooling_down) = (-?\d{1,9})\s*$"
)
_ROW = re.compile(r"^\s*(\S+)\s+min =\s*(\S+)\s+max =\s*(\S+)\s.*?\bavg =\s*(\S+)")
_CORES = {"0": "all cores", "1": "little cores", "2": "big cores"}
_TICK_NS = 10_000

NETWORKS = {
    "squeezenet": ("squeezenet_v1.1", "1x3x227x227"),
    "mobilenet": ("mobilenet_v1", "1x3x224x224"),
    "mobilenet_v2": ("mobilenet_v2", "1x3x224x224"),
    "mobilenet_v3": ("mobilenet_v3_large", "1x3x224x224"),
    "shufflenet": ("shufflenet_v1", "1x3x224x224"),
    "shufflenet_v2": ("shufflenet_v2_1.0", "1x3x224x224"),
    "mnasnet": ("mnasnet", "1x3x224x224"),
    "proxylessnasnet": ("proxylessnasnet", "1x3x224x224"),
    "efficientnet_b0": ("efficientnet_b0", "1x3x224x224"),
    "efficientnetv2_b0": ("efficientnetv2_b0", "1x3x224x224"),
    "regnety_400m": ("regnety_400m", "1x3x224x224"),
    "blazeface": ("blazeface", "1x3x128x128"),
    "googlenet": ("googlenet_inception_v1", "1x3x224x224"),
    "resnet18": ("resnet18", "1x3x224x224"),
    "alexnet": ("alexnet", "1x3x227x227"),
    "vgg16": ("vgg16", "1x3x224x224"),
    "resnet50": ("resnet50", "1x3x224x224"),
    "squeezenet_ssd": ("squeezenet_ssd", "1x3x300x300"),
    "mobilenet_ssd": ("mobilenet_ssd", "1x3x300x300"),
    "mobilenet_yolo": ("mobilenet_yolo", "1x3x416x416"),
    "mobilenetv2_yolov3": ("mobilenetv2_yolov3", "1x3x352x352"),
    "yolov4-tiny": ("yolov4-tiny", "1x3x416x416"),
    "nanodet_m": ("nanodet_m", "1x3x320x320"),
    "yolo-fastest-1.1": ("yolo-fastest-1.1", "1x3x320x320"),
    "yolo-fastestv2": ("yolo-fastestv2", "1x3x352x352"),
    "FastestDet": ("FastestDet", "1x3x352x352"),
}
"""benchncnn's name to the network in the tables of `hetsched calibrate`, and its input."""


def is_log(text: Text) -> bool:
    """Whether a file looks like benchncnn's output."""
    return any(_ROW.match(line) for line in text.lines) or any(
        line.startswith("loop_count = ") for line in text.lines
    )


def read(text: Text, wanted: Wanted) -> list[ImportedCost]:
    """A row per network.

    Raises:
        CostError: naming line, field and remedy.
    """
    settings: dict[str, str] = {}
    rows: list[ImportedCost] = []
    detail: dict[str, str] = {}
    for number, line in enumerate(text.lines, 1):
        setting = _SETTING.match(line)
        if setting:
            if setting[1] == "loop_count":
                settings = {}
            settings[setting[1]] = setting[2]
        elif match := _ROW.match(line):
            row = _row(text, number, match, _block(number, settings), wanted)
            rows.append(row)
            detail[row.at] = _CORES.get(settings.get("powersave", ""), "cores not stated")
    if not rows:
        raise CostError(
            f"{text.name} has no line of the form 'alexnet  min = 9.84  max = 9.89  avg = 9.87': "
            f"let benchncnn finish a network; nothing was imported"
        )
    return choose(text, rows, wanted, lambda row: detail[row.at])


def _block(number: int, settings: dict[str, str]) -> Block:
    gpu = settings.get("gpu_device")
    threads = settings.get("num_threads")
    return Block(
        line=number,
        threads=int(threads) if threads else None,
        backend="" if gpu is None else "cpu" if int(gpu) < 0 else "vulkan",
        detail="",
        runs=int(settings.get("loop_count", "0")),
    )


def _row(
    text: Text, number: int, match: re.Match[str], block: Block, wanted: Wanted
) -> ImportedCost:
    low, mean, high = spread_ns(text, number, match[2], match[4], match[3])
    quantized = match[1].endswith("_int8")
    base = match[1].removesuffix("_int8").replace("-ssd", "_ssd")
    name, shape = NETWORKS.get(base, (base, ""))
    found = ImportedCost(
        at=f"{text.name}:{number}",
        scope="model",
        name=name,
        unit=wanted.unit,
        dtype="int8" if quantized else wanted.dtype,
        threads=block.threads if block.backend != "vulkan" else None,
        framework=NAME,
        backend=block.backend,
        latency_ns=mean,
        low_ns=low,
        high_ns=high,
        runs=block.runs,
        input_shape=shape,
        tick_ns=_TICK_NS,
    )
    return found if found.threads is not None else replace(found, threads=wanted.threads)
