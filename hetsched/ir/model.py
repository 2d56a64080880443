"""The loaded model: metadata, the graph as plain data, and the ONNX graph behind it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hetsched.ir.graph import Graph

if TYPE_CHECKING:
    import onnx_ir


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """An ONNX model, ready to be placed and taken apart.

    Attributes:
        name: short name for people: the zoo's name, or the file's without suffix.
        ref: `zoo:NAME`, or the path as given.
        sha256: of the file and its external data files.
        shapes: every input's frozen shape; inputs that are no plain tensor have no entry.
        graph: the prepared graph; op and tensor names refer to it.
        prepared_sha256: of the prepared graph: its structure, shapes and constants.
        path: the original file.
        onnx: makes the prepared graph in onnx-ir's form, once; only `hetsched.ir` and
            `hetsched.convert` look inside.
    """

    name: str
    ref: str
    sha256: str
    shapes: dict[str, tuple[int, ...]]
    graph: Graph
    prepared_sha256: str
    path: Path
    onnx: "Callable[[], onnx_ir.Model]" = field(repr=False, compare=False)
