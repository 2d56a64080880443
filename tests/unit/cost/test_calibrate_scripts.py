"""What comes with hetsched is what the scripts make: sampled."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hetsched.cost.calibrate.features import DATA, published
from hetsched.cost.calibrate.shapes import FILE
from hetsched.cost.calibrate.shapes import published as shapes

SCRIPTS = Path(__file__).parents[3] / "scripts"
Import = Callable[[str], Any]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Import:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module


def test_published_networks_are_the_sum_of_their_convolutions(script: Import) -> None:
    """Counted once more: the file's kinds, and their sum with what the papers say."""
    networks = script("calibration_networks")
    assert len(networks.CONVOLUTIONS) == 11
    for model, convolutions in networks.CONVOLUTIONS.items():
        shapes_of = [shape for name, shape in published() if name == model]
        found = published()[model, shapes_of[-1]]  # ncnn's own shape comes last
        together = found.winograd + found.spatial + found.grouped
        assert together == pytest.approx(sum(conv.macs for conv in convolutions), abs=2e4)
        winograd = sum(conv.macs for conv in convolutions if conv.rate == "winograd")
        assert found.winograd == pytest.approx(winograd, abs=1e4)


def test_a_wrong_list_of_convolutions_is_noticed(script: Import) -> None:
    networks = script("calibration_networks")
    with pytest.raises(ValueError, match=r"vgg16: 15346.63 MMAC of k x k, published 15000.00"):
        networks.check("vgg16", 15000.0)


def test_yolo_rows_are_computed(script: Import) -> None:
    """Within 2% of what the authors publish: yolov5s has 16.5 GFLOPs, 8.25 GMAC."""
    yolo = script("calibration_yolo")
    text = (DATA / "features.csv").read_text(encoding="utf-8")
    for row in yolo.rows():
        assert f"{row['model']},{row['input_shape']},{row['mmac_conv1x1']}," in text
    assert published()["yolov5s", "1x3x640x640"].macs == pytest.approx(8.25e9, rel=0.02)


def test_rows_of_torchvision_are_computed(script: Import) -> None:
    """GMACs as torchvision's table of weights has them; ResNet-101 has 17 blocks of 4 more."""
    torch = script("calibration_torch")
    text = (DATA / "features.csv").read_text(encoding="utf-8")
    for row in torch.rows():
        assert f"{row['model']},{row['input_shape']},{row['mmac_conv1x1']}," in text
    fifty, hundred = (
        published()[name, torch.SHAPE] for name in ("resnet50_v1.5", "resnet101_v1.5")
    )
    assert hundred.macs == pytest.approx(7.8e9, rel=0.005)
    # 17 blocks of three convolutions, an addition and an activation.
    assert hundred.kernels - fifty.kernels == 17 * 5
    with pytest.raises(ValueError, match=r"x: 4.20 GMACs counted, 4.09 published"):
        torch.check("x", 4.2, 4.09)


def test_shapes_are_learnt_again(script: Import) -> None:
    made = script("calibration_shapes")
    gpus = {"gpu float": made.runs()["gpu float"]}
    content = made.made(gpus, leave_out=False)["gpu float"]
    stored = json.loads(FILE.read_text(encoding="utf-8"))["gpu float"]
    assert content["units"] == stored["units"]
    assert content["mean"] == pytest.approx(stored["mean"], abs=0.02)
    assert np.array(content["spread"]) == pytest.approx(np.array(stored["spread"]), abs=0.02)


def test_every_network_has_a_mean_without_it() -> None:
    """At least those of ncnn's table, and never the mean itself: it would have been seen."""
    for kind, shape in shapes().items():
        assert len(shape.without) >= 8, kind
        for model, mean in shape.without.items():
            assert mean.tolist() != shape.mean.tolist(), (kind, model)


def test_behaviours(script: Import) -> None:
    """FastestDet on RK3568 comes out wrong: one row says 6 times what nine others of the same NPU
    do. The pairs can't be answered. All others must be right.
    """
    found = list(script("behaviours").behaviours())
    assert [each.what for each in found if each.right is False] == [
        "RK3568, FastestDet: NPU or four A55?"
    ]
    assert len([each for each in found if each.right]) == 6
