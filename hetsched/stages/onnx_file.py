"""A model file that the host runs: the tail that `hetsched convert` cuts off, or any other."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np

from hetsched.errors import RunError


class OnnxFile(msgspec.Struct, frozen=True, kw_only=True):
    """Runs an ONNX file in ONNX Runtime, one thread: arrays by name in, arrays by name out.

    Entries of the value that aren't inputs of the file are left out.

    Attributes:
        path: of the file.
    """

    path: str

    releases_gil: ClassVar[bool] = True
    """While it computes: it needs no process of its own."""

    def prepare(self) -> None:
        """Load the file.

        Raises:
            RunError: naming the file, when there is none.
            BackendError: when ONNX Runtime can't load it.
        """
        _session(self.path)

    def __call__(self, value: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The file's outputs by name.

        Raises:
            RunError: naming the input that is missing, or with ONNX Runtime's reason.
        """
        from hetsched.backends.ort.session import ORT_ERRORS, reason

        session = _session(self.path)
        names = [one.name for one in session.get_inputs()]
        for name in names:
            if name not in value:
                have = ", ".join(value) or "nothing"
                raise RunError(f"{self.path} reads {name!r}: there is {have}")
        try:
            made = session.run(None, {name: value[name] for name in names})
        except ORT_ERRORS as error:
            raise RunError(f"{self.path}: {reason(error)}") from error
        return dict(zip((one.name for one in session.get_outputs()), made, strict=True))


@cache
def _session(path: str) -> Any:
    from hetsched.backends.ort.session import make_session  # heavy

    if not Path(path).is_file():
        raise RunError(f"there is no ONNX file {path}")
    return make_session(Path(path), threads=1, optimize=True)
