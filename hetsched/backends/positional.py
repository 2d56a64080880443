"""What executables share whose work takes values in the order of its inputs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from hetsched.backends.base import Buffer, HostValue
from hetsched.errors import BackendError


class Positional(ABC):
    """An executable that has a `call`: its `run` by names follows from that.

    Attributes:
        stage: its id.
        inputs: names of the values it reads.
    """

    stage: str
    inputs: tuple[str, ...]

    def run(self, values: Mapping[str, Buffer | HostValue]) -> Sequence[Buffer]:
        """Run on the calling thread.

        Raises:
            UnitDownError: when the unit is down, or goes down meanwhile.
            BackendError: naming the stage, when an input is missing or the backend fails.
        """
        try:
            given = [values[name] for name in self.inputs]
        except KeyError as error:
            raise BackendError(f"stage {self.stage!r}: no value for its input {error}") from error
        return self.call(given)

    @abstractmethod
    def call(self, values: Sequence[Buffer | HostValue]) -> Sequence[Buffer]:
        """Run on the calling thread, with values in the order of `inputs`.

        Raises:
            UnitDownError: when the unit is down, or goes down meanwhile.
            BackendError: naming the stage, when the backend fails.
        """
