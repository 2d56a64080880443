"""A profile to fill in."""

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
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ProfileError(f"{path} can't be written: {error.strerror}") from error
