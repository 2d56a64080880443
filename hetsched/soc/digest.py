"""The digest of a profile: what a plan remembers of the SoC that it was made for.

It is taken over the content, so that comments, spacing, the order of keys and the spelling of
numbers don't change it. A key that has its default value counts as left out: a later version
that knows more keys finds the same digest for the same file. Words for people (`title`, `source`,
`unknown`), where rates were fitted (`calibrate`, `calibration`), and what is known of clocks,
sleep, heat, power modes and shared bandwidth (`levels`, `idle`, `thermal`, `modes`, `usable`) don't
count either: no cost of a plan is computed from them.
"""

import hashlib
from typing import Any

import msgspec

_PROSE = frozenset(
    {"title", "source", "unknown", "calibrate", "calibration"}
    | {"levels", "idle", "thermal", "modes", "usable"}
)


def digest(struct: msgspec.Struct) -> str:
    """SHA-256 of a struct's content, in hexadecimal."""
    content = msgspec.json.encode(_content(struct), order="deterministic")
    return hashlib.sha256(content).hexdigest()


def _content(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {
            field.encode_name: _content(getattr(value, field.name))
            for field in msgspec.structs.fields(value)
            if field.name not in _PROSE and getattr(value, field.name) != _default(field)
        }
    if isinstance(value, tuple):
        return [_content(item) for item in value]
    if isinstance(value, dict):
        return {key: _content(item) for key, item in value.items()}
    return value


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default
