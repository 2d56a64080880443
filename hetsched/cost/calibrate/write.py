"""Putting rates and records into a profile file; all else in it stays as it is, comments too."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from hetsched.errors import ProfileError
from hetsched.soc.calibration import Record
from hetsched.soc.figure import Figure
from hetsched.soc.profile import Rates

Results: TypeAlias = Mapping[tuple[str, str], tuple[Rates, Record]]
"""(unit, dtype) to what was found."""

_HEADER = re.compile(r"\s*\[\[?\s*(?P<path>[^\]]+?)\s*\]\]?\s*(#.*)?")
_NAME = re.compile(r"""\s*name\s*=\s*(?P<quote>["'])(?P<name>.*)(?P=quote)\s*(#.*)?""")


def with_results(text: str, results: Results) -> str:
    """The file's text with new `rates` and `calibration` tables, at the end of each unit.

    Raises:
        ProfileError: when a unit isn't written as a `[[units]]` table.
    """
    made: list[str] = []
    done: set[str] = set()
    for block in _blocks(text):
        unit = _unit_name(block)
        wanted = {dtype: found for (name, dtype), found in results.items() if name == unit}
        if unit is None or not wanted:
            made += _apart(made, [line for section in block for line in section])
            continue
        done.add(unit)
        kept = [line for section in block if not _is_replaced(section, wanted) for line in section]
        kept = _apart(made, kept)
        made += [*_without_blank_end(kept), *_tables(wanted)]
    missing = sorted({name for name, _ in results} - done)
    if missing:
        raise ProfileError(
            f"unit {missing[0]!r} isn't written as a [[units]] table with a line name = ..."
        )
    return "\n".join(_without_blank_end(made)) + "\n"


def _blocks(text: str) -> Iterator[list[list[str]]]:
    """Sections in runs: a `[[units]]` with its `[units...]`, any other section alone."""
    block: list[list[str]] = []
    for section in _sections(text.splitlines()):
        path = _path(section)
        if block and path is not None and path.startswith("units."):
            block.append(section)
            continue
        if block:
            yield block
        block = [section]
    if block:
        yield block


def _sections(lines: Sequence[str]) -> list[list[str]]:
    """Cut before each header; comments right above it go with it."""
    sections: list[list[str]] = [[]]
    for line in lines:
        if _HEADER.fullmatch(line):
            above: list[str] = []
            while sections[-1] and _is_comment(sections[-1][-1]):
                above.insert(0, sections[-1].pop())
            sections.append(above)
        sections[-1].append(line)
    return sections


def _is_comment(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _path(section: Sequence[str]) -> str | None:
    for line in section:
        if match := _HEADER.fullmatch(line):
            return match["path"].replace('"', "").replace("'", "")
    return None


def _unit_name(block: Sequence[Sequence[str]]) -> str | None:
    if _path(block[0]) != "units":
        return None
    for line in block[0]:
        if match := _NAME.fullmatch(line):
            return match["name"]
    return None


def _is_replaced(section: Sequence[str], wanted: Mapping[str, object]) -> bool:
    path = _path(section) or ""
    return any(path in (f"units.rates.{dtype}", f"units.calibration.{dtype}") for dtype in wanted)


def _apart(before: Sequence[str], lines: list[str]) -> list[str]:
    """With a blank line first, where something is before and none of both has one."""
    if before and before[-1].strip() and lines and lines[0].strip():
        return ["", *lines]
    return lines


def _without_blank_end(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]


def _tables(wanted: Mapping[str, tuple[Rates, Record]]) -> Iterator[str]:
    for dtype, (rates, record) in sorted(wanted.items()):
        yield ""
        yield f"[units.rates.{dtype}]"
        for field, figure in rates.stated().items():
            yield f"{field} = {_inline(figure)}"
        yield ""
        yield f"[units.calibration.{dtype}]"
        for field in record.__struct_fields__:
            value = getattr(record, field)
            if field == "rows":
                yield "rows = ["
                yield from (f"  {_inline(row)}," for row in value)
                yield "]"
            elif value not in (None, ""):
                yield f"{field} = {_scalar(value)}"


def _inline(struct: Figure | msgspec.Struct) -> str:
    cells = [
        f"{field.name} = {_scalar(getattr(struct, field.name))}"
        for field in msgspec.structs.fields(struct)
        if getattr(struct, field.name) != field.default
    ]
    return "{ " + ", ".join(cells) + " }"


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if value == float(f"{value:g}") else repr(value)
    return json.dumps(value, ensure_ascii=False)
