"""Calibration data: samples of a model's inputs, with labels where there are some."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hetsched.errors import ModelError
from hetsched.ir.graph import Graph, Tensor
from hetsched.ir.sample import numpy_dtype

LABELS = "labels"
HELD_OUT = 0.25
"""Share of the samples, the last ones, that nothing is fitted to: accuracy is told on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Runs' worth of inputs.

    Attributes:
        inputs: by name: (runs, *shape of the input).
        labels: (runs, batch), None without.
    """

    inputs: Mapping[str, np.ndarray]
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        """How many runs."""
        return len(next(iter(self.inputs.values())))

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        """The inputs of one run after another."""
        for index in range(len(self)):
            yield {name: array[index] for name, array in self.inputs.items()}

    def part(self, start: int, stop: int) -> "Samples":
        """Some of the runs."""
        return Samples(
            inputs={name: array[start:stop] for name, array in self.inputs.items()},
            labels=None if self.labels is None else self.labels[start:stop],
        )

    def divided(self) -> tuple["Samples", "Samples"]:
        """What to fit to, and what to judge by."""
        kept = max(1, round(len(self) * HELD_OUT))
        return self.part(0, len(self) - kept), self.part(len(self) - kept, len(self))


def read_samples(path: Path, graph: Graph) -> Samples:
    """Samples from an .npz (one array per input, first axis the samples) or a folder of files.

    A folder holds a file per run: .npz by input names, or .npy for a model of one input.

    Raises:
        ModelError: naming what is missing or doesn't fit, and what would be accepted.
    """
    try:
        found = _from_folder(path, graph) if path.is_dir() else _load(path, graph)
    except OSError as error:
        raise ModelError(f"{path} can't be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ModelError(f"{path} is no .npz or .npy of plain arrays: {error}") from error
    samples = arranged(found, graph, str(path))
    if len(samples) < 2:
        raise ModelError(f"{path} holds {len(samples)} run of the model: give two or more")
    return samples


def _load(path: Path, graph: Graph) -> dict[str, np.ndarray]:
    with path.open("rb") as file:
        stored = np.load(file, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            if len(graph.inputs) != 1:
                names = ", ".join(graph.inputs)
                raise ModelError(f"{path} is one array: give an .npz with {names}")
            return {graph.inputs[0]: stored}
        with stored:
            return {name: stored[name] for name in stored.files}


def _from_folder(path: Path, graph: Graph) -> dict[str, np.ndarray]:
    files = sorted(each for each in path.iterdir() if each.suffix in (".npy", ".npz"))
    if not files:
        raise ModelError(f"{path} holds no .npy and no .npz")
    runs = [_load(each, graph) for each in files]
    odd = next((at for at, run in enumerate(runs) if run.keys() != runs[0].keys()), None)
    if odd is not None:
        raise ModelError(
            f"{files[odd]} holds {', '.join(runs[odd])}, {files[0]} {', '.join(runs[0])}"
        )
    return {name: np.stack([run[name] for run in runs]) for name in runs[0]}


def arranged(arrays: Mapping[str, np.ndarray], graph: Graph, where: str) -> Samples:
    """Arrays as runs of the model.

    Args:
        arrays: by input name, and `labels`; the first axis is samples or runs.
        graph: the model's.
        where: what to name in messages.

    Raises:
        ModelError: naming the array, its shape and what would be accepted.
    """
    missing = [name for name in graph.inputs if name not in arrays]
    if missing:
        raise ModelError(f"{where} has no array {missing[0]!r}: it has {', '.join(arrays)}")
    unknown = sorted(set(arrays) - set(graph.inputs) - {LABELS})
    if unknown:
        raise ModelError(
            f"{where} has an array {unknown[0]!r}: the model's inputs are "
            f"{', '.join(graph.inputs)}, and {LABELS} may go along"
        )
    inputs = {name: _runs(arrays[name], graph.tensors[name], where) for name in graph.inputs}
    counts = {name: len(array) for name, array in inputs.items()}
    if len(set(counts.values())) > 1:
        raise ModelError(f"{where} has different numbers of samples: {counts}")
    labels = arrays.get(LABELS)
    if labels is not None and not isinstance(labels, np.ndarray):
        raise ModelError(f"{where}: {LABELS} is no array")
    return Samples(inputs=inputs, labels=_labels(labels, next(iter(counts.values())), where))


def _runs(array: np.ndarray, tensor: Tensor, where: str) -> np.ndarray:
    shape = tuple(dim or 0 for dim in tensor.shape or ())
    dtype = numpy_dtype(tensor.dtype or "float32")
    if array.dtype != dtype and not (array.dtype.kind == dtype.kind == "f"):
        raise ModelError(f"{where}: {tensor.name!r} is {array.dtype}, the model's input {dtype}")
    if array.shape[1:] == shape:
        return array.astype(dtype, copy=False)
    if shape and array.shape[1:] == shape[1:] and len(array) >= shape[0]:
        runs = len(array) // shape[0]
        return array[: runs * shape[0]].reshape(runs, *shape).astype(dtype, copy=False)
    raise ModelError(
        f"{where}: {tensor.name!r} is {array.shape}, give (samples, "
        f"{', '.join(map(str, shape[1:] if shape else ()))}) for an input of {shape}"
    )


def _labels(labels: np.ndarray | None, runs: int, where: str) -> np.ndarray | None:
    if labels is None:
        return None
    flat = labels.reshape(-1)
    if flat.dtype.kind not in "iu" or len(flat) < runs:
        raise ModelError(
            f"{where}: {LABELS} is {labels.dtype} of {labels.shape}: give a whole number a sample"
        )
    batch = len(flat) // runs
    return flat[: runs * batch].reshape(runs, batch)
