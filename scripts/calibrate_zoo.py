"""Calibrate the seeded weights of the zoo's light models, and pin the results.

Runs every model op by op on seeded images through ONNX Runtime; at each layer measures the raw
values, stores their spread and each channel's centre, and goes on with the layer as it will be.
Writes hetsched/zoo/statistics.npz, and sha256 and bytes of the finished models into catalog.toml.
Run again only to add a model: new numbers are new models, and every plan made for the old ones is
refused.

    python scripts/calibrate_zoo.py [NAME ...]
"""

import argparse
import hashlib
import importlib.metadata
import re
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

from hetsched.zoo import catalog, weights
from hetsched.zoo.weights import Floats, Skeleton, Statistics

ort.set_default_logger_severity(3)

ZOO = Path(catalog.__file__).parent
IMAGES = 12
POSITIONS = (0, 2, 3)  # of a Conv's output (N, C, H, W): all but the channel


def images(shape: tuple[int, ...]) -> list[Floats]:
    """Noise, and pictures with coarse and fine detail; each centred, and in 0 to 1."""
    generator = np.random.default_rng(0)
    pictures = []
    for index in range(IMAGES):
        picture = generator.standard_normal(shape)
        if index % 4 < 2:
            coarse = generator.standard_normal((*shape[:2], shape[2] // 28, shape[3] // 28))
            smooth = coarse.repeat(28, axis=2).repeat(28, axis=3)
            picture = (picture + smooth) / np.sqrt(2)
        if index % 2:
            picture = np.clip(picture / 4 + 0.5, 0, 1)
        pictures.append(picture.astype(np.float32))
    return pictures


class Stepper:
    """Runs single nodes of a model; keeps the tensors that are still needed."""

    def __init__(self, model: onnx.ModelProto, inputs: dict[str, list[Floats]]) -> None:
        self.opset = model.opset_import
        self.values: dict[str, list[Floats]] = dict(inputs)
        self.constants = {
            init.name: onnx.numpy_helper.to_array(init) for init in model.graph.initializer
        }
        self.uses = Counter(name for node in model.graph.node for name in node.input)

    def run(self, node: onnx.NodeProto) -> list[Floats]:
        """First output of a node, for each image."""
        session = ort.InferenceSession(self._single(node), providers=["CPUExecutionProvider"])
        feeds = [name for name in dict.fromkeys(node.input) if name in self.values]
        if not feeds:
            return [session.run([node.output[0]], {})[0]]
        columns = [self.values[name] for name in feeds]
        images_of = [len(column) for column in columns]
        rows = [[c[i if len(c) > 1 else 0] for c in columns] for i in range(max(images_of))]
        return [
            session.run([node.output[0]], dict(zip(feeds, row, strict=True)))[0] for row in rows
        ]

    def keep(self, node: onnx.NodeProto, results: list[Floats]) -> None:
        """Store a node's results, drop what nobody reads any more."""
        self.values[node.output[0]] = results
        for name in node.input:
            self.uses[name] -= 1
            if not self.uses[name]:
                self.values.pop(name, None)

    def _single(self, node: onnx.NodeProto) -> bytes:
        infos = [
            onnx.helper.make_tensor_value_info(
                name, onnx.TensorProto.FLOAT, self.values[name][0].shape
            )
            for name in dict.fromkeys(node.input)
            if name in self.values
        ]
        constants = [
            onnx.numpy_helper.from_array(self.constants[name], name)
            for name in dict.fromkeys(node.input)
            if name in self.constants
        ]
        output = onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, None)
        graph = onnx.helper.make_graph([node], "single", infos, [output], constants)
        model = onnx.helper.make_model(graph, opset_imports=self.opset, ir_version=8)
        return bytes(model.SerializeToString())


def measure(
    raw: list[Floats], *, last: bool
) -> tuple[float, np.ndarray[tuple[int], np.dtype[np.int8]]]:
    """Spread of a layer's raw values, and each channel's centre in steps.

    Args:
        raw: per image, (1, C, H, W) or (1, C).
        last: whether it is the last layer: what counts is how images differ, not positions.
    """
    stack = np.concatenate(raw).astype(np.float64)
    if last and stack.ndim == 4:
        stack = stack.mean(axis=(2, 3))
    axes = POSITIONS[: stack.ndim - 1]
    mean = stack.mean(axis=axes)
    spread = float(np.sqrt(stack.var(axis=axes).mean()))
    scale = float(f"{spread:.3g}")
    steps = np.round(mean / scale / weights.CENTRE_STEP)
    if np.abs(steps).max() > 127:
        print(f"    centre of {np.abs(steps).max():.0f} steps clipped")
    return scale, np.clip(steps, -127, 127).astype(np.int8)


def calibrate(name: str, light: onnx.ModelProto) -> Statistics:
    """Measure one model's layers, each with the layers before it as they will be."""
    skeleton = Skeleton(light)
    layers = {node.output[0]: index for index, node in enumerate(skeleton.layers)}
    channels = [
        next(p.shape[0] for p in skeleton.parameters if p.layer == i and p.role in ("bias", "mean"))
        for i in range(len(layers))
    ]
    scale = [1.0] * len(layers)
    centre = [np.zeros(count, np.int8) for count in channels]

    def present() -> Statistics:
        return Statistics(scale=tuple(float(np.float32(s)) for s in scale), centre=tuple(centre))

    entry = catalog.entry(name)
    model = weights.fill(name, light, present())
    stepper = Stepper(model, {key: images(shape) for key, shape in entry.shapes.items()})
    for node in model.graph.node:
        layer = layers.get(node.output[0])
        if layer is not None:
            parameters = [p for p in skeleton.parameters if p.layer == layer]
            last = layer == len(layers) - 1
            if node.op_type == "BatchNormalization":
                raw = stepper.values[node.input[0]]
            else:
                for p in parameters:  # raw: no bias, and weights without the gain
                    plain = weights.value(name, p, present())
                    stepper.constants[p.name] = plain * np.float32(
                        0 if p.role == "bias" else 1 / p.gain
                    )
                raw = stepper.run(node)
            scale[layer], centre[layer] = measure(raw, last=last)
            for p in parameters:
                stepper.constants[p.name] = weights.value(name, p, present())
        stepper.keep(node, stepper.run(node))
    return present()


def pin(name: str, content: bytes) -> None:
    """Write digest and size of a finished model into catalog.toml."""
    path = ZOO / "catalog.toml"
    head, mark, table = path.read_text(encoding="utf-8").partition(f'["{name}"]\n')
    digest = hashlib.sha256(content).hexdigest()
    table = re.sub(r'^sha256 = ".*"$', f'sha256 = "{digest}"', table, count=1, flags=re.MULTILINE)
    table = re.sub(r"^bytes = .*$", f"bytes = {len(content)}", table, count=1, flags=re.MULTILINE)
    path.write_text(head + mark + table, encoding="utf-8")


def main() -> None:
    """Calibrate the named models, or all."""
    light = [name for name, entry in catalog.entries().items() if entry.weights == "seeded"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=light, metavar="NAME")
    names = parser.parse_args().names
    stored = dict(weights.load_statistics()) if (ZOO / "statistics.npz").exists() else {}
    for name in names:
        print(name, flush=True)
        entry = catalog.entry(name)
        package = importlib.metadata.distribution(entry.package)
        stored[name] = calibrate(name, onnx.load(str(package.locate_file(entry.file))))
    arrays: dict[str, np.ndarray[tuple[int], np.dtype[np.float32 | np.int8 | np.int32]]] = {}
    for name, statistics in stored.items():
        arrays[f"{name}.scale"] = np.array(statistics.scale, np.float32)
        arrays[f"{name}.centre"] = np.concatenate(statistics.centre)
        arrays[f"{name}.channels"] = np.array([len(c) for c in statistics.centre], np.int32)
    np.savez_compressed(ZOO / "statistics.npz", allow_pickle=False, **arrays)
    for name in names:
        entry = catalog.entry(name)
        package = importlib.metadata.distribution(entry.package)
        pin(name, weights.seeded(name, Path(str(package.locate_file(entry.file))).read_bytes()))


if __name__ == "__main__":
    main()
