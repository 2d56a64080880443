"""Non-maximum suppression: of boxes that overlap much, the best one stays."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from hetsched.errors import RunError
from hetsched.stages.boxes import iou


class Detection(msgspec.Struct, frozen=True):
    """A box that stayed: corners x0, y0, x1, y1."""

    box: tuple[float, float, float, float]
    class_index: int
    label: str
    score: float


class Nms(msgspec.Struct, frozen=True, kw_only=True):
    """Boxes from the best score down; each one drops those of its class that it overlaps too much.

    Source: the greedy method, as ONNX's NonMaxSuppression describes it (a box goes when its overlap
    is *more* than the threshold).

    Attributes:
        iou_threshold: what overlaps more than that goes.
        score_threshold: what scores no more than that goes first.
        per_class: whether boxes of other classes are left alone.
        max_boxes: how many stay at most per image, the best; None for any number.
        labels: of the classes; their indices as texts when there are none.
        boxes: entry with the boxes.
        scores: entry with the scores.
    """

    iou_threshold: float = 0.5
    score_threshold: float = 0.25
    per_class: bool = True
    max_boxes: int | None = None
    labels: tuple[str, ...] = ()
    boxes: str = "boxes"
    scores: str = "scores"

    def __call__(self, value: Mapping[str, Any]) -> list[list[Detection]]:
        """Detections per image, best first, of equal ones the earlier box first.

        Args:
            value: boxes as corners (N, boxes, 4) and scores (N, boxes, classes).

        Raises:
            RunError: when one of them is missing, or the shapes don't belong together.
        """
        for name in (self.boxes, self.scores):
            if name not in value:
                raise RunError(f"NMS reads {name!r}: there is {', '.join(value) or 'nothing'}")
        boxes, scores = np.asarray(value[self.boxes]), np.asarray(value[self.scores])
        if boxes.ndim != 3 or scores.ndim != 3 or boxes.shape != (*scores.shape[:2], 4):
            raise RunError(
                "NMS takes boxes (N, boxes, 4) and scores (N, boxes, classes), not "
                f"{boxes.shape} and {scores.shape}"
            )
        if self.labels and scores.shape[2] > len(self.labels):
            raise RunError(f"NMS has {len(self.labels)} labels for {scores.shape[2]} classes")
        return [self._image(*image) for image in zip(boxes, scores, strict=True)]

    def _image(self, boxes: np.ndarray, scores: np.ndarray) -> list[Detection]:
        at, kind = np.nonzero(scores > self.score_threshold)
        score = scores[at, kind]
        order = np.argsort(-score, kind="stable")
        kept: list[Detection] = []
        while order.size and (self.max_boxes is None or len(kept) < self.max_boxes):
            best, order = order[0], order[1:]
            kept.append(self._detection(boxes[at[best]], int(kind[best]), float(score[best])))
            goes = iou(boxes[at[best]], boxes[at[order]]) > self.iou_threshold
            if self.per_class:
                goes &= kind[order] == kind[best]
            order = order[~goes]
        return kept

    def _detection(self, box: np.ndarray, kind: int, score: float) -> Detection:
        x0, y0, x1, y1 = box.tolist()
        return Detection((x0, y0, x1, y1), kind, str((self.labels or range(kind + 1))[kind]), score)
