"""From a text detector's map to boxes around the text, and boxes cut out of the page."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
import numpy as np

from hetsched.errors import RunError
from hetsched.stages.entries import array_of
from hetsched.stages.image import resized
from hetsched.stages.regions import Rectangle, around, regions

Point: TypeAlias = tuple[float, float]
Quad: TypeAlias = tuple[Point, Point, Point, Point]
"""Corners x, y, clockwise from the top left of the text."""

SAME_LINE = 10
"""Boxes whose tops differ by less, in pixels of the map, are in one line. Source: PaddleOCR."""

UPRIGHT = 1.5
"""A box so many times higher than wide holds text that runs upwards. Source: PaddleOCR."""


class TextBox(msgspec.Struct, frozen=True):
    """Where text is, and the mean probability inside."""

    quad: Quad
    score: float


class DbBoxes(msgspec.Struct, frozen=True, kw_only=True):
    """Boxes around what a differentiable-binarisation detector takes for text.

    The map is cut at a threshold; each region of touching pixels becomes the smallest rectangle
    around it; the network was taught to mark shrunken text, so that each rectangle is grown by area
    x ratio / perimeter. Source: Liao et al., Real-time scene text detection with differentiable
    binarization, AAAI 2020, section 3.5; defaults: RapidOCR's for PP-OCRv4.

    Attributes:
        threshold: above it, a pixel is text.
        box_threshold: below it, the mean probability in a box is too little.
        grow: the ratio.
        min_size: shorter side of the smallest box, in pixels of the map, before it has grown.
        max_boxes: how many regions are looked at, from the top.
        dilate: whether each pixel of text also marks its right, lower and lower right neighbour.
        size: height and width that the map's x and y are scaled to; None for the map's own.
        of: entry to read, where the value is arrays by name.
    """

    threshold: float = 0.3
    box_threshold: float = 0.5
    grow: float = 1.6
    min_size: float = 3.0
    max_boxes: int = 1000
    dilate: bool = True
    size: tuple[int, int] | None = None
    of: str | None = None

    def __call__(self, value: Any) -> list[TextBox]:
        """The boxes of a map (1, 1, H, W), line by line.

        Raises:
            RunError: for another shape.
        """
        scores = array_of(value, self.of, "text-box extraction")
        if scores.ndim != 4 or scores.shape[:2] != (1, 1):
            raise RunError(f"text-box extraction takes (1, 1, H, W), not {scores.shape}")
        plane = scores[0, 0]
        found = []
        for points in regions(self._mask(plane))[: self.max_boxes]:
            box = around(points)
            if min(box.width, box.height) < self.min_size:
                continue
            score = mean_inside(plane, box)
            if score >= self.box_threshold:
                found.append((box.grown(self._distance(box)), score))
        return _in_lines([self._text_box(box, score, plane.shape) for box, score in found])

    def _mask(self, plane: np.ndarray) -> np.ndarray:
        mask = plane > self.threshold
        if not self.dilate:
            return mask
        wide = mask.copy()
        wide[1:] |= mask[:-1]
        wide[:, 1:] |= wide[:, :-1].copy()
        return wide

    def _distance(self, box: Rectangle) -> float:
        return box.width * box.height * self.grow / (2 * (box.width + box.height))

    def _text_box(self, box: Rectangle, score: float, shape: tuple[int, ...]) -> TextBox:
        height, width = self.size or shape
        scale = np.array([width / shape[1], height / shape[0]])
        corners = np.clip(np.rint(box.corners() * scale), 0, [width, height])
        a, b, c, d = ((x, y) for x, y in corners.tolist())
        return TextBox((a, b, c, d), score)


def mean_inside(plane: np.ndarray, box: Rectangle) -> float:
    """The mean of a plane (H, W) over the pixels whose middles are in a rectangle, edges included.

    0 when there are none.
    """
    corners = box.corners()
    low = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0)), [plane.shape[1] - 1, plane.shape[0] - 1])
    x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
    x, y = x - box.centre[0], y - box.centre[1]
    slack = 1e-6
    inside = (abs(x * box.along[0] + y * box.along[1]) <= box.width / 2 + slack) & (
        abs(y * box.along[0] - x * box.along[1]) <= box.height / 2 + slack
    )
    part = plane[low[1] : low[1] + inside.shape[0], low[0] : low[0] + inside.shape[1]]
    return float(part[inside].mean()) if inside.any() else 0.0


class CropText(msgspec.Struct, frozen=True, kw_only=True):
    """Cuts a box out of a page and brings it to a height, its width with it.

    Text that runs upwards is turned to run right. Wider text than the width is squeezed; to the
    right of narrower text there is `fill`.

    Attributes:
        height: of the output.
        width: of the output.
        fill: of what the text leaves free.
        image: entry with the page.
        quad: entry with the box.
    """

    height: int
    width: int
    fill: int = 127
    image: str = "image"
    quad: str = "quad"

    def __call__(self, value: Mapping[str, Any]) -> np.ndarray:
        """A page (H, W, C) and a box to (height, width, C).

        Raises:
            RunError: when one of them is missing, or the box is empty.
        """
        for name in (self.image, self.quad):
            if name not in value:
                raise RunError(f"text cropping reads {name!r}: there is {', '.join(value)}")
        text = cut(value[self.image], value[self.quad])
        if text.shape[0] >= UPRIGHT * text.shape[1]:
            text = np.rot90(text)
        width = max(1, min(self.width, -(-self.height * text.shape[1] // text.shape[0])))
        made = np.full((self.height, self.width, text.shape[2]), self.fill, text.dtype)
        made[:, :width] = resized(np.ascontiguousarray(text), self.height, width, "bilinear")
        return made


def cut(image: np.ndarray, quad: Quad) -> np.ndarray:
    """The inside of a quadrangle of an image (H, W, C), drawn level, in its own size.

    Raises:
        RunError: when it is empty.
    """
    corners = np.asarray(quad, np.float64)
    side = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    width, height = round(max(side[0], side[2])), round(max(side[1], side[3]))
    if width < 1 or height < 1:
        raise RunError(f"an empty box can't be cut out: {quad}")
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    to_image = _homography(target, corners)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    places = np.stack([x, y, np.ones_like(x)], axis=-1) @ to_image.T
    return _sampled(image, places[..., 0] / places[..., 2], places[..., 1] / places[..., 2])


def _homography(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(3, 3) that maps four points to four others: two equations a point, the last entry 1."""
    rows, right = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(right)), 1).reshape(3, 3)


def _sampled(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pixels between pixels, bilinearly; outside, the nearest one of the border."""
    x = np.clip(x, 0, image.shape[1] - 1)
    y = np.clip(y, 0, image.shape[0] - 1)
    left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    right, bottom = np.minimum(left + 1, image.shape[1] - 1), np.minimum(top + 1, len(image) - 1)
    across, down = (x - left)[..., None], (y - top)[..., None]
    upper = image[top, left] * (1 - across) + image[top, right] * across
    lower = image[bottom, left] * (1 - across) + image[bottom, right] * across
    made: np.ndarray = upper * (1 - down) + lower * down
    return np.rint(made).astype(image.dtype) if image.dtype.kind in "iu" else made


def _in_lines(boxes: list[TextBox]) -> list[TextBox]:
    """By line from the top, in a line from the left."""
    rest = sorted(boxes, key=lambda box: (box.quad[0][1], box.quad[0][0]))
    ordered: list[TextBox] = []
    while rest:
        top = rest[0].quad[0][1]
        line = [box for box in rest if box.quad[0][1] - top < SAME_LINE]
        rest = [box for box in rest if box.quad[0][1] - top >= SAME_LINE]
        ordered += sorted(line, key=lambda box: box.quad[0][0])
    return ordered
