"""A region of the model as ONNX Runtime optimises it, saved with its weights beside it."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hetsched.backends.ort.session import make_session
from hetsched.errors import BackendError
from hetsched.ir.hollow import HOLES_SUFFIX, hollow_weights
from hetsched.ir.model import Model

MODEL_FILE = "model.onnx"
WEIGHTS_FILE = "weights.bin"
PORTS_FILE = "ports.json"

INLINE_BYTES = 1024
"""Weights smaller than this stay in the model file: nothing is gained by mapping them."""

CHILD_BYTES = 64 * 2**20
"""Regions with weights of this size are optimised in a process of their own: optimising needs about
twice the weights' size for a moment, which the caller's memory then doesn't see."""

_PREPACKED = {"session.save_external_prepacked_constant_initializers": "1"}
_NOT_PREPACKED = {"session.disable_prepacking": "1"}


class Typed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An input or output of an optimised region.

    Attributes:
        name: the model's.
        kind: in ONNX Runtime's words, `tensor(float)`.
        shape: None where the rank or any dimension isn't known.
    """

    name: str
    kind: str
    shape: tuple[int, ...] | None


class Ports(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an optimised region reads and makes."""

    inputs: tuple[Typed, ...]
    outputs: tuple[Typed, ...]


def optimize_region(
    model: Model,
    ops: Sequence[str],
    outputs: Sequence[str],
    threads: int,
    folder: Path,
    without: Sequence[str] = (),
    *,
    hollow: bool = False,
) -> Ports:
    """Optimise some ops as a plain session would, and save what came out into a folder.

    Args:
        model: the model.
        ops: their names, in the graph's order.
        outputs: tensors to keep.
        threads: of the sessions to come.
        folder: where to save.
        without: names of optimisers that are left out.
        hollow: with zeros in place of large weights, for the structure only: less work.

    Raises:
        BackendError: with ONNX Runtime's reason, when it refuses the ops.
    """
    from hetsched.ir.extract import save_part  # heavy, and not needed for what was compiled before

    source = folder / "source.onnx"
    weights_bytes = constant_bytes(model, ops)
    large = weights_bytes >= CHILD_BYTES
    holes = hollow_weights(model.graph, ops) if hollow else frozenset[str]()
    save_part(model, ops, outputs, source, external=large, hollow=holes)
    try:
        if hollow:
            optimize_file(source, threads, without, prepack=False)
        elif large:
            _optimize_in_child(source, threads, without)
        else:
            optimize_file(source, threads, without)
    finally:
        source.unlink(missing_ok=True)
        for suffix in (".data", HOLES_SUFFIX):
            source.with_name(source.name + suffix).unlink(missing_ok=True)
    return read_ports(folder)


def optimize_file(
    source: Path, threads: int, without: Sequence[str] = (), *, prepack: bool = True
) -> None:
    """Optimise a file; model, weights and ports are saved beside it.

    Args:
        source: the file.
        threads: of the sessions to come.
        without: names of optimisers that are left out.
        prepack: keep weights as kernels want them, too: sessions of it load faster.
    """
    from hetsched.ir.prepacked import align_prepacked  # heavy

    folder = source.parent
    session = make_session(
        source,
        threads=threads,
        optimize=True,
        optimized_path=folder / MODEL_FILE,
        without=without,
        config={
            "session.optimized_model_external_initializers_file_name": WEIGHTS_FILE,
            "session.optimized_model_external_initializers_min_size_in_bytes": str(INLINE_BYTES),
            **(_PREPACKED if prepack else _NOT_PREPACKED),
        },
    )
    ports = Ports(
        inputs=tuple(_typed(port) for port in session.get_inputs()),
        outputs=tuple(_typed(port) for port in session.get_outputs()),
    )
    del session  # it maps the weights' file
    if prepack:
        align_prepacked(folder / MODEL_FILE, folder / WEIGHTS_FILE)
    (folder / PORTS_FILE).write_bytes(msgspec.json.encode(ports))


def read_ports(folder: Path) -> Ports:
    """Read what `optimize_file` saved.

    Raises:
        BackendError: when the file is missing or spoilt.
    """
    path = folder / PORTS_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Ports)
    except (OSError, msgspec.DecodeError) as error:
        raise BackendError(f"{path}: {error}") from error


def constant_bytes(model: Model, ops: Sequence[str]) -> int:
    """Size of the constants that some ops read."""
    graph = model.graph
    read = {name for op in ops for name in graph.op[op].reads} & graph.constants
    return sum(graph.tensors[name].nbytes() or 0 for name in read)


def _typed(port: object) -> Typed:
    shape = tuple(port.shape)  # type: ignore[attr-defined]  # NodeArg has no stub
    # ONNX Runtime shows no shape as an empty one, as it does a scalar's.
    static = bool(shape) and all(isinstance(dim, int) for dim in shape)
    kind: str = port.type  # type: ignore[attr-defined]  # as above
    return Typed(
        name=port.name,  # type: ignore[attr-defined]  # as above
        kind=kind,
        shape=shape if static and kind.startswith("tensor") else None,
    )


def _optimize_in_child(source: Path, threads: int, without: Sequence[str]) -> None:
    module = "hetsched.backends.ort.optimize"
    command = [sys.executable, "-m", module, str(source), str(threads), *without]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise BackendError(lines[-1] if lines else f"optimising ended with {done.returncode}")


def _main() -> int:
    source, threads, *without = sys.argv[1:]
    try:
        optimize_file(Path(source), int(threads), without)
    except BackendError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(_main())
