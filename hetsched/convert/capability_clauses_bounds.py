"""Constraints on the bounds of Clip and on padding, word by word.

Source: the `constraint` column of the tables in `data/`; where a comment names another, that.
"""

from collections.abc import Mapping
from typing import TypeAlias

from hetsched.convert.capability_clauses_stored import parameter_rule
from hetsched.convert.capability_rules import Rule, Unsure, all_of
from hetsched.convert.capability_view import View
from hetsched.ir.graph import Scalar

_NXP_BOUNDS = ((-1, 1), (0, 1), (0, 6), (0, None))
_TORCH_NNAPI_BOUNDS = ((0, 6), (-1, 1))
_RELUS = ((0, None), (0, 6))

Bounds: TypeAlias = tuple[Scalar | None, Scalar | None]


def _bounds(view: View) -> Bounds | None:
    """Limits of a Clip, None each where there is none; None when they aren't known."""
    low, high = view.parameter("min", 1), view.parameter("max", 2)
    if low is None or high is None:
        return None
    return (low[0] if low else None, high[0] if high else None)


def _stored_bounds(view: View) -> str | None:
    return all_of(parameter_rule("min", 1), parameter_rule("max", 2))(view)


def _only_bounds(*accepted: Bounds) -> Rule:
    def rule(view: View) -> str | None:
        bounds = _bounds(view)
        listed = " or ".join(str(pair) for pair in accepted)
        return None if bounds in accepted else f"bounds {listed} only, not {bounds}"

    return rule


def _without(*missing: str) -> Rule:
    """A Clip becomes RELU or RELU6 where its bounds are those, else MAXIMUM and MINIMUM.

    Bounds of -1 and 1 or 0 and 1 have TFLite ops of their own, which converters may use.
    """

    def rule(view: View) -> str | None:
        bounds = _bounds(view)
        if bounds is None or bounds in _RELUS:
            return None if bounds else "bounds must be stored in the model"
        if bounds in ((-1, 1), (0, 1)):
            return Unsure(f"TFLite op of bounds {bounds} isn't known")
        used = {"MAXIMUM": bounds[0] is not None, "MINIMUM": bounds[1] is not None}
        lacking = [name for name in missing if used[name]]
        return f"missing TFLite {', '.join(lacking)}" if lacking else None

    return rule


def _pads(view: View) -> tuple[Scalar, ...] | None:
    """Elements added before each dimension, then after each; None when they aren't known."""
    pads, rank = view.parameter("pads", 1), view.rank(view.input(0))
    all_axes = pads is not None and rank is not None and len(pads) == 2 * rank
    return pads if all_axes else None


def _no_negative_pads(view: View) -> str | None:
    pads = _pads(view)
    ok = pads is not None and all(isinstance(pad, int) and pad >= 0 for pad in pads)
    return None if ok else f"stored pads of 0 or more only, not {pads}"


def _pads_from(first: int) -> Rule:
    """Pads of dimensions from `first` on only; counted from the back where negative."""

    def rule(view: View) -> str | None:
        pads = _pads(view)
        if pads is None:
            return Unsure("pads of which dimensions isn't known")
        rank = len(pads) // 2
        padded = [axis for axis in range(rank)[:first] if pads[axis] or pads[axis + rank]]
        return f"dimension {padded[0]} can't be padded" if padded else None

    return rule


def _fills_zero(view: View) -> str | None:
    fill = view.parameter("value", 2)
    ok = view.text("mode", "constant") == "constant" and fill is not None and not any(fill)
    return None if ok else "padding with zero only"


def _constant_mode(view: View) -> str | None:
    mode = view.text("mode", "constant")
    return None if mode == "constant" else f"constant mode only, not {mode}"


BOUND_CLAUSES: Mapping[str, Rule] = {
    "H/W only": _pads_from(-2),
    "const bounds": _stored_bounds,
    "const pads": parameter_rule("pads", 1),
    "constant mode only": _constant_mode,
    # Source: the rows of clamp and hardtanh in op-support.csv of ExecuTorch's NXP backend.
    "fixed bounds": _only_bounds(*_NXP_BOUNDS),
    "last two dims": _pads_from(-2),
    "missing TFLite MAXIMUM, MINIMUM": _without("MAXIMUM", "MINIMUM"),
    "missing TFLite MINIMUM": _without("MINIMUM"),
    "non-negative pad": _no_negative_pads,
    "only 0..6, -1..1": _only_bounds(*_TORCH_NNAPI_BOUNDS),
    "spatial dims only": _pads_from(2),
    "zero pad": _fills_zero,
}
"""Words to the rule that checks them."""
