"""Constraints on convolutions and pooling, word by word: windows, strides, pads, groups, ranks.

Source: the `constraint` column of the tables in `data/`; where a docstring names another, that.
"""

from collections.abc import Iterable, Mapping

from hetsched.convert.capability_rules import (
    Rule,
    Unsure,
    all_of,
    anything,
    dilation_1,
    groups_1_or_depthwise,
    multiplier_1,
)
from hetsched.convert.capability_view import View

_MDLA_STRIDES = (1, 2, 3, 4, 8)
_MDLA_DILATIONS = (1, 2, 4, 8)


def ranks(*wanted: int) -> Rule:
    """The first input has one of these ranks."""

    def rule(view: View) -> str | None:
        rank = view.rank(view.input(0))
        listed = " or ".join(map(str, wanted))
        return None if rank in wanted else f"rank {listed} only, not {rank}"

    return rule


def window_of_op(view: View) -> tuple[int, ...] | None:
    """Height and width of the kernel or window, None when they aren't known."""
    given = view.integers("kernel_shape")
    if given is not None:
        return given
    is_global = view.op.op_type.startswith("Global")
    sides = view.sides(view.input(0 if is_global else 1)) or ()
    known = tuple(side for side in sides if side is not None)
    return known if known and len(known) == len(sides) else None


def _is_depthwise(view: View) -> bool:
    return view.integer("group", 1) != 1 and groups_1_or_depthwise(view) is None


def _window_of(low: int, high: int) -> Rule:
    def rule(view: View) -> str | None:
        window = window_of_op(view)
        ok = window is not None and all(low <= side <= high for side in window)
        return None if ok else f"window of {low} to {high}, not {window}"

    return rule


def values_of(attribute: str, accepted: Iterable[int]) -> Rule:
    """Each number in a list attribute is one of these."""
    values = frozenset(accepted)

    def rule(view: View) -> str | None:
        given = view.integers(attribute) or ()
        wanted = ", ".join(map(str, sorted(values)))
        return None if values.issuperset(given) else f"{attribute} {wanted} only, not {given}"

    return rule


def _stride_within_window(view: View) -> str | None:
    window, strides = window_of_op(view), view.integers("strides")
    if strides is None:
        return None
    ok = window is not None and all(s <= w for s, w in zip(strides, window, strict=False))
    return None if ok else f"stride {strides} is more than window {window}"


def pads_up_to(most: int) -> Rule:
    """No pad is negative or more than this."""

    def rule(view: View) -> str | None:
        if view.text("auto_pad", "NOTSET").startswith("SAME"):
            return Unsure(f"auto_pad makes pads, which must be {most} at most")
        pads = view.integers("pads") or ()
        return None if all(0 <= pad <= most for pad in pads) else f"pads of 0 to {most}, not {pads}"

    return rule


def _same_pads(view: View) -> str | None:
    """As much padding before as after, in each dimension."""
    if view.text("auto_pad", "NOTSET").startswith("SAME"):
        return Unsure("auto_pad may pad one side more, and pads must be the same on each")
    pads = view.integers("pads") or ()
    half = len(pads) // 2
    return None if pads[:half] == pads[half:] else f"the same pads on each side, not {pads}"


def _small_window(view: View) -> str | None:
    """A window of 2 to the 18th elements at most."""
    window = window_of_op(view)
    if window is None:
        return "window must be known"
    area = 1
    for side in window:
        area *= side
    return None if area <= 2**18 else f"window of {area} elements: at most {2**18}"


def _small_global_window(view: View) -> str | None:
    """As above, asked only of a window that covers the whole input."""
    return _small_window(view) if window_of_op(view) == view.sides(view.input(0)) else None


def _dilated_stride_1(view: View) -> str | None:
    is_dilated = dilation_1(view) is not None
    strides = view.integers("strides") or ()
    return "stride 1 only when dilated" if is_dilated and set(strides) - {1} else None


def _for_depthwise(*rules: Rule) -> Rule:
    """Rules that hold for depthwise convolutions only."""
    asked = all_of(*rules)
    return lambda view: asked(view) if _is_depthwise(view) else None


def _filter_height_2(view: View) -> str | None:
    window = window_of_op(view)
    return None if window is not None and window[0] >= 2 else "filter height of 2 or more"


def _mdla_input_channels(view: View) -> str | None:
    """Other dtypes aren't told apart: what is within the smaller limit is within each."""
    channels = (view.shape(view.input(0)) or (None, None))[1]
    if channels is None or channels > 8194:
        return f"at most 8194 input channels, not {channels}"
    return None if channels <= 4095 else Unsure(f"{channels} input channels: for int8 only")


def _no_strided_1x1(view: View) -> str | None:
    window, strides = window_of_op(view), view.integers("strides") or ()
    if window is None:
        return "window must be known"
    is_refused = set(window) == {1} and set(strides) - {1}
    return f"no 1x1 window with stride {strides}" if is_refused else None


def _no_fused_activation(view: View) -> str | None:
    """The converter may fuse an activation that alone reads the result."""
    readers = view.graph.consumers.get(view.op.outputs[0], ())
    fused = [op.op_type for op in readers if op.op_type in ("Clip", "Relu", "Tanh")]
    return Unsure(f"{fused[0]} after it may be fused into it") if fused else None


def _const_divisor(view: View) -> str | None:
    """Pools divide by the number of elements under the window; a division's divisor is stored.

    Source: the row of avg_pool2d in op-support.csv of ExecuTorch's XNNPACK backend:
    count_include_pad=False, divisor_override=pooling_region.
    """
    if view.op.op_type == "Div":
        return None if view.is_weight(view.input(1)) else "divisor must be stored in the model"
    is_counted = view.integer("count_include_pad", 0) and any(view.integers("pads") or ())
    return "count_include_pad not supported" if is_counted else None


def _kernel_as_weights(view: View) -> str | None:
    given, sides = view.integers("kernel_shape"), view.sides(view.input(1))
    if given is None or given == sides:
        return None
    return f"kernel_shape {given} must be that of the weights: {sides}"


def _no_groups(view: View) -> str | None:
    group = view.integer("group", 1)
    return None if group == 1 else f"no groups, not {group}"


def _no_depthwise(view: View) -> str | None:
    """Depthwise is a TFLite op of its own; how converters do other groups isn't known."""
    if _is_depthwise(view):
        return "missing TFLite DEPTHWISE_CONV_2D"
    is_grouped = view.integer("group", 1) != 1
    return Unsure("TFLite ops of a grouped convolution aren't known") if is_grouped else None


def _no_1d_transposed(view: View) -> str | None:
    is_1d = view.op.op_type == "ConvTranspose" and view.rank(view.input(0)) == 3
    return "no 1-D ConvTranspose" if is_1d else None


def _no_3d(view: View) -> str | None:
    rank = view.rank(view.input(0))
    return None if rank in (2, 3, 4) else f"no 3-D, not rank {rank}"


_MDLA_CONV = all_of(
    _window_of(1, 16), values_of("strides", _MDLA_STRIDES), values_of("dilations", _MDLA_DILATIONS)
)
_MDLA_GROUPS = all_of(
    groups_1_or_depthwise, _for_depthwise(_window_of(1, 8), values_of("strides", range(1, 5)))
)

WINDOW_CLAUSES: Mapping[str, Rule] = {
    "1-3 spatial dims": ranks(3, 4, 5),
    "1-D to 3-D": ranks(3, 4, 5),
    "1-D/2-D": ranks(3, 4),
    "1-D/2-D/3-D": ranks(3, 4, 5),
    "2-D (ND via im2col)": ranks(3, 4, 5, 6),
    "2-D kernel": ranks(4),
    "<=3 spatial dims": ranks(2, 3, 4, 5),
    "Cin<=8194 int8 / 4095 int16": _mdla_input_channels,
    "MDLA: filter<=16, stride 1-4/8, dilation 1/2/4/8, no groups (see mediatek_mdla.csv)": all_of(
        _MDLA_CONV, _dilated_stride_1, _MDLA_GROUPS
    ),
    "const divisor": _const_divisor,
    "dilation 1,2,4,8 (stride 1 when dilated)": all_of(
        values_of("dilations", _MDLA_DILATIONS), _dilated_stride_1
    ),
    "filter 1-16": _window_of(1, 16),
    "filter 1-8": _window_of(1, 8),
    # Of the two convolutions of TFLite the clauses are for DEPTHWISE_CONV_2D.
    # Source: README.md of TFLite's Hexagon delegate.
    "filter height>=2": _for_depthwise(_filter_height_2),
    "global window area<=2^18": _small_global_window,
    "kernel_shape equal to weights": _kernel_as_weights,
    "missing TFLite DEPTHWISE_CONV_2D": _no_depthwise,
    "multiplier 1": multiplier_1,
    "no 1-D transposed": _no_1d_transposed,
    "no 1x1 window with stride>1": _no_strided_1x1,
    "no 3-D": _no_3d,
    "no dilation in shape inference": dilation_1,
    "no fused activation": _no_fused_activation,
    "no groups": _no_groups,
    "no groups except depthwise (filter 1-8, stride 1-4)": _MDLA_GROUPS,
    "pad 0-15": pads_up_to(15),
    "padding 0": pads_up_to(0),
    "per-channel quant allowed": anything,
    "same pads each side": _same_pads,
    "stride 1,2,3,4,8": values_of("strides", _MDLA_STRIDES),
    "stride<=3": values_of("strides", range(1, 4)),
    "stride<=filter": _stride_within_window,
    "stride<=kernel": _stride_within_window,
    "window area<=2^18": _small_window,
}
"""Words to the rule that checks them."""
