"""Boxes: between their forms, and from a detector's offsets to places in the image."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import numpy as np

from hetsched.errors import RunError
from hetsched.stages.entries import array_of


def to_corners(boxes: np.ndarray) -> np.ndarray:
    """(..., 4) of centre x, centre y, width, height to x0, y0, x1, y1."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def to_centres(boxes: np.ndarray) -> np.ndarray:
    """(..., 4) of x0, y0, x1, y1 to centre x, centre y, width, height."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def iou(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Overlap of a box (4,) with others (N, 4), as corners: area of both / area of either, (N,)."""
    low = np.maximum(one[:2], others[:, :2])
    high = np.minimum(one[2:], others[:, 2:])
    both = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(np.maximum(others[:, 2:] - others[:, :2], 0), axis=1)
    either = max(0.0, one[2] - one[0]) * max(0.0, one[3] - one[1]) + areas - both
    shares: np.ndarray = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return shares


class SsdBoxes(msgspec.Struct, frozen=True, kw_only=True):
    """Offsets from anchors to boxes as corners, as SSD's heads give them.

    centre = offset / scale * anchor's size + anchor's centre; size = anchor's size * exp(offset /
    scale). Source: Liu et al., SSD, ECCV 2016, section 2.2; scales: TensorFlow's box coder.

    Attributes:
        anchors: centre x, centre y, width, height of each, as tuples.
        scales: of x, y, width, height.
        order: of the offsets: x, y, width, height or y, x, height, width.
        of: entry with the offsets.
        to: entry for the boxes; other entries stay. Without arrays by name the boxes alone come
            back.
    """

    anchors: tuple[tuple[float, float, float, float], ...]
    scales: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)
    order: Literal["xywh", "yxhw"] = "xywh"
    of: str | None = None
    to: str = "boxes"

    def __call__(self, value: Any) -> Any:
        """Offsets (N, anchors, 4) to boxes (N, anchors, 4), of any number of leading axes."""
        offsets = array_of(value, self.of, "SSD's boxes")
        if offsets.shape[-2:] != (len(self.anchors), 4):
            raise RunError(f"SSD's boxes take (..., {len(self.anchors)}, 4), not {offsets.shape}")
        if self.order == "yxhw":
            offsets = offsets[..., [1, 0, 3, 2]]
        anchors = np.asarray(self.anchors, offsets.dtype)
        scaled = offsets / np.asarray(self.scales, offsets.dtype)
        centre = scaled[..., :2] * anchors[:, 2:] + anchors[:, :2]
        boxes = to_corners(
            np.concatenate([centre, np.exp(scaled[..., 2:]) * anchors[:, 2:]], axis=-1)
        )
        return {**value, self.to: boxes} if isinstance(value, Mapping) else boxes


class YoloBoxes(msgspec.Struct, frozen=True, kw_only=True):
    """A YOLO head's grid to boxes and scores, anchors and all.

    centre = (2 s(x) - 0.5 + cell) * stride; size = (2 s(w))^2 * anchor; score = s(object) *
    s(class), with s the logistic function. Source: YOLOv5's documentation of its head.

    Attributes:
        anchors: width and height of each in pixels.
        stride: pixels per cell.
        of: entry to read, where the value is arrays by name.
    """

    anchors: tuple[tuple[float, float], ...]
    stride: int
    of: str | None = None

    def __call__(self, value: Any) -> dict[str, np.ndarray]:
        """(N, anchors x (5 + classes), H, W) to `boxes` (N, boxes, 4) as corners in pixels, and
        `scores` (N, boxes, classes); boxes by anchor, then row, then column.

        Raises:
            RunError: when the channels aren't a multiple of the anchors.
        """  # noqa: D205 - one sentence
        head = array_of(value, self.of, "YOLO's boxes")
        count = len(self.anchors)
        if head.ndim != 4 or head.shape[1] % count or head.shape[1] // count < 6:
            raise RunError(
                f"YOLO's boxes take (N, {count} x (5 + classes), H, W), not {head.shape}"
            )
        images, channels, height, width = head.shape
        cells = head.reshape(images, count, channels // count, height, width)
        cells = 1 / (1 + np.exp(-cells.transpose(0, 1, 3, 4, 2)))
        rows, columns = np.mgrid[0:height, 0:width]
        corner = np.stack([columns, rows], axis=-1).astype(head.dtype)
        anchors = np.asarray(self.anchors, head.dtype)[:, None, None]
        centre = (2 * cells[..., :2] - 0.5 + corner) * self.stride
        boxes = to_corners(np.concatenate([centre, (2 * cells[..., 2:4]) ** 2 * anchors], axis=-1))
        scores = cells[..., 4:5] * cells[..., 5:]
        return {
            "boxes": boxes.reshape(images, -1, 4),
            "scores": scores.reshape(images, -1, scores.shape[-1]),
        }
