"""Options of the form NAME=VALUE, shared by commands. A wrong one is a usage error: exit 2."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import typer

from hetsched.errors import CostError

T = TypeVar("T")


def assignments(
    values: Iterable[str], option: str, accepted: str, parse: Callable[[str], T]
) -> dict[str, T]:
    """`["a=1", "b=2"]` to `{"a": 1, "b": 2}`; a name may hold `=` itself, a value may not.

    Args:
        values: as typed.
        option: for the message, `--pin`.
        accepted: for the message, `OP=UNIT`.
        parse: from the text behind the last `=`; raises ValueError when it can't.

    Raises:
        typer.BadParameter: naming the option, the value and what would be accepted.
    """
    found: dict[str, T] = {}
    for value in values:
        name, equals, text = value.rpartition("=")
        if not equals or not name or not text:
            raise typer.BadParameter(f"{value!r} isn't {accepted}", param_hint=option)
        if name in found:
            raise typer.BadParameter(f"{name!r} is given twice", param_hint=option)
        try:
            found[name] = parse(text)
        except ValueError as error:
            raise typer.BadParameter(f"{value!r} isn't {accepted}", param_hint=option) from error
    return found


def parse_shapes(values: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """`["x=1,3,480,640"]` to `{"x": (1, 3, 480, 640)}`.

    Raises:
        typer.BadParameter: for anything else.
    """
    return assignments(values, "--shape", "NAME=1,3,480,640 with whole numbers", _dims)


def _dims(text: str) -> tuple[int, ...]:
    dims = tuple(int(part) for part in text.split(","))
    if any(dim < 0 for dim in dims):
        raise ValueError(text)
    return dims


def thread_counts(text: str) -> list[int]:
    """`1,2` to [1, 2].

    Raises:
        CostError: for anything else.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise CostError(f"--threads {text}: give counts from 1 on, as 1,2")
    return list(dict.fromkeys(int(part) for part in parts))


def use_tables(paths: Iterable[Path] | None) -> None:
    """Take users' capability tables into account from now on.

    Raises:
        CapabilityError: naming the file, the line and what would be accepted.
    """
    for path in paths or ():
        from hetsched.convert.capability_user import use_table

        use_table(path)
