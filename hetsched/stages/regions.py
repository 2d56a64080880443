"""Shapes in an image: pixels that hang together, and the smallest rectangle around them."""

from dataclasses import dataclass

import numpy as np


def regions(mask: np.ndarray) -> list[np.ndarray]:
    """Pixels that touch, diagonally too, as one region each, from the top one down.

    Args:
        mask: bool, (H, W).

    Returns:
        Per region the ends of its runs: x, y of the first and of the last pixel of each, (2 runs,
        2). They have the region's convex hull.
    """
    rows, first, last = _runs(mask)
    root = _joined(len(rows), *_touching(rows, first, last))
    found = []
    for at in _groups(root):
        x = np.concatenate([first[at], last[at]])
        found.append(np.stack([x, np.tile(rows[at], 2)], axis=1))
    return found


def hull(points: np.ndarray) -> np.ndarray:
    """The convex hull of points (N, 2), as its corners in turn, without points on its edges.

    Source: Andrew's monotone chain, 1979.
    """
    ordered = sorted(set(map(tuple, points.tolist())))
    if len(ordered) < 3:
        return np.array(ordered, np.float64).reshape(-1, 2)
    lower, upper = _chain(ordered), _chain(ordered[::-1])
    return np.array(lower[:-1] + upper[:-1], np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """A rectangle that may be turned.

    Attributes:
        centre: (2,), x and y.
        along: (2,), of length 1: the direction of its width.
        width: along that direction.
        height: across it.
    """

    centre: np.ndarray
    along: np.ndarray
    width: float
    height: float

    def grown(self, by: float) -> "Rectangle":
        """Each side farther out by that much."""
        return Rectangle(
            centre=self.centre,
            along=self.along,
            width=self.width + 2 * by,
            height=self.height + 2 * by,
        )

    def corners(self) -> np.ndarray:
        """(4, 2): clockwise in an image from the corner that is the top left of a level one."""
        half = self.along * self.width / 2
        down = np.array([-self.along[1], self.along[0]]) * self.height / 2
        made: np.ndarray = self.centre + np.array(
            [-half - down, half - down, half + down, -half + down]
        )
        return made


def around(points: np.ndarray) -> Rectangle:
    """The rectangle of the smallest area around points (N, 2), N > 0; it reads left to right.

    One of its sides lies on the hull. Source: Freeman and Shapira, 1975.
    """
    corners = hull(points)
    edges = np.roll(corners, -1, axis=0) - corners
    edges = edges[np.hypot(*edges.T) > 0] if len(corners) > 1 else np.array([[1.0, 0.0]])
    along = edges / np.hypot(*edges.T)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    u, v = corners @ along.T, corners @ across.T
    sizes = np.stack([np.ptp(u, axis=0), np.ptp(v, axis=0)], axis=1)
    best = int(np.argmin(sizes.prod(axis=1)))
    middle = [(one[:, best].min() + one[:, best].max()) / 2 for one in (u, v)]
    return _upright(
        centre=middle[0] * along[best] + middle[1] * across[best],
        along=along[best],
        width=float(sizes[best, 0]),
        height=float(sizes[best, 1]),
    )


def _upright(centre: np.ndarray, along: np.ndarray, width: float, height: float) -> Rectangle:
    """The same rectangle with its width within 45 degrees of the x axis."""
    if abs(along[0]) < abs(along[1]):
        along, width, height = np.array([along[1], -along[0]]), height, width
    return Rectangle(
        centre=centre, along=along if along[0] > 0 else -along, width=width, height=height
    )


def _runs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, first and last column of each run of set pixels, in reading order."""
    padded = np.pad(mask.astype(np.int8), ((0, 0), (1, 1)))
    step = np.diff(padded, axis=1)
    rows, first = np.nonzero(step == 1)
    return rows, first, np.nonzero(step == -1)[1] - 1


def _touching(
    rows: np.ndarray, first: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of runs in neighbouring rows that touch, diagonally too."""
    width = int(last.max(initial=0)) + 3
    starts, ends = rows * width + first, rows * width + last
    # Runs of the row below that end at or after my first - 1 and start at or before my last + 1.
    low = np.searchsorted(ends, starts + width - 1)
    high = np.searchsorted(starts, ends + width + 1, side="right")
    count = np.maximum(high - low, 0)
    upper = np.repeat(np.arange(len(rows)), count)
    before = np.cumsum(count) - count
    lower = np.repeat(low - before, count) + np.arange(count.sum())
    return upper, lower


def _joined(count: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The lowest number that each of `count` is joined to, directly or by others."""
    root = np.arange(count)
    while True:
        lowest = np.minimum(root[one], root[other])
        new = root.copy()
        np.minimum.at(new, root[one], lowest)
        np.minimum.at(new, root[other], lowest)
        new = new[new]
        if np.array_equal(new, root):
            return root
        root = new


def _groups(root: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(root, kind="stable")
    cuts = np.nonzero(np.diff(root[order]))[0] + 1
    return np.split(order, cuts) if order.size else []


def _chain(points: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """One half of a hull: always turning the same way."""
    kept: list[tuple[float, ...]] = []
    for point in points:
        while len(kept) > 1 and _turn(kept[-2], kept[-1], point) <= 0:
            kept.pop()
        kept.append(point)
    return kept


def _turn(a: tuple[float, ...], b: tuple[float, ...], c: tuple[float, ...]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
