"""From a text recogniser's scores per place to text."""

from typing import Any

import msgspec
import numpy as np

from hetsched.errors import RunError
from hetsched.stages.entries import array_of, check_rank

BLANK = 0
"""The class that stands for no character. Source: PaddleOCR's recognisers, CTC's usual choice."""


class Text(msgspec.Struct, frozen=True):
    """What was read, and the mean of its characters' scores (0 for no text)."""

    text: str
    score: float


class CtcGreedy(msgspec.Struct, frozen=True, kw_only=True):
    """The best class at each place; equal neighbours are one character, blanks none.

    Source: Graves et al., Connectionist temporal classification, ICML 2006: best path decoding.

    Attributes:
        characters: of classes 1, 2, ...; class 0 is the blank. PaddleOCR's models have a space as
            one class more than their keys.
        of: entry to read, where the value is arrays by name.
    """

    characters: tuple[str, ...]
    of: str | None = None

    def __call__(self, value: Any) -> list[Text]:
        """A text per row of probabilities (N, places, classes).

        Raises:
            RunError: when there are more classes than characters and the blank.
        """
        scores = array_of(value, self.of, "CTC decoding")
        check_rank(scores, "(N, places, classes)", 3, "CTC decoding")
        if scores.shape[2] > len(self.characters) + 1:
            raise RunError(
                f"CTC decoding has {len(self.characters)} characters for {scores.shape[2]} "
                "classes with the blank"
            )
        best, sure = scores.argmax(axis=2), scores.max(axis=2)
        return [self._text(*row) for row in zip(best, sure, strict=True)]

    def _text(self, best: np.ndarray, sure: np.ndarray) -> Text:
        is_new = np.append(True, best[1:] != best[:-1]) if best.size else np.zeros(0, bool)
        kept = is_new & (best != BLANK)
        text = "".join(self.characters[index - 1] for index in best[kept])
        return Text(text, float(sure[kept].mean()) if text else 0.0)
