"""onnx2tf and LiteRT in an environment of their own: their requirements clash with ours."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from hetsched.convert.export.tools import Kit, Tools
from hetsched.errors import ExportError

KIT = Kit(
    name="onnx2tf",
    requirements=(
        "onnx2tf==1.29.24", "tensorflow-cpu==2.19.1", "ai-edge-litert==2.1.0", "numpy<2",
    ),
    size="2.6 GB",
    modules=("onnx2tf", "tensorflow", "ai_edge_litert"),
)  # fmt: skip

_SAMPLE = "calibration_image_sample_data_20x128x128x3_float32.npy"
"""onnx2tf fetches this file of sample images unless it is there; any data will do here."""

_CHANNELS_LAST = (0, 2, 3, 1)
_IMAGE_RANK = 4

_RUN = """
import json, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter

model, wanted = sys.argv[1], json.loads(sys.argv[2])
given = np.load("inputs.npz")
feeds = {}
for index, name in enumerate(wanted):
    array = given[f"i{index}"]
    feeds[name] = array.transpose(0, 2, 3, 1).copy() if array.ndim == 4 else array
net = Interpreter(model)
if net.get_signature_list():
    made = net.get_signature_runner()(**feeds)
else:
    net.allocate_tensors()
    for detail in net.get_input_details():
        net.set_tensor(detail["index"], feeds[detail["name"]])
    net.invoke()
    made = {d["name"]: net.get_tensor(d["index"]) for d in net.get_output_details()}
np.savez("made.npz", **{f"o{index}": value for index, value in enumerate(made.values())})
print("outputs: " + json.dumps(list(made)))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """An ONNX file whose names TensorFlow takes.

    Attributes:
        path: the file.
        inputs: the part's names to the file's.
        outputs: the part's names to the file's.
    """

    path: Path
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


def renamed(source: Path, folder: Path, inputs: Sequence[str], outputs: Sequence[str]) -> Renamed:
    """Write a part again with plain names: TensorFlow refuses most signs in a scope's name."""
    model = onnx.load(source)
    found = plain_names([*inputs, *outputs])
    for index, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{index}"
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name:
                    names[place] = found.setdefault(name, f"t_{len(found)}")
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        value.name = found.setdefault(value.name, f"t_{len(found)}")
    del model.graph.value_info[:]
    path = folder / "part.onnx"
    onnx.save(model, path)
    return Renamed(
        path=path,
        inputs={name: found[name] for name in inputs},
        outputs={name: found[name] for name in outputs},
    )


def plain_names(names: Sequence[str]) -> dict[str, str]:
    """Names of letters, digits and underscores, each once."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)
        wanted = plain = plain if plain[:1].isalpha() else f"x_{plain}"
        number = 1
        while wanted in taken:
            number += 1
            wanted = f"{plain}_{number}"
        taken.add(wanted)
        found[name] = wanted
    return found


def convert(part: Renamed, kept: Sequence[str], tools: Tools) -> Path:
    """Have onnx2tf make a float32 .tflite file; images become channels-last.

    Args:
        part: the renamed ONNX file, in a folder of its own.
        kept: inputs of the renamed file that keep their layout.
        tools: where onnx2tf is.

    Raises:
        ExportError: with onnx2tf's own message.
    """
    folder = part.path.parent
    np.save(folder / _SAMPLE, np.zeros((20, 128, 128, 3), np.float32))
    words = ["-m", "onnx2tf", "-i", part.path.name, "-o", "made", "-n"]
    if kept:
        words += ["-kat", *kept]
    said = tools.run(KIT, words, folder)
    made = folder / "made" / f"{part.path.stem}_float32.tflite"
    if not made.is_file():
        last = " | ".join(line.strip() for line in said.splitlines()[-4:] if line.strip())
        raise ExportError(f"onnx2tf made no file: {last or 'no message'}")
    return made


def run(
    path: Path, inputs: Mapping[str, np.ndarray], folder: Path, tools: Tools
) -> dict[str, np.ndarray]:
    """What LiteRT makes of a file, in its own layout; images are turned channels-last for it.

    Args:
        path: the .tflite file.
        inputs: by the file's names, in ONNX's layout.
        folder: for files in between.
        tools: where LiteRT is.

    Raises:
        ExportError: with LiteRT's own message.
    """
    arrays = {f"i{index}": array for index, array in enumerate(inputs.values())}
    np.savez(folder / "inputs.npz", **arrays)  # type: ignore[arg-type]  # no name is a flag's
    (folder / "run_lite.py").write_text(_RUN, encoding="utf-8")
    said = tools.run(KIT, ["run_lite.py", path.resolve(), json.dumps(list(inputs))], folder)
    line = next(line for line in said.splitlines() if line.startswith("outputs: "))
    names = json.loads(line.removeprefix("outputs: "))
    with np.load(folder / "made.npz") as made:
        return {name: made[f"o{index}"] for index, name in enumerate(names)}


def turned(made: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, tuple[int, ...] | None]:
    """An output in ONNX's layout, and which of its dimensions each of the file's is.

    A layout isn't written in the file: of those whose shape fits, the nearer one is it.
    """
    fits: list[tuple[np.ndarray, tuple[int, ...] | None]] = []
    fits += [(made, None)] if made.shape == wanted.shape else []
    if made.ndim == _IMAGE_RANK and tuple(wanted.shape[i] for i in _CHANNELS_LAST) == made.shape:
        fits.append((made.transpose(0, 3, 1, 2), _CHANNELS_LAST))
    if not fits:
        return made, None
    return min(fits, key=lambda fit: distance(fit[0], wanted))


def distance(made: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference, infinite for another shape."""
    if made.shape != wanted.shape:
        return float("inf")
    return float(np.abs(made.astype(np.float64) - wanted).max(initial=0))


def matched(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Wanted outputs to the file's: by name, else, in a file without names, the nearest one.

    Args:
        found: the file's outputs.
        expected: what ONNX Runtime makes, by the names that the file should have.

    Raises:
        ExportError: when the file has fewer outputs than are wanted.
    """
    if expected.keys() <= found.keys():
        return {name: name for name in expected}
    if len(found) < len(expected):
        raise ExportError(
            f"onnx2tf made {len(found)} outputs, {', '.join(found)}, of {len(expected)}"
        )
    left, pairs = list(found), {}
    for name, wanted in expected.items():
        pairs[name] = min(left, key=lambda one: distance(turned(found[one], wanted)[0], wanted))
        left.remove(pairs[name])
    return pairs


def channels_last(shape: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """An image's shape there and the order of its dimensions, None for other ranks."""
    if len(shape) != _IMAGE_RANK:
        return None
    return tuple(shape[i] for i in _CHANNELS_LAST), _CHANNELS_LAST
