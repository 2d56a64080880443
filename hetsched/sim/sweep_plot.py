"""A sweep as one picture: miss rate over load, a panel a profile, a line a policy. Plain SVG."""

from collections.abc import Iterator, Sequence
from html import escape

from hetsched.sim.sweep_points import Row

_COLORS = ("#1b6ca8", "#d1495b", "#3a8f5c", "#e8a33d", "#7b5ea7", "#4d4d4d", "#2aa5a0", "#b5651d")
_DASHES = ("", "6 3", "2 2", "8 3 2 3")
_WIDTH, _HEIGHT = 300, 190
_LEFT, _TOP, _RIGHT, _BOTTOM = 46, 28, 12, 46
_ACROSS = 3
_LEGEND_ROW = 18
_LABEL = 30
"""Room that a tick's label takes, and a letter of the title."""
_LETTER = 8


def sweep_svg(rows: Sequence[Row], title: str) -> str:
    """The picture; points with several seeds are drawn at their pooled miss rate."""
    profiles = list(dict.fromkeys(row.profile for row in rows))
    lines = list(dict.fromkeys((row.policy, row.plans) for row in rows))
    scales = sorted({row.scale for row in rows})
    across = min(_ACROSS, len(profiles))
    down = -(-len(profiles) // across)
    legend_rows = -(-len(lines) // across)
    top = 34
    heading = f"{title}: share of requests missed, over load"
    width = max(across * _WIDTH, 24 + _LETTER * len(heading))
    height = top + down * _HEIGHT + legend_rows * _LEGEND_ROW + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="12" y="22" font-size="14">{escape(heading)}</text>',
    ]
    for at, profile in enumerate(profiles):
        x, y = (at % across) * _WIDTH, top + (at // across) * _HEIGHT
        parts.append(f'<g transform="translate({x},{y})">')
        parts += _panel([row for row in rows if row.profile == profile], profile, lines, scales)
        parts.append("</g>")
    parts += _legend(lines, top + down * _HEIGHT + 6, across)
    return "\n".join([*parts, "</svg>", ""])


def _panel(
    rows: Sequence[Row], profile: str, lines: Sequence[tuple[str, str]], scales: Sequence[float]
) -> Iterator[str]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    yield f'<text x="{_LEFT}" y="18" font-weight="bold">{escape(profile)}</text>'
    for share in (0.0, 0.5, 1.0):
        y = _y(share)
        yield f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#ddd"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>'
    every = max(1, -(-len(scales) * _LABEL // (right - _LEFT)))  # so that labels don't overlap
    for at, scale in enumerate(scales):
        x = _x(scale, scales)
        yield f'<line x1="{x:.1f}" y1="{bottom}" x2="{x:.1f}" y2="{bottom + 4}" stroke="#888"/>'
        if at % every == 0:
            yield f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{scale:g}</text>'
    middle = (_LEFT + right) / 2
    yield (
        f'<text x="{middle:.0f}" y="{bottom + 32}" text-anchor="middle" fill="#555">'
        "times the declared load</text>"
    )
    for at, (policy, plans) in enumerate(lines):
        points = _points([r for r in rows if (r.policy, r.plans) == (policy, plans)], scales)
        if points:
            yield _line(points, at)


def _points(rows: Sequence[Row], scales: Sequence[float]) -> list[tuple[float, float]]:
    found = []
    for scale in scales:
        here = [row for row in rows if row.scale == scale]
        judged = sum(row.judged for row in here)
        if judged:
            lost = sum(row.lost for row in here)
            found.append((_x(scale, scales), _y(lost / judged)))
    return found


def _line(points: Sequence[tuple[float, float]], at: int) -> str:
    color = _COLORS[at % len(_COLORS)]
    dash = _DASHES[at // len(_COLORS) % len(_DASHES)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{color}"/>' for x, y in points)
    return (
        f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5" '
        f'stroke-dasharray="{dash}"/>{dots}'
    )


def _legend(lines: Sequence[tuple[str, str]], top: int, across: int) -> Iterator[str]:
    for at, (policy, plans) in enumerate(lines):
        x, y = (at % across) * _WIDTH + 14, top + (at // across) * _LEGEND_ROW + 10
        color = _COLORS[at % len(_COLORS)]
        dash = _DASHES[at // len(_COLORS) % len(_DASHES)]
        yield (
            f'<line x1="{x}" y1="{y}" x2="{x + 26}" y2="{y}" stroke="{color}" '
            f'stroke-width="2" stroke-dasharray="{dash}"/>'
        )
        yield f'<text x="{x + 32}" y="{y + 4}">{escape(policy)}, {escape(plans)} plans</text>'


def _x(scale: float, scales: Sequence[float]) -> float:
    """Scales stand at equal distances, in their order: they are chosen, not sampled."""
    room = _WIDTH - _LEFT - _RIGHT - 24
    step = room / max(1, len(scales) - 1)
    return _LEFT + 12 + (scales.index(scale) * step if len(scales) > 1 else room / 2)


def _y(share: float) -> float:
    return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)
