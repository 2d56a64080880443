"""What an export target is, and which there are: one file each in `targets/`."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hetsched.convert.capability_rows import near
from hetsched.convert.export import targets
from hetsched.convert.export.part import Part
from hetsched.convert.export.report import Port, Report, dims_text
from hetsched.convert.export.tools import Tools
from hetsched.errors import ExportError
from hetsched.ir.graph import Graph
from hetsched.ir.model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a target gets.

    Attributes:
        model: loaded.
        parts: in the order of running.
        files: part name to its ONNX file, in a folder that goes away.
        values: seeded random model inputs, and what ONNX Runtime made of them: every tensor between
            parts, and the outputs.
        folder: where to write; it becomes the user's once everything has worked.
        report: what is known before the target has done anything; its parts have no files yet.
        tools: environments of the target's own tools.
        bound: what max|a-b| / max|a| may be.
    """

    model: Model
    parts: Sequence[Part]
    files: Mapping[str, Path]
    values: Mapping[str, np.ndarray] = field(repr=False)
    folder: Path
    report: Report
    tools: Tools
    bound: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something that models are exported to.

    Attributes:
        name: as on the command line.
        writes: what comes out, for people.
        refusals: why ops of a part can't be written, by op name.
        write: writes the parts' files and proves them; returns the finished report.
        readme: lines on how to use the files.
        convert_to: the framework whose `hetsched convert --framework` helps with what is refused.
        max_outputs: of one part; None without a limit.
        open_shapes: whether a tensor's shape may depend on the data.
    """

    name: str
    writes: str
    refusals: Callable[[Model, Part], Mapping[str, str]]
    write: Callable[[Job], Report]
    readme: Callable[[Report], Sequence[str]]
    convert_to: str | None = None
    max_outputs: int | None = None
    open_shapes: bool = False


def names() -> tuple[str, ...]:
    """Names of the targets: the files there are."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(targets.__path__)))


def find(name: str) -> Target:
    """A target by its name.

    Raises:
        ExportError: when there is none, naming those that there are.
    """
    known = names()
    if name not in known:
        raise ExportError(
            f"unknown target {name!r}: {near(name, known)}known are {', '.join(known)}"
        )
    target: Target = importlib.import_module(f"hetsched.convert.export.targets.{name}").TARGET
    return target


def port(graph: Graph, name: str, target: Target) -> Port:
    """A tensor as a report tells it.

    Raises:
        ExportError: when it is none, or its shape depends on the data and the target can't have
            that.
    """
    tensor = graph.tensors[name]
    if tensor.dtype is None:
        raise ExportError(f"{name!r} is no tensor: only those can be handed between parts")
    if (tensor.shape is None or None in tensor.shape) and not target.open_shapes:
        raise ExportError(
            f"{name!r} is {dims_text(tensor.shape)}: its shape depends on the data, and "
            f"{target.name} takes fixed shapes only; --to onnx takes any"
        )
    return Port(name=name, dtype=tensor.dtype, shape=tensor.shape)
