"""Which keys and values a struct takes at some place of a file: for messages about wrong ones."""

import re
from typing import Any

import msgspec

_STEP = re.compile(r"\.(?P<key>\w+)|\[(?:\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`(?: - at `(?P<at>[^`]*)`)?")
_MISSING = re.compile(r"Object missing required field `(?P<key>[^`]*)`(?: - at `(?P<at>[^`]*)`)?")
_ENUM = re.compile(r"Invalid enum value (?P<value>.*?) - at `(?P<at>[^`]*)`")
_PLACE = re.compile(r"(?P<what>.*) - at `(?P<at>[^`]*)`", re.DOTALL)


def explain(root: type[msgspec.Struct], message: str) -> str:
    """Say what msgspec found wrong in a file of that struct, with what would be accepted."""
    if match := _UNKNOWN.fullmatch(message):
        at = match["at"] or "$"
        keys = ", ".join(accepted_keys(root, at))
        return f"unknown key {match['key']!r}{_where(at)}: accepted are {keys}"
    if match := _MISSING.fullmatch(message):
        return f"missing key {match['key']!r}{_where(match['at'] or '$')}"
    if match := _ENUM.fullmatch(message):
        accepted = ", ".join(accepted_values(root, match["at"]))
        return f"{match['value']}{_where(match['at'])} is not one of {accepted}"
    if match := _PLACE.fullmatch(message):
        return f"{match['what']}{_where(match['at'])}"
    return message


def _where(at: str) -> str:
    """`$.units[0].rates[...].dense` to ` in units[0].rates.*.dense`, nothing for the top."""
    place = at.removeprefix("$").removeprefix(".").replace("[...]", ".*")
    return f" in {place}" if place else ""


def accepted_keys(root: type[msgspec.Struct], at: str) -> tuple[str, ...]:
    """Keys of the struct at a place, as msgspec writes places: `$.units[0].rates[...]`.

    Empty when the place doesn't lead to a struct.
    """
    found = _struct(_at(root, at))
    return tuple(field.encode_name for field in found.fields) if found is not None else ()


def accepted_values(root: type[msgspec.Struct], at: str) -> tuple[str, ...]:
    """Values of the enumeration at a place; empty when there is none."""
    for option in _options(_at(root, at)):
        if isinstance(option, msgspec.inspect.LiteralType):
            return tuple(str(value) for value in option.values)
        if isinstance(option, msgspec.inspect.EnumType):
            return tuple(str(member.value) for member in option.cls)
    return ()


def _at(root: type[msgspec.Struct], at: str) -> Any:
    found: Any = msgspec.inspect.type_info(root)
    for match in _STEP.finditer(at.removeprefix("$")):
        found = _step(found, match["key"])
    return found


def _step(found: Any, key: str | None) -> Any:
    if key is None:
        return _items(found)
    struct = _struct(found)
    if struct is None:
        return None
    types = {field.encode_name: field.type for field in struct.fields}
    return types.get(key)


def _options(found: Any) -> tuple[Any, ...]:
    return found.types if isinstance(found, msgspec.inspect.UnionType) else (found,)


def _struct(found: Any) -> msgspec.inspect.StructType | None:
    for option in _options(found):
        if isinstance(option, msgspec.inspect.StructType):
            return option
    return None


def _items(found: Any) -> Any:
    for option in _options(found):
        if isinstance(option, msgspec.inspect.DictType):
            return option.value_type
        if isinstance(option, (msgspec.inspect.VarTupleType, msgspec.inspect.ListType)):
            return option.item_type
    return None
