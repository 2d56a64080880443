"""Pictures as SVG: bars on rows over time, with an axis. No script, no other file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from hetsched.quantity import format_ns

WIDTH: Final = 1000
LEFT: Final = 60
"""Room for the rows' names, at least."""
ROW: Final = 26
AXIS: Final = 24

COLOURS: Final = (
    "#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#e15759",
    "#76b7b2", "#edc948", "#9c755f", "#ff9da7", "#bab0ac",
)  # fmt: skip

_LETTER, _LONGEST = 6.6, 30
"""Width of a row's letter, and how many are shown of its name."""


def colour(number: int) -> str:
    """Of its own for each number: beyond the list, hues a golden angle apart."""
    if number < len(COLOURS):
        return COLOURS[number]
    return f"hsl({number * 137.508 % 360:.0f} {45 + number % 3 * 15}% {45 + number % 2 * 12}%)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A stretch of time on a row.

    Attributes:
        row: from the top.
        start_ns: on the picture's clock.
        end_ns: likewise.
        colour: number.
        title: shown while one points at it.
        is_bad: drawn with a red frame.
        share: of the row's height, from its bottom; 1 for all of it.
        base: where it begins, in shares of the row's height from its bottom.
    """

    row: int
    start_ns: float
    end_ns: float
    colour: int
    title: str
    is_bad: bool = False
    share: float = 1.0
    base: float = 0.0


def picture(
    rows: Sequence[str], bars: Sequence[Bar], start_ns: int, end_ns: int, caption: str
) -> str:
    """Bars over time; what lies outside is cut off.

    Args:
        rows: their names, from the top.
        bars: on these rows.
        start_ns: the picture's left end.
        end_ns: its right end.
        caption: for those who can't see it.
    """
    height = ROW * len(rows) + AXIS
    span_ns = max(1, end_ns - start_ns)
    longest = min(max(map(len, rows), default=0), _LONGEST)
    left = max(LEFT, round(longest * _LETTER) + 16)
    scale = (WIDTH - left) / span_ns
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(caption)}" '
        'xmlns="http://www.w3.org/2000/svg">'
    ]
    for at, name in enumerate(rows):
        middle = at * ROW + ROW * 0.65
        parts.append(f'<text x="{left - 8}" y="{middle:.0f}" class="row">{_label(name)}</text>')
        line = at * ROW + ROW - 1
        parts.append(f'<path d="M{left} {line}H{WIDTH}" class="grid"/>')
    parts += [_bar(bar, start_ns, end_ns, scale, left) for bar in bars]
    parts += _axis(start_ns, span_ns, scale, ROW * len(rows), left)
    drawn = "\n".join([*parts, "</svg>"])
    return f'<div class="wide">{drawn}</div>'


def _label(name: str) -> str:
    """A row's name; what is cut off of it is shown while one points at it."""
    if len(name) <= _LONGEST:
        return escape(name)
    half = _LONGEST // 2
    return f"{escape(name[:half])}…{escape(name[1 - half :])}<title>{escape(name)}</title>"


def _bar(bar: Bar, start_ns: int, end_ns: int, scale: float, origin: int) -> str:
    left = origin + (max(bar.start_ns, start_ns) - start_ns) * scale
    width = max(0.3, (min(bar.end_ns, end_ns) - max(bar.start_ns, start_ns)) * scale)
    full = ROW - 5
    height = full * bar.share
    top = bar.row * ROW + 2 + full * (1 - bar.base) - height
    frame = ' class="bad"' if bar.is_bad else ""
    return (
        f'<rect x="{left:.2f}" y="{top:.2f}" width="{width:.2f}" height="{height:.2f}" '
        f'fill="{colour(bar.colour)}"{frame}>'
        f"<title>{escape(bar.title)}</title></rect>"
    )


def _axis(start_ns: int, span_ns: int, scale: float, top: int, left: int) -> list[str]:
    """Ticks at round times since the trace's beginning, 5 to 10 of them."""
    step = 10 ** math.floor(math.log10(span_ns / 5)) if span_ns >= 5 else 1
    step = next(step * factor for factor in (1, 2, 5, 10) if span_ns / (step * factor) <= 10)
    first = math.ceil(start_ns / step) * step
    parts = []
    for tick in range(first, start_ns + span_ns + 1, step):
        x = left + (tick - start_ns) * scale
        anchor = "end" if x > WIDTH - 40 else "middle"
        label = format_ns(tick) if tick else "0"
        parts.append(f'<path d="M{x:.1f} 0V{top}" class="grid"/>')
        parts.append(f'<text x="{x:.1f}" y="{top + 16}" text-anchor="{anchor}">{label}</text>')
    return parts
