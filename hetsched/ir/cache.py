"""Prepared graphs on disk, so that planning the same file again needs no ONNX library.

An entry is found by everything that went into it: the file's digest, the wanted shapes, the
versions of the libraries and of this package's own code. Entries are plain data (msgpack); a
damaged one is the same as none.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hetsched.ir.graph import Graph, Op, Tensor

MIN_OPS = 32
"""Smaller graphs are prepared in no time: keeping them would fill the folder with trifles."""

MAX_ENTRIES = 256
"""Those used longest ago go first. A graph of 330 ops takes about 100 KB."""

_LIBRARIES = ("onnx", "onnx-ir", "numpy")
_SUFFIX = ".msgpack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What loading finds out about a file, beside the prepared ONNX graph itself.

    Attributes:
        sha256: of the file and its external data files.
        shapes: every input's frozen shape.
        graph: the prepared graph.
        prepared_sha256: of the prepared graph.
    """

    sha256: str
    shapes: dict[str, tuple[int, ...]]
    graph: Graph
    prepared_sha256: str


def default_folder() -> Path:
    """`$XDG_CACHE_HOME/hetsched/graphs`."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "hetsched" / "graphs"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphCache:
    """Entries for one file and one set of wanted shapes: at most one.

    Attributes:
        entry: its path.
        file_sha256: of the model file alone.
    """

    entry: Path
    file_sha256: str

    def read(self) -> Prepared | None:
        """The entry, None where there is none or it can't be used."""
        try:
            found = decode_prepared(msgspec.msgpack.decode(self.entry.read_bytes()))
        except (OSError, msgspec.MsgspecError, AttributeError, TypeError, ValueError):
            return None
        with suppress(OSError):
            os.utime(self.entry)
        return found

    def write(self, prepared: Prepared) -> None:
        """Keep an entry where that is worth it and possible; failing to is no error.

        A model with external data isn't kept: its other files would have to be read to find it.
        """
        if len(prepared.graph.ops) < MIN_OPS or prepared.sha256 != self.file_sha256:
            return
        with suppress(OSError, TypeError, ValueError, OverflowError):
            content = msgspec.msgpack.encode(encode_prepared(prepared))
            folder = self.entry.parent
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, suffix=".new", delete=False) as file:
                file.write(content)
            Path(file.name).replace(self.entry)
            _prune(folder)


def graph_cache(
    path: Path, shapes: Mapping[str, Sequence[int]], folder: Path | None = None
) -> GraphCache | None:
    """Where a file's prepared graph would be; None for a file that can't be read."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
    wanted = {name: list(map(str, shape)) for name, shape in sorted(shapes.items())}
    libraries = [version(name) for name in _LIBRARIES]
    key = hashlib.sha256(json.dumps([found, wanted, libraries, _code()]).encode()).hexdigest()
    return GraphCache(entry=(folder or default_folder()) / (key + _SUFFIX), file_sha256=found)


def version(library: str) -> str:
    """Of an installed library."""
    from importlib import metadata  # heavy

    return metadata.version(library)


def _code() -> list[list[str | int]]:
    """Stamp of the files that prepare: other code may make another graph."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def _prune(folder: Path) -> None:
    entries = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda entry: entry.stat().st_mtime_ns)
    for entry in entries[:-MAX_ENTRIES]:
        entry.unlink(missing_ok=True)


def encode_prepared(prepared: Prepared) -> list[Any]:
    """As plain data for msgpack."""
    return [
        prepared.sha256,
        prepared.prepared_sha256,
        prepared.shapes,
        _encode_graph(prepared.graph),
    ]


def decode_prepared(raw: Any) -> Prepared:
    """From what `encode_prepared` made.

    Raises:
        TypeError, ValueError, AttributeError: when it is something else.
    """
    sha256, prepared_sha256, shapes, graph = raw
    return Prepared(
        sha256=sha256,
        shapes={name: tuple(shape) for name, shape in shapes.items()},
        graph=_decode_graph(graph),
        prepared_sha256=prepared_sha256,
    )


def _encode_graph(graph: Graph) -> list[Any]:
    return [
        [_encode_op(op) for op in graph.ops],
        [[tensor.name, tensor.dtype, tensor.shape] for tensor in graph.tensors.values()],
        graph.inputs,
        graph.outputs,
        sorted(graph.constants),
        dict(graph.values),
    ]


def _decode_graph(raw: Any) -> Graph:
    ops, tensors, inputs, outputs, constants, values = raw
    return Graph(
        ops=tuple(_decode_op(op) for op in ops),
        tensors={
            name: Tensor(name=name, dtype=dtype, shape=None if shape is None else tuple(shape))
            for name, dtype, shape in tensors
        },
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        constants=frozenset(constants),
        values={name: tuple(value) for name, value in values.items()},
    )


def _encode_op(op: Op) -> list[Any]:
    bodies = {name: _encode_graph(body) for name, body in op.bodies.items()}
    named = [op.name, op.op_type, op.domain, op.opset, op.inputs, op.outputs]
    return [*named, dict(op.attributes), op.captures, bodies]


def _decode_op(raw: Any) -> Op:
    name, op_type, domain, opset, inputs, outputs, attributes, captures, bodies = raw
    return Op(
        name=name,
        op_type=op_type,
        domain=domain,
        opset=opset,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        attributes={
            key: tuple(value) if isinstance(value, list) else value
            for key, value in attributes.items()
        },
        captures=tuple(captures),
        bodies={key: _decode_graph(body) for key, body in bodies.items()},
    )
