"""Base and field types of workload structs: strict, immutable, times as text in the file."""

from typing import Any

import msgspec

from hetsched.errors import HetschedError
from hetsched.quantity import parse_duration_ns

field = msgspec.field


class Ns(int):
    """Nanoseconds; `"33ms"` in a file."""


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything in a workload file."""


def refuse_unless(fits: bool, message: str) -> None:
    """Refuse with a message, as structs do.

    Raises:
        ValueError: with the message.
    """
    if not fits:
        raise ValueError(message)


def decode(kind: type, value: Any) -> Any:
    """A duration from its text, for msgspec.

    Raises:
        ValueError: for anything else.
    """
    if kind is not Ns:
        raise NotImplementedError(f"no field is a {kind}")
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a duration: write it as text with a unit, as '5ms'")
    try:
        return Ns(parse_duration_ns(value))
    except HetschedError as error:
        raise ValueError(str(error)) from None


def encode(value: Any) -> Any:
    """A duration as a number of nanoseconds, for digests and JSON.

    Raises:
        NotImplementedError: for anything else.
    """
    if isinstance(value, Ns):
        return int(value)
    raise NotImplementedError(f"no field is a {type(value)}")
