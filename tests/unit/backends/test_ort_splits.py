"""Random splits of real models compute what the unsplit models compute."""

import random
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from hetsched.backends.base import HostValue
from hetsched.backends.ort import OrtBackend
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.runtime.verify import verify
from tests.unit.backends.tiny import array, feeds, random_stages, run

MOST_STAGES = 12
SAMPLE = ("ppocr-cls", "silero-vad", "squeezenet", "shufflenet", "ppocr-det")


@cache
def whole(name: str) -> tuple[Model, dict[str, HostValue], list[np.ndarray]]:
    """A model, inputs, and what the model file makes of them."""
    model = load(f"zoo:{name}")
    given = feeds(model)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])
    outputs = session.run(list(model.graph.outputs), given)
    assert any(len(np.unique(output)) > 1 for output in outputs)  # else equality proves nothing
    return model, given, outputs


def check(name: str, seed: int, folder: Path) -> None:
    """One random split of a model."""
    model, given, wanted = whole(name)
    split = random_stages(model.graph, random.Random(seed), MOST_STAGES)
    values = run(OrtBackend(cache_dir=folder).compile(model, split), given)
    found = {output: array(values[output]) for output in model.graph.outputs}
    verified = verify(model.graph, dict(zip(found, wanted, strict=True)), found)
    assert verified.passed, verified


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", SAMPLE)
def test_random_split(name: str, seed: int, tmp_path: Path) -> None:
    check(name, seed, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(2, 20))
@pytest.mark.parametrize("name", SAMPLE)
def test_more_random_splits(name: str, seed: int, tmp_path: Path) -> None:
    check(name, seed, tmp_path)
