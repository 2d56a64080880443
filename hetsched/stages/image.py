"""Images as models want them: other sizes, other numbers, another order of axes."""

from functools import lru_cache
from typing import Any, Literal

import msgspec
import numpy as np

from hetsched.errors import RunError
from hetsched.stages.entries import array_of, check_rank

HWC = "(H, W, C)"


class Resize(msgspec.Struct, frozen=True, kw_only=True):
    """Another size; a pixel's middle is at its half, borders repeat.

    Output pixel i takes the input at (i + 0.5) * have / want - 0.5. Source: ONNX's Resize,
    half_pixel (nearest: round_prefer_floor); no antialiasing. Integers are rounded to the nearest,
    halves to even.

    Attributes:
        height: of the output.
        width: of the output.
        how: `bilinear` or `nearest`.
        of: entry to read, where the value is arrays by name.
    """

    height: int
    width: int
    how: Literal["bilinear", "nearest"] = "bilinear"
    of: str | None = None

    def __call__(self, value: Any) -> np.ndarray:
        """(H, W, C) to (height, width, C), in the same dtype."""
        image = array_of(value, self.of, "resize")
        check_rank(image, HWC, 3, "resize")
        return resized(image, self.height, self.width, self.how)


class Normalise(msgspec.Struct, frozen=True, kw_only=True):
    """(x * scale - mean) / std per channel, as float32, channels first.

    Attributes:
        mean: per channel, or one for all.
        std: per channel, or one for all.
        scale: 1 / 255 makes 0 to 1 of bytes.
        of: entry to read, where the value is arrays by name.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    scale: float = 1 / 255
    of: str | None = None

    def __call__(self, value: Any) -> np.ndarray:
        """(H, W, C) to (1, C, H, W).

        Raises:
            RunError: when mean or std has another number of channels, or std a 0.
        """
        image = array_of(value, self.of, "normalise")
        check_rank(image, HWC, 3, "normalise")
        for name, numbers in (("mean", self.mean), ("std", self.std)):
            if len(numbers) not in (1, image.shape[2]):
                raise RunError(f"{name} has {len(numbers)} numbers for {image.shape[2]} channels")
        if 0 in self.std:
            raise RunError("std has a 0: nothing can be divided by it")
        # One multiplication and one addition a pixel: x * (scale / std) - mean / std.
        std = np.asarray(self.std, np.float64)
        factor = (self.scale / std).astype(np.float32)
        offset = (np.asarray(self.mean, np.float64) / std).astype(np.float32)
        pixels = np.array(image.transpose(2, 0, 1), np.float32, order="C")
        pixels *= factor[:, None, None]
        pixels -= offset[:, None, None]
        return pixels[None]


class Letterbox(msgspec.Struct, frozen=True, kw_only=True):
    """Another size with the same aspect ratio: resized to fit, in the middle or at the top left.

    Attributes:
        height: of the output.
        width: of the output.
        fill: of what the image leaves free.
        place: `centre`, or `corner` for the top left.
        how: `bilinear` or `nearest`.
        of: entry to read, where the value is arrays by name.
    """

    height: int
    width: int
    fill: int = 114
    place: Literal["centre", "corner"] = "centre"
    how: Literal["bilinear", "nearest"] = "bilinear"
    of: str | None = None

    def __call__(self, value: Any) -> np.ndarray:
        """(H, W, C) to (height, width, C), in the same dtype."""
        image = array_of(value, self.of, "letterbox")
        check_rank(image, HWC, 3, "letterbox")
        top, left, height, width = self.inside(image.shape[0], image.shape[1])
        boxed = np.full((self.height, self.width, image.shape[2]), self.fill, image.dtype)
        boxed[top : top + height, left : left + width] = resized(image, height, width, self.how)
        return boxed

    def inside(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Top, left, height and width, inside the output, of an image of that height and width."""
        ratio = min(self.height / height, self.width / width)
        high = max(1, min(self.height, round(height * ratio)))
        wide = max(1, min(self.width, round(width * ratio)))
        if self.place == "corner":
            return 0, 0, high, wide
        return (self.height - high) // 2, (self.width - wide) // 2, high, wide


def resized(image: np.ndarray, height: int, width: int, how: str) -> np.ndarray:
    """An image (H, W, C) at another size; see `Resize`.

    Raises:
        RunError: for an empty size or an unknown way.
    """
    if min(height, width, *image.shape[:2]) < 1 or how not in ("bilinear", "nearest"):
        raise RunError(
            f"can't resize {image.shape} to {height} x {width} by {how!r}: sizes from 1, bilinear "
            "or nearest"
        )
    if image.shape[:2] == (height, width):
        return image
    if how == "nearest":
        picked: np.ndarray = image[_nearest(image.shape[0], height)]
        return picked[:, _nearest(image.shape[1], width)]
    made = _blend(_blend(image, height, 0), width, 1)
    return _as(made, image.dtype)


def _as(pixels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if dtype.kind not in "iu":
        same: np.ndarray = pixels.astype(dtype, copy=False)
        return same
    rounded: np.ndarray = np.rint(pixels).astype(dtype)  # between existing pixels: it fits
    return rounded


def _blend(image: np.ndarray, size: int, axis: int) -> np.ndarray:
    """Linear interpolation along one axis, in float32 at least."""
    low, high, share = _between(image.shape[axis], size)
    form = (-1, 1, 1) if axis == 0 else (1, -1, 1)
    kind = np.promote_types(image.dtype, np.float32) if image.dtype.kind == "f" else np.float32
    weight = share.astype(kind).reshape(form)
    below = image.take(low, axis).astype(kind)
    below *= 1 - weight
    above = image.take(high, axis).astype(kind)
    above *= weight
    below += above
    made: np.ndarray = below
    return made


@lru_cache(maxsize=64)
def _between(have: int, want: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per output pixel the two it lies between and the share of the second."""
    at = (np.arange(want) + 0.5) * (have / want) - 0.5
    at = np.clip(at, 0, have - 1)
    low = np.floor(at).astype(np.intp)
    return low, np.minimum(low + 1, have - 1), at - low


@lru_cache(maxsize=64)
def _nearest(have: int, want: int) -> np.ndarray:
    """Per output pixel the nearest one, of two equally near ones the lower."""
    at = (np.arange(want) + 0.5) * (have / want) - 0.5
    nearest: np.ndarray = np.clip(np.ceil(at - 0.5), 0, have - 1).astype(np.intp)
    return nearest
