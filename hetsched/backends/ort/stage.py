"""One stage as an ONNX Runtime session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnxruntime as ort

from hetsched.backends.base import Buffer, HostValue
from hetsched.backends.ort.session import FATAL, ORT_ERRORS, reason
from hetsched.backends.ort.values import HostBuffer, OrtBuffer, python_value, to_ort
from hetsched.errors import BackendError


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


class OrtExecutable:
    """A compiled stage. `run` may be called from several threads at once.

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
        self._feeds = tuple((port.name, port.inner, port.kind) for port in inputs)
        self._inner_outputs = [port.inner for port in outputs]
        self._kinds = tuple((index, port.kind) for index, port in enumerate(outputs))
        self._optional = any(port.kind.startswith("optional(") for port in outputs)
        self._options = ort.RunOptions()  # making one per run costs 4 us
        self._options.log_severity_level = FATAL

    def run(self, values: Mapping[str, Buffer | HostValue]) -> Sequence[Buffer]:
        """Run on the calling thread.

        Raises:
            BackendError: naming the stage, when an input is missing or ONNX Runtime fails.
        """
        if not self._inner_outputs:
            return ()
        try:
            return self._run(values)
        except KeyError as error:
            raise BackendError(f"stage {self.stage!r}: no value for its input {error}") from error
        except ORT_ERRORS as error:
            raise BackendError(f"stage {self.stage!r}: {reason(error)}") from error

    def _run(self, values: Mapping[str, Buffer | HostValue]) -> Sequence[Buffer]:
        assert self._session is not None
        feeds = {}
        for name, inner, kind in self._feeds:
            value = values[name]
            held = value if type(value) is OrtBuffer else to_ort(value, kind)
            if type(held) is not OrtBuffer:
                return self._run_host_values(values)
            feeds[inner] = held.value
        made = self._session._sess.run_with_ort_values(feeds, self._inner_outputs, self._options)
        # Indexed because iterating over this vector costs 50 us.
        buffers = [OrtBuffer(made[index], kind) for index, kind in self._kinds]
        return [_checked(buffer) for buffer in buffers] if self._optional else buffers

    def _run_host_values(self, values: Mapping[str, Buffer | HostValue]) -> Sequence[Buffer]:
        """The slower way, for strings, sequences and empty optionals from the caller."""
        assert self._session is not None
        feeds = {
            inner: python_value(to_ort(values[name], kind)) for name, inner, kind in self._feeds
        }
        made = self._session.run(self._inner_outputs, feeds, self._options)
        return [HostBuffer(value) for value in made]


def _checked(buffer: OrtBuffer) -> Buffer:
    """An empty optional leaves ONNX Runtime's memory: fed to a session there, it crashes."""
    return buffer if buffer.value.has_value() else HostBuffer(None)
