"""Stages and values of a child, as the application sees them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hetsched.backends.base import Buffer, HostValue
from hetsched.backends.positional import Positional
from hetsched.errors import BackendError

if TYPE_CHECKING:
    from hetsched.backends.isolated.backend import IsolatedBackend, Program
    from hetsched.backends.isolated.link import Link


class IsolatedValue:
    """A value that a child made.

    It is in shared memory, so that it outlives its child; where other stages in the child read it,
    they find it as the backend made it.

    Attributes:
        link: to the child.
        handle: of what the child keeps; None when it keeps nothing.
        is_here: whether the value is in shared memory; else only the child's stages can read it.
    """

    __slots__ = ("_value", "handle", "is_here", "link")

    def __init__(
        self, link: "Link", handle: int | None, value: HostValue, *, is_here: bool
    ) -> None:
        """Wrap what a stage's answer told."""
        self.link, self.handle, self._value, self.is_here = link, handle, value, is_here

    def host(self) -> HostValue:
        """The value as Python sees it.

        Raises:
            BackendError: when the backend doesn't let anybody look into it.
        """
        if not self.is_here:
            raise BackendError("the value is private to stages in a child process")
        return self._value

    def numpy(self) -> np.ndarray:
        """The value, if it is a tensor."""
        value = self.host()
        if not isinstance(value, np.ndarray):
            raise BackendError("the value is a sequence or an empty optional, not a tensor")
        return value

    def __del__(self) -> None:
        if self.handle is not None:
            self.link.dropped.append(self.handle)


class IsolatedExecutable(Positional):
    """A stage that was compiled in a child; it outlives that child if the backend is revived.

    Attributes:
        stage: its id.
        inputs: names of the values it reads.
        outputs: names of the values it makes.
        program: that it was compiled with.
        position: in there.
    """

    def __init__(
        self,
        backend: "IsolatedBackend",
        program: "Program",
        position: int,
        ports: tuple[Sequence[str], Sequence[str]],
    ) -> None:
        """Name a stage of a program."""
        self.stage = program.stages[position].id
        self.inputs, self.outputs = tuple(ports[0]), tuple(ports[1])
        self.program, self.position = program, position
        self._backend = backend

    def call(self, values: Sequence[Buffer | HostValue]) -> Sequence[Buffer]:
        """Run in the child, with values in the order of `inputs`; the calling thread waits.

        Raises:
            UnitDownError: when the child has ended, before or meanwhile.
            BackendError: naming the stage, when the backend fails.
        """
        return self._backend.run(self, values)
