"""The two files of a TNN model.

Text: every line in quotes, ending with a comma: header, inputs (name, rank, dimensions, dtype;
apart by colons), blobs, outputs, count of layers, then one line per layer: type, name, counts of
inputs and outputs, their names, parameters.

Binary: magic, count of resources, per resource a type number (0: go by the name), type name, layer
name and body; magic, count of constants, per constant a name and a buffer. Little endian.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from hetsched.convert.export.tnn.layer import MAGIC, Param, buffer, number, text
from hetsched.convert.export.tnn.net import Net

_FLOAT32 = 0


def write_files(net: Net, proto: Path, model: Path) -> None:
    """Write both.

    Raises:
        OSError: when one can't be written.
    """
    proto.write_text("".join(f'"{line},"\n' for line in _lines(net)), encoding="ascii")
    with model.open("wb") as file:
        stored = [layer for layer in net.layers if layer.body is not None]
        file.write(MAGIC.to_bytes(4, "little") + number(len(stored)))
        for layer in stored:
            file.write(number(0) + text(layer.type) + text(layer.name))
            file.write((text(layer.name) if layer.named else b"") + (layer.body or b""))
        file.write(MAGIC.to_bytes(4, "little") + number(len(net.constants)))
        for name, array in net.constants.items():
            file.write(text(name) + buffer(array))


def _lines(net: Net) -> Iterable[str]:
    made = [name for layer in net.layers for name in layer.outputs]
    blobs = dict.fromkeys([*(name for name, _ in net.inputs), *net.constants, *made])
    yield f"1 {len(blobs)} 1 {MAGIC} "
    yield " : ".join(
        " ".join(map(str, (name, len(shape), *shape, _FLOAT32))) for name, shape in net.inputs
    ) + " "  # fmt: skip
    yield " " + "".join(f"{name} " for name in blobs)
    yield "".join(f"{name} " for name in net.outputs)
    yield f" {len(net.layers)} "
    for layer in net.layers:
        counts = (len(layer.inputs), len(layer.outputs))
        words = (layer.type, layer.name, *counts, *layer.inputs, *layer.outputs)
        yield " ".join([*map(str, words), *map(_number, layer.params)]) + " "


def _number(value: Param) -> str:
    """Floats with as many digits as float32 needs; always with a point or an exponent."""
    return str(np.float32(value)) if isinstance(value, float) else str(int(value))
