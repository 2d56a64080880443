"""Which op it was that ONNX Runtime refused."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hetsched.backends.ort.session import make_session
from hetsched.errors import BackendError
from hetsched.ir.model import Model


def refusal(model: Model, ops: Sequence[str], error: BackendError) -> BackendError:
    """Name the op in an error about some ops.

    ONNX Runtime's messages name a node, or only its type, or neither: then each op is tried alone.

    Args:
        model: the model.
        ops: names of the ops that were refused together.
        error: ONNX Runtime's reason.
    """
    text = _without_file(error)
    for name in ops:
        if any(quoted in text for quoted in (f"({name})", f"'{name}'", f'"{name}"', f":{name})")):
            return BackendError(f"op {name!r}: {text}")
    for name in ops:
        alone = _reason_alone(model, name)
        if alone is not None:
            return BackendError(f"op {name!r}: {alone}")
    return BackendError(f"ops {ops[0]!r} to {ops[-1]!r}, together only: {text}")


def _reason_alone(model: Model, name: str) -> str | None:
    from hetsched.ir.extract import save_part  # heavy

    op = model.graph.op[name]
    with tempfile.TemporaryDirectory(prefix="hetsched-") as folder:
        path = Path(folder) / "op.onnx"
        save_part(model, [name], op.writes, path)
        try:
            make_session(path, threads=1, optimize=False)
        except BackendError as error:
            return _without_file(error)
    return None


def _without_file(error: BackendError) -> str:
    """The reason without the temporary file that it was found in."""
    return re.sub(r"Load model from \S+ failed: ?", "", str(error))
