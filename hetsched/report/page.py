"""A page of HTML that needs nothing else."""

from collections.abc import Sequence
from html import escape

from hetsched.report.svg import COLOURS

_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1040px; padding: 0 1em;
  color: #222; background: #fff; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 1.8em; }
table { border-collapse: collapse; } th, td { padding: .15em .8em .15em 0; text-align: left; }
th { border-bottom: 1px solid #999; font-weight: 600; } .n { text-align: right; }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: #444; }
svg .row { text-anchor: end; } .grid { stroke: #ddd; fill: none; stroke-width: .7; }
.bad { stroke: #d00; stroke-width: 1.5; } .warn { color: #a00; }
.key { display: inline-block; width: .9em; height: .9em; margin: 0 .3em 0 1em; }
"""


def page(title: str, body: Sequence[str]) -> str:
    """The whole page."""
    head = f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    return "\n".join(
        [
            f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>{head}</head><body>',
            f"<h1>{escape(title)}</h1>",
            *body,
            "</body></html>\n",
        ]
    )


def paragraph(text: str, *, warns: bool = False) -> str:
    """A line of text."""
    mark = ' class="warn"' if warns else ""
    return f"<p{mark}>{escape(text)}</p>"


def heading(text: str) -> str:
    """Of a section."""
    return f"<h2>{escape(text)}</h2>"


def table(columns: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str]]) -> str:
    """Columns are (heading, whether they hold numbers)."""
    marks = ['class="n"' if is_number else "" for _, is_number in columns]
    head = "".join(
        f"<th {mark}>{escape(name)}</th>" for (name, _), mark in zip(columns, marks, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(f"<td {mark}>{escape(cell)}</td>" for cell, mark in zip(row, marks, strict=True))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def key(names: Sequence[str]) -> str:
    """What the colours stand for, in their order."""
    marks = (
        f'<span class="key" style="background:{COLOURS[at % len(COLOURS)]}"></span>{escape(name)}'
        for at, name in enumerate(names)
    )
    return f"<p>{''.join(marks)}</p>"
