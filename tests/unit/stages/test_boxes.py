"""Boxes' forms, SSD's and YOLO's decoding, NMS against a brute-force reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.errors import RunError
from hetsched.stages import Detection, Nms, SsdBoxes, YoloBoxes
from hetsched.stages.boxes import iou, to_centres, to_corners


def test_corners_and_centres() -> None:
    """A box of 4 x 2 around (10, 20) reaches from (8, 19) to (12, 21)."""
    centres = np.array([[10.0, 20, 4, 2]])
    np.testing.assert_array_equal(to_corners(centres), [[8, 19, 12, 21]])
    np.testing.assert_array_equal(to_centres(to_corners(centres)), centres)


def test_overlap() -> None:
    """2 x 2 against itself 1; shifted by 1: 2 / 6; beside it and empty 0."""
    others = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [2, 0, 4, 2], [1, 1, 1, 1]], float)
    np.testing.assert_allclose(iou(others[0], others), [1, 1 / 3, 0, 0])
    np.testing.assert_array_equal(iou(others[3], others[3:]), [0])


def test_ssd_by_hand() -> None:
    """Anchor (0.5, 0.5, 0.2, 0.4); offsets (1, 2, 0, 5 log 2) by scales (10, 10, 5, 5): centre
    0.5 + 0.1 x 0.2 = 0.52 and 0.5 + 0.2 x 0.4 = 0.58; size 0.2 and 0.4 x 2 = 0.8."""
    stage = SsdBoxes(anchors=((0.5, 0.5, 0.2, 0.4),))
    offsets = np.array([[[1, 2, 0, 5 * np.log(2)]]])
    np.testing.assert_allclose(stage(offsets), [[[0.42, 0.18, 0.62, 0.98]]])
    swapped = SsdBoxes(anchors=((0.5, 0.5, 0.2, 0.4),), order="yxhw", of="raw")
    made = swapped({"raw": offsets[..., [1, 0, 3, 2]], "scores": offsets})
    assert list(made) == ["raw", "scores", "boxes"]
    np.testing.assert_allclose(made["boxes"], stage(offsets))
    with pytest.raises(RunError, match=r"take \(..., 1, 4\), not \(2, 4\)"):
        stage(np.zeros((2, 4)))


def test_no_offsets_give_the_anchors() -> None:
    rng = np.random.default_rng(0)
    anchors = rng.random((7, 4))
    stage = SsdBoxes(anchors=tuple(map(tuple, anchors.tolist())))
    np.testing.assert_allclose(stage(np.zeros((2, 7, 4)))[1], to_corners(anchors))


def test_yolo_by_hand() -> None:
    """Logits 0 are 0.5: centre (2 x 0.5 - 0.5 + cell) x 8, size (2 x 0.5)^2 anchors, score 0.25.
    Anchors 16 x 8 and 4 x 4; the cell in row 0, column 1 has its centre at (12, 4)."""
    made = YoloBoxes(anchors=((16, 8), (4, 4)), stride=8)(np.zeros((1, 2 * 7, 2, 3)))
    assert made["boxes"].shape == (1, 2 * 2 * 3, 4)
    assert (made["scores"] == 0.25).all()
    assert made["scores"].shape == (1, 12, 2)
    assert made["boxes"][0, 1].tolist() == [4, 0, 20, 8]
    assert made["boxes"][0, 6].tolist() == [2, 2, 6, 6]  # the other anchor, first cell
    with pytest.raises(RunError, match=r"2 x \(5 \+ classes\)"):
        YoloBoxes(anchors=((1, 1), (2, 2)), stride=8)(np.zeros((1, 13, 2, 3)))


def brute_force(boxes: np.ndarray, scores: np.ndarray, stage: Nms) -> list[Detection]:
    """Candidates from the best down; one stays unless one that stayed forbids it."""
    candidates = sorted(
        (-scores[b, c], b, c)
        for b in range(scores.shape[0])
        for c in range(scores.shape[1])
        if scores[b, c] > stage.score_threshold
    )
    kept: list[tuple[int, int]] = []
    for _, b, c in candidates:
        rivals = [k for k, kind in kept if kind == c or not stage.per_class]
        if all(iou(boxes[k], boxes[b : b + 1])[0] <= stage.iou_threshold for k in rivals):
            kept.append((b, c))
    return [Detection(tuple(boxes[b].tolist()), c, str(c), float(scores[b, c])) for b, c in kept][
        : stage.max_boxes
    ]


@given(
    st.integers(0, 2**32),
    st.integers(0, 25),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    st.sampled_from([0.0, 0.2, 0.8]),
    st.booleans(),
    st.sampled_from([None, 1, 3]),
)
def test_nms_is_the_brute_force_one(
    seed: int,
    count: int,
    classes: int,
    iou_threshold: float,
    score_threshold: float,
    per_class: bool,
    max_boxes: int | None,
) -> None:
    """On a small grid of places and scores, so that there are ties and equal boxes."""
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 4, (count, 2))
    boxes = np.concatenate([corner, corner + rng.integers(0, 4, (count, 2))], axis=1).astype(float)
    scores = rng.integers(0, 6, (count, classes)) / 5
    stage = Nms(
        iou_threshold=iou_threshold,
        score_threshold=score_threshold,
        per_class=per_class,
        max_boxes=max_boxes,
    )
    (got,) = stage({"boxes": boxes[None], "scores": scores[None]})
    assert got == brute_force(boxes, scores, stage)


def test_nms_names_what_is_wrong() -> None:
    with pytest.raises(RunError, match="NMS reads 'boxes': there is y"):
        Nms()({"y": 1})
    with pytest.raises(RunError, match=r"not \(1, 2, 4\) and \(1, 3, 5\)"):
        Nms()({"boxes": np.zeros((1, 2, 4)), "scores": np.zeros((1, 3, 5))})
    with pytest.raises(RunError, match="1 labels for 5 classes"):
        Nms(labels=("a",))({"boxes": np.zeros((1, 3, 4)), "scores": np.zeros((1, 3, 5))})
