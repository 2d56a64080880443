"""What the two sides say to each other; tensors are in shared memory, never in here."""

from collections.abc import Callable
from typing import Any

import msgspec

from hetsched.backends.base import Probe, Traits
from hetsched.backends.recipe import Recipe


class _Part(msgspec.Struct, frozen=True, array_like=True, tag=True):
    pass


class Dense(_Part, frozen=True):
    """A tensor in shared memory."""

    dtype: str
    shape: tuple[int, ...]
    offset: int


class Text(_Part, frozen=True):
    """A tensor of strings."""

    shape: tuple[int, ...]
    items: list[Any]  # str and bytes


class Several(_Part, frozen=True):
    """A sequence of tensors."""

    items: list[Dense | Text]


class Absent(_Part, frozen=True):
    """An empty optional."""


class Held(_Part, frozen=True):
    """A value that the child keeps."""

    handle: int


Value = Dense | Text | Several | Absent | Held


class Start(_Part, frozen=True):
    """Make the backend.

    Attributes:
        recipe: of the backend.
        cores: to be pinned to; None to stay free.
    """

    recipe: Recipe
    cores: list[int] | None


class Compile(_Part, frozen=True):
    """Compile stages.

    Attributes:
        program: number that they are known by from now on.
        model: what `pack_model` made.
        stages: (id, ops, outputs) of each.
    """

    program: int
    model: bytes
    stages: list[tuple[str, list[str], list[str]]]


class Run(_Part, frozen=True):
    """Run a stage.

    Attributes:
        program: that it belongs to.
        stage: position in the program.
        values: in the order of its inputs.
        freed: blocks of the child's arena that nobody reads any more.
        dropped: values that the child needn't keep any more.
        unloaded: programs that aren't needed any more.
    """

    program: int
    stage: int
    values: list[Value]
    freed: list[int]
    dropped: list[int]
    unloaded: list[int]


class Look(_Part, frozen=True):
    """Say whether the backend can be used here."""


class Query(_Part, frozen=True):
    """Say which ops the backend takes.

    Attributes:
        model: what `pack_model` made.
    """

    model: bytes


class File(_Part, frozen=True):
    """Where the model's ONNX graph is, as the child has asked for it; why not, if it isn't."""

    path: str
    problem: str = ""


Command = Start | Compile | Run | Look | Query | File


class Ready(_Part, frozen=True):
    """The backend was made."""

    traits: Traits


class Looked(_Part, frozen=True):
    """What the backend says of itself."""

    probe: Probe


class Queried(_Part, frozen=True):
    """By op, why the backend won't take it; None for those that it takes."""

    reasons: dict[str, str | None]


class Loaded(_Part, frozen=True):
    """Stages were compiled: (inputs, outputs) of each."""

    ports: list[tuple[list[str], list[str]]]


class NeedsFile(_Part, frozen=True):
    """Compiling takes the model's ONNX graph."""


class Done(_Part, frozen=True):
    """A stage has run.

    Attributes:
        values: per output; None for what only the child's backend can look into.
        held: per output, the handle of what is kept for other stages in the child, or None.
    """

    values: list[Value | None]
    held: list[int | None]


class Failed(_Part, frozen=True):
    """An error that leaves the child as it was.

    Attributes:
        message: what the backend says.
        is_backends: whether it is an error that backends raise on purpose.
    """

    message: str
    is_backends: bool


Reply = Ready | Loaded | NeedsFile | Done | Looked | Queried | Failed

encode = msgspec.msgpack.Encoder().encode
decode_command: Callable[[bytes], Command] = msgspec.msgpack.Decoder(Command).decode
decode_reply: Callable[[bytes], Reply] = msgspec.msgpack.Decoder(Reply).decode
