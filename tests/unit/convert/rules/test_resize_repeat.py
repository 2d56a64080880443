"""Resize that repeats pixels to ConvTranspose."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.unit.convert.rules.harness import after, one, why_not

X = (1, 4, 3, 5)


def resize(scales: list[float], **attributes: Any) -> onnx.ModelProto:
    return one("Resize", X, None, np.array([1, 1, *scales], np.float32), **attributes)


@pytest.mark.parametrize("scales", [[2, 2], [3, 1], [2, 4]], ids=str)
@pytest.mark.parametrize(
    "how",
    [
        {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        {},
        {"coordinate_transformation_mode": "pytorch_half_pixel"},
    ],
    ids=str,
)
def test_whole_scales(tmp_path: Path, scales: list[float], how: dict[str, str]) -> None:
    assert after(tmp_path, resize(scales, **how), "Resize") == ["ConvTranspose"]


def test_upsample(tmp_path: Path) -> None:
    proto = one("Upsample", X, np.array([1, 1, 2, 2], np.float32), opset=9)
    assert after(tmp_path, proto, "Upsample") == ["ConvTranspose"]


def test_other_modes_scales_and_coordinates_are_refused(tmp_path: Path) -> None:
    for proto, why in (
        (resize([2, 2], mode="linear"), "not mode nearest"),
        (resize([1.5, 2]), "not rank 4 with whole scales of height and width"),
        (
            resize([2, 2], coordinate_transformation_mode="align_corners"),
            "align_corners with round_prefer_floor doesn't just repeat pixels",
        ),
    ):
        assert why_not(tmp_path, proto, "resize-repeat", "Resize") == why
