"""Loading a model: from `zoo:NAME` or an ONNX file to a `Model`."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hetsched.errors import ModelError
from hetsched.ir.cache import Prepared, graph_cache
from hetsched.ir.custom import registered
from hetsched.ir.model import Model

if TYPE_CHECKING:
    import onnx_ir

ZOO = "zoo:"


def load(source: str | Path, *, shapes: Mapping[str, Sequence[int]] | None = None) -> Model:
    """Load an ONNX model, freeze its input shapes and simplify it.

    Args:
        source: a path, or `zoo:NAME`.
        shapes: a shape per input; needed for inputs with symbolic dimensions. Zoo models have
            defaults.

    Raises:
        ModelError: when the file can't be used: what is wrong and what would be accepted.
        ZooError: when the zoo has no such model, or it can't be fetched.
    """
    ref = str(source)
    name, path, known = _resolve(ref)
    wanted = {**known, **(shapes or {})}
    prepared, onnx = _prepared(path, wanted)
    return Model(
        name=name,
        ref=ref,
        sha256=prepared.sha256,
        shapes=prepared.shapes,
        graph=prepared.graph,
        prepared_sha256=prepared.prepared_sha256,
        path=path,
        onnx=onnx,
    )


def _prepared(
    path: Path, shapes: Mapping[str, Sequence[int]]
) -> tuple[Prepared, "Callable[[], onnx_ir.Model]"]:
    """From the cache, where the file was prepared before, else from the file itself."""
    # What custom ops make depends on code that no key covers.
    cache = None if registered() else graph_cache(path, shapes)
    kept = cache.read() if cache is not None else None
    if kept is not None:
        return kept, _later(path, shapes, kept.prepared_sha256)
    from hetsched.ir.prepare import prepare_file  # heavy

    found, model = prepare_file(path, shapes)
    if cache is not None:
        cache.write(found)
    return found, lambda: model


def _later(
    path: Path, shapes: Mapping[str, Sequence[int]], prepared_sha256: str
) -> "Callable[[], onnx_ir.Model]":
    """Prepare the file when its ONNX graph is asked for, once for all threads."""
    lock = threading.Lock()
    made: list[onnx_ir.Model] = []

    def onnx() -> "onnx_ir.Model":
        from hetsched.ir.prepare import prepare_file  # heavy

        with lock:
            if not made:
                found, model = prepare_file(path, shapes)
                if found.prepared_sha256 != prepared_sha256:
                    raise ModelError(f"{path} has changed since it was loaded: load it again")
                made.append(model)
            return made[0]

    return onnx


def _resolve(ref: str) -> tuple[str, Path, dict[str, tuple[int, ...]]]:
    if not ref.startswith(ZOO):
        return Path(ref).stem, Path(ref), {}
    from hetsched.zoo.catalog import entry
    from hetsched.zoo.fetch import fetch

    name = ref.removeprefix(ZOO)
    return name, fetch(name), dict(entry(name).shapes)
