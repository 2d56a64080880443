"""A profile to fill in."""

import os
import re
from pathlib import Path

from hetsched.errors import OutputExistsError, ProfileError

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")


def skeleton(name: str) -> str:
    """The text of a documented profile of that name.

    Raises:
        ProfileError: when the name isn't made of small letters, digits, dots and hyphens.
    """
    if _NAME.fullmatch(name) is None or name.endswith(".toml"):
        raise ProfileError(
            f"profile name {name!r}: small letters, digits, '.' and '-' make one, as my-soc"
        )
    path = Path(__file__).parent / "skeleton.toml"
    return path.read_text(encoding="utf-8").replace("NAME", name)


def write_skeleton(name: str, path: Path, *, force: bool = False) -> None:
    """Write it to a file.

    Raises:
        OutputExistsError: when the file exists and `force` isn't set.
        ProfileError: wrong name, or the file can't be written.
    """
    text = skeleton(name)
    if path.exists() and not force:
        raise OutputExistsError(f"{path} exists: give another name, or --force to replace it")
    write_whole(path, text)


def write_whole(path: Path, text: str) -> None:
    """Write a file, whole or not at all.

    Raises:
        ProfileError: when it can't be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise ProfileError(f"{path} can't be written: {error.strerror}") from error
