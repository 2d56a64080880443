"""Constraints on Resize and Upsample, word by word.

Source: the `constraint` column of the tables in `data/`; where a docstring names another, that.
"""

from collections.abc import Mapping

from hetsched.convert.capability_clauses_windows import ranks
from hetsched.convert.capability_rules import Rule, Unsure, all_of
from hetsched.convert.capability_view import View

_LISTED_COORDINATES = frozenset(
    {"half_pixel", "pytorch_half_pixel", "tf_half_pixel_for_nn", "asymmetric", "align_corners"}
)


def _modes(*accepted: str) -> Rule:
    def rule(view: View) -> str | None:
        mode = view.text("mode", "nearest")
        name = "linear" if mode == "bilinear" else mode
        return None if name in accepted else f"{' or '.join(accepted)} only, not {mode}"

    return rule


def _listed_coordinates(view: View) -> str | None:
    """Source: the row of Resize in docs/operators.md of onnx-tensorrt."""
    how = view.text("coordinate_transformation_mode", "half_pixel")
    return None if how in _LISTED_COORDINATES else f"no coordinate mode {how}"


def _no_nearest(view: View) -> str | None:
    """Nearest and bilinear are TFLite ops of their own; what cubic becomes isn't known."""
    mode = view.text("mode", "nearest")
    if mode == "nearest":
        return "missing TFLite RESIZE_NEAREST_NEIGHBOR"
    return None if mode in ("linear", "bilinear") else Unsure(f"TFLite op of {mode} isn't known")


def _only_hw(view: View) -> str | None:
    before, after = view.shape(view.input(0)), view.shape(view.op.outputs[0])
    ok = before and after and None not in before[:2] and before[:2] == after[:2]
    return None if ok else "batch and channels must stay the same"


def _scales_1248(view: View) -> str | None:
    before, after = view.sides(view.input(0)), view.sides(view.op.outputs[0])
    for small, large in zip(before or (None,), after or (None,), strict=False):
        if not small or not large or large % small or large // small not in (1, 2, 4, 8):
            return f"scale 1, 2, 4 or 8 only, not {small} to {large}"
    return None


def _up_to_65(view: View) -> str | None:
    sides = view.sides(view.op.outputs[0]) or (None,)
    ok = all(side is not None and side <= 65 for side in sides)
    return None if ok else f"size of 65 at most, not {sides}"


def _no_roi(view: View) -> str | None:
    """Resize reads its region of interest in one coordinate mode only."""
    how = view.text("coordinate_transformation_mode", "half_pixel")
    is_read = view.op.opset >= 11 and how == "tf_crop_and_resize"
    return "no region of interest" if is_read else None


RESIZE_CLAUSES: Mapping[str, Rule] = {
    "2-D/4-D bilinear": all_of(ranks(2, 4), _modes("linear")),
    "bilinear only": _modes("linear"),
    "listed coordinate modes": _listed_coordinates,
    "missing TFLite RESIZE_NEAREST_NEIGHBOR": _no_nearest,
    "nearest or bilinear 2-D": all_of(ranks(4), _modes("nearest", "linear"), _only_hw),
    "nearest": _modes("nearest"),
    "nearest/bilinear": _modes("nearest", "linear"),
    "nearest/linear": _modes("nearest", "linear"),
    "no roi": _no_roi,
    "requested size <=65": _up_to_65,
    "scale 1/2/4/8": _scales_1248,
}
"""Words to the rule that checks them."""
