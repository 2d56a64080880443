"""A page of HTML that needs nothing else."""

from collections.abc import Sequence
from html import escape

from hetsched.report.svg import colour

_FEW = 5

_STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --soft: #555; --line: #ddd;
  --rule: #999; --bad: #d00000; --warn: #a00000; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #16181c; --soft: #b0b4ba;
  --line: #3a3f47; --rule: #777; --bad: #ff5c5c; --warn: #ff8a80; } }
body { font: 14px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1040px; padding: 0 1em;
  color: var(--ink); background: var(--paper); }
h1 { font-size: 1.5em; overflow-wrap: anywhere; } h2 { font-size: 1.15em; margin-top: 1.8em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .15em .8em .15em 0; text-align: left; white-space: nowrap; }
td:first-child { max-width: 15em; white-space: normal; overflow-wrap: anywhere; }
th { border-bottom: 1px solid var(--rule); font-weight: 600; } .n { text-align: right; }
svg { width: 100%; min-width: 700px; height: auto; }
svg text { font-size: 11px; fill: var(--soft); }
svg .row { text-anchor: end; } .grid { stroke: var(--line); fill: none; stroke-width: .7; }
.bad { stroke: var(--bad); stroke-width: 1.5; } .warn { color: var(--warn); }
.key { display: inline-block; margin: 0 1em 0 0; }
.key i { display: inline-block; width: .9em; height: .9em; margin-right: .3em; }
"""


def page(title: str, body: Sequence[str]) -> str:
    """The whole page."""
    fits = '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
    head = f"{fits}<title>{escape(title)}</title><style>{_STYLE}</style>"
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
    lines = (
        "".join(f"<td {mark}>{escape(cell)}</td>" for cell, mark in zip(row, marks, strict=True))
        for row in rows
    )
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    inner = f"<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody>"
    return f'<div class="wide"><table>{inner}</table></div>'


def listed(names: Sequence[str], what: str) -> str:
    """Some names, or how many there are of what."""
    return ", ".join(names) if len(names) <= _FEW else f"{len(names)} {what}"


def key(names: Sequence[str]) -> str:
    """What the colours stand for, in their order."""
    marks = (
        f'<span class="key"><i style="background:{colour(at)}"></i>{escape(name)}</span>'
        for at, name in enumerate(names)
    )
    return f"<p>{' '.join(marks)}</p>"
