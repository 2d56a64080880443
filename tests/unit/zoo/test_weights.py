"""Seeded weights: the same bytes everywhere, and models whose numbers mean something."""

import hashlib
import importlib.metadata
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from hetsched.zoo import catalog
from hetsched.zoo.fetch import fetch
from hetsched.zoo.weights import Floats, Skeleton, load_statistics, uniform

SEEDED = [name for name, entry in catalog.entries().items() if entry.weights == "seeded"]


def test_draws_are_pinned() -> None:
    # Bits of PCG64 seeded with the first 16 bytes of sha256("seed"), the top 24 of each half.
    draws = uniform("seed", (3, 5))
    assert draws.shape == (3, 5)
    assert draws.dtype == np.float32
    assert hashlib.sha256(draws.astype("<f4").tobytes()).hexdigest() == DRAWS_SHA256


DRAWS_SHA256 = "65773a0c3fc6262b27146be7ae8b990bffe61045165ca95120d1997fdbd585d0"


def test_draws_do_not_depend_on_how_many_are_taken() -> None:
    long = uniform("seed", (2**17 + 3,))
    assert np.array_equal(long[:15], uniform("seed", (15,)))


def test_draws_fill_the_interval_evenly() -> None:
    # Uniform in [-1, 1): variance 1/3. 10^5 draws: mean within 5 * sqrt(1/3/1e5) = 0.009.
    draws = uniform("even", (100_000,))
    assert draws.min() >= -1
    assert draws.max() < 1
    assert abs(draws.mean()) < 0.009
    assert draws.var() == pytest.approx(1 / 3, abs=0.005)


def _light(name: str) -> onnx.ModelProto:
    entry = catalog.entry(name)
    file = importlib.metadata.distribution(entry.package).locate_file(entry.file)
    return onnx.load(str(file))


@pytest.mark.parametrize("name", SEEDED)
def test_statistics_cover_every_layer(name: str) -> None:
    skeleton, statistics = Skeleton(_light(name)), load_statistics()[name]
    assert len(statistics.scale) == len(statistics.centre) == len(skeleton.layers)
    for parameter in skeleton.parameters:
        if parameter.layer is not None and parameter.role in ("bias", "mean", "var"):
            assert parameter.shape == statistics.centre[parameter.layer].shape, parameter.name


@pytest.mark.parametrize("name", SEEDED)
def test_every_float_constant_is_filled(name: str) -> None:
    light = _light(name)
    skeleton = Skeleton(light)
    read = {tensor for node in skeleton.nodes for tensor in node.input}
    made = {n.output[0] for n in light.graph.node if n.op_type == "ConstantOfShape"}
    floats = {i.name for i in light.graph.initializer if i.data_type == onnx.TensorProto.FLOAT}
    assert (made | floats) & read <= {parameter.name for parameter in skeleton.parameters}


class AllTensors:
    """A model run with every tensor as an output."""

    def __init__(self, path: Path) -> None:
        model = onnx.load(path)
        self.names = [node.output[0] for node in model.graph.node if _computed(node, model)]
        self.inputs = [info.name for info in model.graph.input]
        self.final = model.graph.output[0].name
        del model.graph.output[:]
        for name in self.names:
            info = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
            model.graph.output.append(info)
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 3
        self._session = ort.InferenceSession(model.SerializeToString(), options)

    def run(self, image: Floats) -> dict[str, Floats]:
        feeds = dict.fromkeys(self.inputs, image)
        return dict(zip(self.names, self._session.run(self.names, feeds), strict=True))


def _computed(node: onnx.NodeProto, model: onnx.ModelProto) -> bool:
    """Whether a node depends on the image: Reshape and Unsqueeze of weights don't."""
    return node.input[0] not in {init.name for init in model.graph.initializer}


def _image(kind: str, generator: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    if kind == "noise":
        return generator.standard_normal(shape, np.float32)
    if kind == "noise in 0 to 1":
        return generator.random(shape, np.float32)
    return np.zeros(shape, np.float32) + generator.random((1, 3, 1, 1), np.float32)


@pytest.mark.parametrize("name", SEEDED)
def test_numbers_mean_something(name: str) -> None:
    """On each kind of image: nothing constant, infinite or saturated, and images matter."""
    runner = AllTensors(fetch(name))
    (shape,) = catalog.entry(name).shapes.values()
    generator = np.random.default_rng(7)
    for kind in ("noise", "noise in 0 to 1", "flat"):
        first, second = (runner.run(_image(kind, generator, shape)) for _ in range(2))
        for tensor, values in first.items():
            where = f"{kind}: {tensor}"
            assert np.isfinite(values).all(), where
            assert values.std() > 1e-4 * np.abs(values).max() > 0, f"{where} is constant"
            assert _changed(values, second[tensor]) > 0.01, f"{where} ignores the image"
        _assert_classes_differ(first[runner.final].ravel(), kind)


def _changed(first: Floats, second: Floats) -> float:
    return float(np.abs(first - second).max() / np.abs(first).max())


def _assert_classes_differ(scores: Floats, kind: str) -> None:
    """Neither one-hot nor uniform; logits (densenet121) of sane spread."""
    assert len(np.unique(scores)) > 900, f"{kind}: classes share scores"
    if scores.min() < 0:
        assert 0.5 < scores.std() < 10, kind
        return
    assert scores.sum() == pytest.approx(1, abs=1e-4)
    assert 3 / 1000 < scores.max() < 0.9, f"{kind}: {scores.max()}"
