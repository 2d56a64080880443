"""What the zoo has: the entries of catalog.toml."""

import difflib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from hetsched.errors import ZooError


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model; see the head of catalog.toml for where the fields come from.

    Attributes:
        what: for people, in a few words.
        package: name on PyPI.
        version: of the package.
        package_sha256: of the wheel, None where wheels differ between platforms.
        file: path of the model inside the wheel.
        file_sha256: of that file.
        file_bytes: of that file.
        licence: SPDX name, of the package.
        shapes: every input's default shape.
        weights: `trained`, or `seeded` where the file's are constants.
        sha256: of the finished model.
        bytes: size of the finished model.
    """

    what: str
    package: str
    version: str
    package_sha256: str | None = None
    file: str
    file_sha256: str
    file_bytes: int
    licence: str
    shapes: dict[str, tuple[int, ...]]
    weights: Literal["trained", "seeded"]
    sha256: str
    bytes: int


@cache
def entries() -> Mapping[str, Entry]:
    """All models by name, in the catalog's order."""
    text = Path(__file__).with_name("catalog.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Entry])


def names() -> tuple[str, ...]:
    """Names of all models, in the catalog's order."""
    return tuple(entries())


def entry(name: str) -> Entry:
    """The entry of a model.

    Raises:
        ZooError: for an unknown name, with the nearest known one.
    """
    known = entries()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the zoo has {', '.join(known)}"
    raise ZooError(f"the zoo has no model {name!r}; {hint}")
