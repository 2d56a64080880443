"""The parts run in ONNX Runtime on made-up inputs: what a target is compared with."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hetsched.convert.export.part import Part
from hetsched.errors import BackendError, ExportError
from hetsched.ir.graph import Graph
from hetsched.ir.sample import samples


def trace(graph: Graph, parts: Sequence[Part], files: Mapping[str, Path]) -> dict[str, np.ndarray]:
    """Every tensor at an edge of a part, by name, from seeded random inputs of the model.

    Args:
        graph: the model's.
        parts: in the order of running.
        files: part name to its ONNX file.

    Raises:
        ModelError: when no data can be made up for an input.
        ExportError: when ONNX Runtime doesn't run a part, or a part comes before what it reads.
    """
    values: dict[str, np.ndarray] = dict(samples(graph))
    for part in parts:
        missing = [name for name in part.inputs if name not in values]
        if missing:
            raise ExportError(f"part {part.name} reads {missing[0]!r}, which no part before makes")
        values.update(run_file(files[part.name], part, values))
    return values


def run_file(path: Path, part: Part, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What ONNX Runtime makes of one part, op by op, without rounding of its optimisations.

    Raises:
        ExportError: with ONNX Runtime's reason.
    """
    from hetsched.backends.ort.session import ORT_ERRORS, make_session, reason  # heavy

    try:
        session = make_session(path, threads=1, optimize=False)
        made = session.run(list(part.outputs), {name: values[name] for name in part.inputs})
    except BackendError as error:
        raise ExportError(f"ONNX Runtime can't load part {part.name}: {error}") from error
    except ORT_ERRORS as error:
        raise ExportError(f"ONNX Runtime can't run part {part.name}: {reason(error)}") from error
    found = dict(zip(part.outputs, made, strict=True))
    for name, value in found.items():
        if not isinstance(value, np.ndarray):
            raise ExportError(f"{name!r} is no tensor: only those can be handed between parts")
    return found
