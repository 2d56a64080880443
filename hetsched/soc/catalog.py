"""Finding and reading profile files."""

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from hetsched.data import data_dir
from hetsched.errors import ProfileError
from hetsched.soc.keys import accepted_keys, accepted_values
from hetsched.soc.profile import Profile

HOST = "host"
"""The name of the profile that no file holds: the machine that hetsched runs on."""

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`(?: - at `(?P<at>[^`]*)`)?")
_MISSING = re.compile(r"Object missing required field `(?P<key>[^`]*)`(?: - at `(?P<at>[^`]*)`)?")
_ENUM = re.compile(r"Invalid enum value (?P<value>.*?) - at `(?P<at>[^`]*)`")
_PLACE = re.compile(r"(?P<what>.*) - at `(?P<at>[^`]*)`", re.DOTALL)


def names() -> tuple[str, ...]:
    """Names of the profiles that come with hetsched, in alphabetical order."""
    return tuple(sorted(path.stem for path in data_dir("profiles").glob("*.toml")))


def profile(name_or_path: str) -> Profile:
    """A profile by name, or read from a `.toml` file.

    Raises:
        ProfileError: unknown name (with the nearest one), missing file, or wrong content.
    """
    if name_or_path.endswith(".toml"):
        return read(Path(name_or_path))
    known = names()
    if name_or_path in known:
        return read(data_dir("profiles") / f"{name_or_path}.toml")
    if name_or_path == HOST:
        raise ProfileError(
            f"profile {HOST!r} is this machine, measured on the spot: "
            f"`hetsched plan MODEL --profile {HOST}` makes it"
        )
    near = get_close_matches(name_or_path.lower(), known, n=1, cutoff=0.3)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ProfileError(
        f"unknown profile {name_or_path!r}: {hint}"
        f"`hetsched profiles` lists {', '.join(known)}; a path ends in .toml"
    )


def read(path: Path) -> Profile:
    """Read and check one file.

    Raises:
        ProfileError: naming the file, the key, and what would be accepted.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"profile {path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"profile {path} is not TOML: {error}") from error
    return parse(raw, str(path))


def parse(raw: Mapping[str, Any], origin: str) -> Profile:
    """Check the content of a file.

    Args:
        raw: what the TOML parser made of it.
        origin: the file's name, for messages.

    Raises:
        ProfileError: naming the file, the key, and what would be accepted.
    """
    try:
        return msgspec.convert(raw, Profile)
    except msgspec.ValidationError as error:
        raise ProfileError(f"profile {origin}: {_explain(str(error))}") from error


def _explain(message: str) -> str:
    if match := _UNKNOWN.fullmatch(message):
        at = match["at"] or "$"
        keys = ", ".join(accepted_keys(Profile, at))
        return f"unknown key {match['key']!r}{_where(at)}: accepted are {keys}"
    if match := _MISSING.fullmatch(message):
        return f"missing key {match['key']!r}{_where(match['at'] or '$')}"
    if match := _ENUM.fullmatch(message):
        accepted = ", ".join(accepted_values(Profile, match["at"]))
        return f"{match['value']}{_where(match['at'])} is not one of {accepted}"
    if match := _PLACE.fullmatch(message):
        return f"{match['what']}{_where(match['at'])}"
    return message


def _where(at: str) -> str:
    """`$.units[0].rates[...].dense` to ` in units[0].rates.*.dense`, nothing for the top."""
    place = at.removeprefix("$").removeprefix(".").replace("[...]", ".*")
    return f" in {place}" if place else ""
