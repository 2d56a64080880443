"""A loaded model in another process: its graph as plain data, its weights only on demand."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hetsched.errors import ModelError
from hetsched.ir.cache import Prepared, decode_prepared, encode_prepared
from hetsched.ir.model import Model

if TYPE_CHECKING:
    import onnx_ir


def pack_model(model: Model) -> bytes:
    """Everything but the ONNX graph; `save_for_carrying` writes that."""
    prepared = Prepared(
        sha256=model.sha256,
        shapes=model.shapes,
        graph=model.graph,
        prepared_sha256=model.prepared_sha256,
    )
    fields = [model.name, model.ref, str(model.path), encode_prepared(prepared)]
    return msgspec.msgpack.encode(fields)


def unpack_model(data: bytes, file: Callable[[], Path]) -> Model:
    """A model from what `pack_model` made.

    Args:
        data: what it made.
        file: called once, when somebody needs the ONNX graph: what `save_for_carrying` wrote. It
            may be removed when nobody needs the model's weights any more.

    Raises:
        ModelError: when the data is something else.
    """
    try:
        name, ref, path, fields = msgspec.msgpack.decode(data)
        prepared = decode_prepared(fields)
    except (msgspec.MsgspecError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"this is no packed model: {error}") from error
    return Model(
        name=name,
        ref=ref,
        sha256=prepared.sha256,
        shapes=prepared.shapes,
        graph=prepared.graph,
        prepared_sha256=prepared.prepared_sha256,
        path=Path(path),
        onnx=_once(file),
    )


def save_for_carrying(model: Model, path: Path) -> None:
    """Write the prepared ONNX graph, so that it can be read back as it is.

    Raises:
        ModelError: when the file can't be written.
    """
    from hetsched.ir.extract import save_whole  # heavy

    save_whole(model, path, typed=True)


def _once(file: Callable[[], Path]) -> "Callable[[], onnx_ir.Model]":
    lock = threading.Lock()
    made: list[onnx_ir.Model] = []

    def onnx() -> "onnx_ir.Model":
        with lock:
            if not made:
                made.append(_read(file()))
            return made[0]

    return onnx


def _read(path: Path) -> "onnx_ir.Model":
    import onnx_ir.passes.common as passes  # heavy

    from hetsched.ir.read import read

    model = read(path)
    passes.RemoveInitializersFromInputsPass()(model)
    return model
