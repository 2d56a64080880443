"""Reads a page: find text, turn what stands on its head, recognise. Three apps of one runtime."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import hetsched as hs
from hetsched.ir.metadata import metadata
from hetsched.stages import CropText, CtcGreedy, DbBoxes, Normalise, TopK
from hetsched.stages.text_boxes import Quad

TURNED = "180"
SURE = 0.9
"""From that score on, text is turned. Source: RapidOCR's setting."""

CENTRED = Normalise(mean=(0.5,), std=(0.5,))
"""Bytes to -1 to 1. Source: RapidOCR's settings of all three models."""

FIND = {"pre": CENTRED, "post": DbBoxes()}
DIRECTION = {
    "pre": [CropText(height=48, width=192), CENTRED],
    "post": TopK(k=1, labels=("0", TURNED)),
}


def recognition(model: hs.Model) -> dict[str, Any]:
    """Host stages of the recogniser: its file holds its alphabet, to which a space is added."""
    characters = (*metadata(model)["character"].split("\n"), " ")
    return {
        "pre": [CropText(height=48, width=320), CENTRED],
        "post": CtcGreedy(characters=characters),
    }


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Three functions that answer requests, and a page's text out of them.

    Attributes:
        find: a page to text boxes.
        direction: an image and a box to the best direction.
        recognise: an image and a box to text.
    """

    find: Callable[[Any], Awaitable[Any]]
    direction: Callable[[Any], Awaitable[Any]]
    recognise: Callable[[Any], Awaitable[Any]]

    async def __call__(self, page: np.ndarray) -> list[str]:
        """The page's lines, from the top."""
        boxes = await self.find(page)
        return await asyncio.gather(*(self._line(page, box.quad) for box in boxes))

    async def _line(self, page: np.ndarray, quad: Quad) -> str:
        part = around(page, quad)
        ((best,),) = await self.direction(part)
        if best.label == TURNED and best.score >= SURE:
            part["quad"] = (*part["quad"][2:], *part["quad"][:2])
        (text,) = await self.recognise(part)
        return str(text.text)


def around(page: np.ndarray, quad: Quad) -> dict[str, Any]:
    """The part of a page that a box is in: less to send."""
    corners = np.asarray(quad, int)
    low = np.maximum(corners.min(axis=0) - 2, 0)
    high = corners.max(axis=0) + 2
    moved = tuple((int(x - low[0]), int(y - low[1])) for x, y in corners)
    return {"image": page[low[1] : high[1], low[0] : high[0]], "quad": moved}
