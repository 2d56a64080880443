"""From scores to classes."""

from typing import Any

import msgspec
import numpy as np

from hetsched.errors import RunError
from hetsched.stages.entries import array_of


class Softmax(msgspec.Struct, frozen=True, kw_only=True):
    """exp(x - max) / sum along an axis, in the input's floating dtype; any shape in, the same out.

    Attributes:
        axis: along which the results add up to 1.
        of: entry to read, where the value is arrays by name.
    """

    axis: int = -1
    of: str | None = None

    def __call__(self, value: Any) -> np.ndarray:
        """Probabilities."""
        scores = array_of(value, self.of, "softmax")
        raised = np.exp(scores - scores.max(axis=self.axis, keepdims=True))
        result: np.ndarray = raised / raised.sum(axis=self.axis, keepdims=True)
        return result


class Ranked(msgspec.Struct, frozen=True):
    """One of the best classes."""

    class_index: int
    label: str
    score: float


class TopK(msgspec.Struct, frozen=True, kw_only=True):
    """The best classes of each row, best first, of equal ones the lower index first.

    Attributes:
        k: how many; all when there are fewer.
        labels: of the classes; their indices as texts when there are none.
        of: entry to read, where the value is arrays by name.

    Raises:
        RunError: when k isn't positive.
    """

    k: int = 5
    labels: tuple[str, ...] = ()
    of: str | None = None

    def __post_init__(self) -> None:
        if self.k < 1:
            raise RunError(f"k is {self.k}: give 1 or more")

    def __call__(self, value: Any) -> list[list[Ranked]]:
        """Per row of (N, classes), or of (classes,) as one row.

        Raises:
            RunError: when there are more classes than labels, or another shape.
        """
        scores = array_of(value, self.of, "top-k")
        rows = scores.reshape(len(scores), -1) if scores.ndim > 1 else scores[None]
        if self.labels and rows.shape[1] > len(self.labels):
            raise RunError(f"top-k has {len(self.labels)} labels for {rows.shape[1]} classes")
        return [self._best(row) for row in rows]

    def _best(self, row: np.ndarray) -> list[Ranked]:
        order = np.argsort(-row, kind="stable")[: self.k].tolist()
        names = self.labels or range(len(row))
        return [Ranked(index, str(names[index]), float(row[index])) for index in order]
