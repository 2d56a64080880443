"""Text boxes: regions against a flood fill, rectangles against a search, boxes of known maps."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hetsched.errors import RunError
from hetsched.stages import CropText, DbBoxes
from hetsched.stages.regions import around, hull, regions
from hetsched.stages.text_boxes import cut


def flooded(mask: np.ndarray) -> set[frozenset[tuple[int, int]]]:
    """Regions of touching pixels (x, y), by visiting neighbours."""
    left = {(x, y) for y, x in np.argwhere(mask).tolist()}
    found = set()
    while left:
        region, edge = set(), [left.pop()]
        while edge:
            x, y = edge.pop()
            region.add((x, y))
            near = {(x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            edge += near
        found.add(frozenset(region))
    return found


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_regions_are_what_a_flood_fill_finds(mask: np.ndarray) -> None:
    got = regions(mask)
    wanted = flooded(mask)
    assert len(got) == len(wanted)
    hulls = {frozenset(map(tuple, hull(np.array(list(region))).tolist())) for region in wanted}
    assert {frozenset(map(tuple, hull(points).tolist())) for points in got} == hulls


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=12))
def test_a_rectangle_holds_its_points_and_none_turned_is_smaller(
    points: list[tuple[int, int]],
) -> None:
    array = np.array(points, float)
    box = around(array)
    u = (array - box.centre) @ box.along
    v = (array - box.centre) @ [-box.along[1], box.along[0]]
    assert (abs(u) <= box.width / 2 + 1e-9).all()
    assert (abs(v) <= box.height / 2 + 1e-9).all()
    assert abs(box.along[0]) >= math.sqrt(0.5) - 1e-9
    for degrees in range(90):
        turn = np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])
        sides = np.ptp(array @ turn), np.ptp(array @ [-turn[1], turn[0]])
        assert box.width * box.height <= sides[0] * sides[1] + 1e-9


def test_a_turned_square() -> None:
    """Corners at 2 from the centre on the axes: sides of 2 root 2."""
    box = around(np.array([[2, 0], [0, 2], [-2, 0], [0, -2]]))
    assert box.width == pytest.approx(math.sqrt(8))
    assert box.height == pytest.approx(math.sqrt(8))


def page(*boxes: tuple[int, int, int, int], score: float = 0.9) -> np.ndarray:
    """A map (1, 1, 60, 200) that is sure of text in pixels x0..x1, y0..y1."""
    made = np.zeros((1, 1, 60, 200), np.float32)
    for x0, y0, x1, y1 in boxes:
        made[0, 0, y0 : y1 + 1, x0 : x1 + 1] = score
    return made


def test_a_level_box_by_hand() -> None:
    """Pixels 20..79 and 10..19: sides 59 and 9; grown by 59 x 9 x 1.6 / (2 x 68) = 6.247."""
    (box,) = DbBoxes(dilate=False)(page((20, 10, 79, 19)))
    assert list(map(list, box.quad)) == [[14, 4], [85, 4], [85, 25], [14, 25]]
    assert box.score == pytest.approx(0.9)
    (half,) = DbBoxes(dilate=False, size=(30, 100))(page((20, 10, 79, 19)))
    # 85.247 / 2 = 42.6 and 25.247 / 2 = 12.6
    assert list(map(list, half.quad)) == [[7, 2], [43, 2], [43, 13], [7, 13]]


def test_boxes_line_by_line() -> None:
    stage = DbBoxes()
    boxes = stage(page((120, 12, 160, 20), (20, 14, 60, 22), (40, 44, 90, 52)))
    # Tops at 12 and 14 are one line; each box has grown to the left by about 10 or less.
    assert [round(box.quad[0][0], -1) for box in boxes] == [10, 110, 30]


def test_what_is_too_small_or_too_faint_goes() -> None:
    assert DbBoxes()(page((20, 10, 40, 11))) == []  # 2 high with dilation
    assert DbBoxes()(page((20, 10, 40, 30), score=0.4)) == []
    assert DbBoxes()(page()) == []
    with pytest.raises(RunError, match=r"\(1, 1, H, W\), not \(2, 2\)"):
        DbBoxes()(np.zeros((2, 2)))


def test_a_turned_box_is_found_turned() -> None:
    """A bar through (100, 30), 120 long, at 10 degrees: the quad's top edge rises like it."""
    y, x = np.mgrid[0:60, 0:200]
    turn = math.radians(10)
    u = (x - 100) * math.cos(turn) + (y - 30) * math.sin(turn)
    v = (y - 30) * math.cos(turn) - (x - 100) * math.sin(turn)
    plane = ((abs(u) < 60) & (abs(v) < 5)).astype(np.float32)
    (box,) = DbBoxes(grow=0, dilate=False)(plane[None, None])
    (x0, y0), (x1, y1), *_ = box.quad
    assert math.degrees(math.atan2(y1 - y0, x1 - x0)) == pytest.approx(10, abs=1)
    assert math.hypot(x1 - x0, y1 - y0) == pytest.approx(120, abs=3)


def test_cutting_a_level_box_is_slicing() -> None:
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    made = cut(image, ((4, 5), (14, 5), (14, 11), (4, 11)))
    np.testing.assert_array_equal(made, image[5:11, 4:14])
    turned = cut(image, ((14, 5), (14, 11), (4, 11), (4, 5)))  # its top is the image's right
    assert turned.shape == (10, 6, 3)
    with pytest.raises(RunError, match="an empty box"):
        cut(image, ((4, 5), (4, 5), (4, 5), (4, 5)))


def test_cropped_text_has_the_height_and_is_filled() -> None:
    """10 x 5 at height 10 is 20 wide; 40 - 20 columns are free. Upright text is turned."""
    image = np.full((20, 30, 3), 9, np.uint8)
    stage = CropText(height=10, width=40, fill=1)
    made = stage({"image": image, "quad": ((4, 5), (14, 5), (14, 10), (4, 10))})
    assert (made[:, :20] == 9).all()
    assert (made[:, 20:] == 1).all()
    upright = stage({"image": image, "quad": ((4, 5), (9, 5), (9, 15), (4, 15))})
    np.testing.assert_array_equal(upright, made)
    with pytest.raises(RunError, match="text cropping reads 'quad': there is image"):
        stage({"image": image})
