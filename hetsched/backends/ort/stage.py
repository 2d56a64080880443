"""One stage as an ONNX Runtime session."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort

from hetsched.backends.base import Buffer, HostValue, PlainCall
from hetsched.backends.ort.session import FATAL, ORT_ERRORS, reason
from hetsched.backends.ort.values import HostBuffer, OrtBuffer, python_value, to_ort
from hetsched.backends.positional import Positional
from hetsched.errors import BackendError

_INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_NUMPY_KINDS = frozenset(
    f"tensor({kind})" for kind in ("bool", "float", "float16", "double", *_INTEGERS)
)
"""Types whose values are numpy arrays as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A value that a session reads or makes.

    Attributes:
        name: outside the session: the model's name, or a private one.
        inner: inside the session.
        kind: its type in ONNX Runtime's words, `tensor(float)`.
    """

    name: str
    inner: str
    kind: str


class OrtExecutable(Positional):
    """A compiled stage. `call` may be made from several threads at once.

    Attributes:
        stage: its id.
        inputs: names of the values it reads.
        outputs: names of the values it makes.
    """

    def __init__(
        self,
        stage: str,
        session: ort.InferenceSession | None,
        inputs: Sequence[Port],
        outputs: Sequence[Port],
    ) -> None:
        """Wrap a session; None for a stage of which optimising left nothing."""
        self.stage = stage
        self.inputs = tuple(port.name for port in inputs)
        self.outputs = tuple(port.name for port in outputs)
        self._session = session
        self._ports = tuple((port.inner, port.kind) for port in inputs)
        self._inner_outputs = [port.inner for port in outputs]
        self._kinds = tuple(enumerate(port.kind for port in outputs))
        self._optional = any(port.kind.startswith("optional(") for port in outputs)
        self._options = ort.RunOptions()  # making one per run costs 4 us
        self._options.log_severity_level = FATAL
        self._native_run = None
        self.call_plain: PlainCall | None = None
        if session is not None and outputs:
            self._native_run = session._sess.run_with_ort_values
            if all(port.kind in _NUMPY_KINDS for port in (*inputs, *outputs)):
                self.call_plain = self._call_plain
                self._plain_run = session._sess.run
                self._plain_inputs = [port.inner for port in inputs]

    def call(self, values: Sequence[Buffer | HostValue]) -> Sequence[Buffer]:
        """Run on the calling thread, with values in the order of `inputs`.

        Raises:
            BackendError: naming the stage, when ONNX Runtime fails.
        """
        if self._native_run is None:
            return ()
        try:
            feeds = {}
            for (inner, kind), value in zip(self._ports, values, strict=True):
                held = value if type(value) is OrtBuffer else to_ort(value, kind)
                if type(held) is not OrtBuffer:
                    return self._run_host_values(values)
                feeds[inner] = held.value
            made = self._native_run(feeds, self._inner_outputs, self._options)
        except ORT_ERRORS as error:
            raise BackendError(f"stage {self.stage!r}: {reason(error)}") from error
        # Indexed because iterating over this vector costs 50 us.
        buffers = [OrtBuffer(made[index], kind) for index, kind in self._kinds]
        return [_checked(buffer) for buffer in buffers] if self._optional else buffers

    def _call_plain(self, arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """Run with arrays of the right dtype, one after another in memory, and give arrays.

        A stage that has all from the caller and leaves all to him is quickest so: its values never
        become ONNX Runtime's.

        Raises:
            BackendError: naming the stage, when ONNX Runtime fails.
        """
        try:
            feeds = dict(zip(self._plain_inputs, arrays, strict=True))
            made: list[np.ndarray] = self._plain_run(self._inner_outputs, feeds, self._options)
        except ORT_ERRORS as error:
            raise BackendError(f"stage {self.stage!r}: {reason(error)}") from error
        return made

    def _run_host_values(self, values: Sequence[Buffer | HostValue]) -> Sequence[Buffer]:
        """The slower way, for strings, sequences and empty optionals from the caller."""
        assert self._session is not None
        feeds = {
            inner: python_value(to_ort(value, kind))
            for (inner, kind), value in zip(self._ports, values, strict=True)
        }
        made = self._session.run(self._inner_outputs, feeds, self._options)
        return [HostBuffer(value) for value in made]


def _checked(buffer: OrtBuffer) -> Buffer:
    """An empty optional leaves ONNX Runtime's memory: fed to a session there, it crashes."""
    return buffer if buffer.value.has_value() else HostBuffer(None)
