"""The ONNX backend test suite as the onnx wheel carries it: models, inputs, expected outputs."""

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.backend.test
from onnx import numpy_helper

KINDS = ("node", "simple", "pytorch-operator", "pytorch-converted", "light")
DATA = Path(onnx.backend.test.__file__).parent / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """One request of a case; values are arrays, lists (sequences) or None (empty optionals)."""

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A model with what it must compute.

    Attributes:
        kind: one of `KINDS`.
        name: unique in its kind.
        model: the ONNX model.
        data_sets: inputs in the order of the model's inputs that aren't initializers.
        rtol: as the suite says.
        atol: as the suite says.
    """

    kind: str
    name: str
    model: onnx.ModelProto
    data_sets: tuple[DataSet, ...]
    rtol: float
    atol: float

    @property
    def id(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def inputs(self) -> list[str]:
        """Names of what a request brings."""
        stored = {tensor.name for tensor in self.model.graph.initializer}
        return [value.name for value in self.model.graph.input if value.name not in stored]


@cache
def case_names(kind: str) -> tuple[str, ...]:
    """Names of all cases of a kind, sorted."""
    if kind == "node":
        return tuple(sorted(_node_cases()))
    folder = DATA / ("real" if kind == "light" else kind)
    return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))


def cases(kind: str, names: tuple[str, ...] | None = None) -> Iterator[Case]:
    """Cases of a kind, by name."""
    for name in case_names(kind) if names is None else names:
        if kind == "node":
            yield _node_cases()[name]
        elif kind == "light":
            yield _light_case(name)
        else:
            yield _stored_case(kind, name)


@cache
def _node_cases() -> dict[str, Case]:
    """The node cases are made by numpy code of the onnx wheel, which warns where it overflows."""
    from onnx.backend.test.loader import load_model_tests

    np.random.seed(0)  # the generator that these cases use
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = load_model_tests(kind="node")
    return {
        case.name: Case(
            kind="node",
            name=case.name,
            model=case.model,
            data_sets=tuple(
                DataSet(inputs=tuple(map(_array, inputs)), outputs=tuple(map(_array, outputs)))
                for inputs, outputs in case.data_sets
            ),
            rtol=case.rtol,
            atol=case.atol,
        )
        for case in found
    }


def _array(value: Any) -> Any:
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    return np.asarray(value) if isinstance(value, np.generic) else value


def _stored_case(kind: str, name: str) -> Case:
    folder = DATA / kind / name
    model = onnx.load(folder / "model.onnx")
    extra = folder / "data.json"
    tolerances = json.loads(extra.read_text()) if extra.exists() else {}
    data_sets = [
        DataSet(
            inputs=_values(data, "input", list(model.graph.input)),
            outputs=_values(data, "output", list(model.graph.output)),
        )
        for data in sorted(folder.glob("test_data_set_*"))
    ]
    return Case(
        kind=kind,
        name=name,
        model=model,
        data_sets=tuple(data_sets),
        rtol=tolerances.get("rtol", 1e-3),
        atol=tolerances.get("atol", 1e-7),
    )


def _values(folder: Path, stem: str, infos: list[onnx.ValueInfoProto]) -> tuple[Any, ...]:
    count = len(list(folder.glob(f"{stem}_*.pb")))
    return tuple(
        _value((folder / f"{stem}_{i}.pb").read_bytes(), infos[i].type) for i in range(count)
    )


def _value(data: bytes, kind: onnx.TypeProto) -> Any:
    if kind.HasField("sequence_type"):
        return numpy_helper.to_list(onnx.SequenceProto.FromString(data))
    if kind.HasField("optional_type"):
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(data))
    return numpy_helper.to_array(onnx.TensorProto.FromString(data))


def _light_case(name: str) -> Case:
    """Inputs are the suite's: a ramp from 0 to 1."""
    described = json.loads((DATA / "real" / name / "data.json").read_text())
    path = DATA / "light" / Path(described["url"]).name
    model = onnx.load(path)
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = []
    for value in model.graph.input:
        if value.name not in stored:
            shape = tuple(dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim)
            count = int(np.prod(shape))
            inputs.append((np.arange(count).reshape(shape) / count).astype(np.float32))
    outputs = tuple(
        numpy_helper.to_array(onnx.load_tensor(f"{path.with_suffix('')}_output_{i}.pb"))
        for i in range(len(model.graph.output))
    )
    return Case(
        kind="light",
        name=name,
        model=model,
        data_sets=(DataSet(inputs=tuple(inputs), outputs=outputs),),
        rtol=described["rtol"],
        atol=described["atol"],
    )
