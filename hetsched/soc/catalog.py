"""Finding and reading profile files."""

import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from hetsched.data import data_dir
from hetsched.errors import ProfileError
from hetsched.soc.keys import explain
from hetsched.soc.modes import in_mode
from hetsched.soc.profile import Profile
from hetsched.soc.unit import Rates

_MISSING_RATE = ".rates[...]`"

HOST = "host"
"""The name of the profile that no file holds: the machine that hetsched runs on."""


def names() -> tuple[str, ...]:
    """Names of the profiles that come with hetsched, in alphabetical order."""
    return tuple(sorted(path.stem for path in data_dir("profiles").glob("*.toml")))


def profile(name_or_path: str, mode: str | None = None) -> Profile:
    """A profile by name, or read from a `.toml` file; behind an `@` may stand a power mode.

    Args:
        name_or_path: `jetson-agx-xavier`, `jetson-agx-xavier@MaxQ:cpu=1.5`, `my-soc.toml`.
        mode: the same as behind the `@`, see `hetsched.soc.modes.in_mode`.

    Raises:
        ProfileError: unknown name (with the nearest one) or mode, missing file, or wrong content.
    """
    name, _, in_name = name_or_path.partition("@")
    found = read(locate(name))
    asked = mode or in_name
    return in_mode(found, asked) if asked else found


def locate(name_or_path: str) -> Path:
    """The file of a profile.

    Raises:
        ProfileError: unknown name (with the nearest one).
    """
    if name_or_path.endswith(".toml"):
        return Path(name_or_path)
    known = names()
    if name_or_path in known:
        return data_dir("profiles") / f"{name_or_path}.toml"
    if name_or_path == HOST:
        raise ProfileError(
            f"profile {HOST!r} is this machine, measured on the spot: "
            f"`hetsched plan MODEL --profile {HOST}` makes it"
        )
    near = get_close_matches(name_or_path.lower(), (*known, HOST), n=1, cutoff=0.3)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ProfileError(
        f"unknown profile {name_or_path!r}: {hint}"
        f"`hetsched profiles` lists {', '.join(known)}, and {HOST}; a path ends in .toml"
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
        lacking = next(_lacking_rates(raw), None) if _MISSING_RATE in str(error) else None
        message = lacking or explain(Profile, str(error))
        raise ProfileError(f"profile {origin}: {message}") from error


def _lacking_rates(raw: Mapping[str, Any]) -> Iterator[str]:
    """Which rates are missing, in a person's words: msgspec doesn't say of which unit and dtype."""
    needed = [field.name for field in msgspec.structs.fields(Rates) if field.required]
    for unit in raw["units"]:
        for dtype, rates in unit.get("rates", {}).items():
            missing = [name for name in needed if name not in rates]
            if missing:
                yield (
                    f"unit {unit.get('name', '?')!r} has no {' and no '.join(missing)} in "
                    f"[units.rates.{dtype}]: ops of that class can't be costed; add it, as wide as "
                    f"you must (low, high), or let `hetsched calibrate` fit the rates"
                )
