"""Constraints that many tables have, word by word: dimensions, stored weights, axes, modes.

Source: the `constraint` column of the tables in `data/`.
"""

from collections.abc import Mapping

from hetsched.convert.capability_rules import (
    Rule,
    all_of,
    anything,
    dilation_1,
    four_d,
    groups_1_or_depthwise,
    multiplier_1,
    no_output_padding,
    one_output,
    reduce_spatial_or_channel,
    stored_parameters,
)
from hetsched.convert.capability_view import View

_PRODUCTS = frozenset({"Gemm", "MatMul"})


def _two_d(view: View) -> str | None:
    """Two spatial dimensions; for matrix products two dimensions."""
    wanted = 2 if view.op.op_type in _PRODUCTS else 4
    return None if view.rank(view.input(0)) == wanted else "2-D only"


def _rank_2(view: View) -> str | None:
    return None if view.rank(view.input(0)) == 2 else "rank 2 only"


def _no_3d(view: View) -> str | None:
    return None if view.rank(view.input(0)) in (3, 4) else "3-D convolution missing"


def _up_to_4d(view: View) -> str | None:
    ranks = [view.rank(name) for name in view.op.reads]
    return None if all(rank is not None and rank <= 4 for rank in ranks) else "4-D at most"


def _stored_weights(view: View) -> str | None:
    return None if view.is_weight(view.input(1)) else "weights must be stored in the model"


_AXES_INPUT = {"Pad": 3, "Resize": -1, "Slice": 3, "Upsample": -1}
"""Which input has the axes; 1 where the op isn't listed, -1 where they are an attribute."""


def _stored_axes(view: View) -> str | None:
    index = _AXES_INPUT.get(view.op.op_type, 1)
    is_stored = index < 0 or view.parameter("axes", index) is not None
    return None if is_stored else "axes must be stored in the model"


def _static(view: View) -> str | None:
    for name in (*view.data, *view.made):
        shape = view.shape(name)
        if shape is None or None in shape:
            return f"shape of {name!r} must be known"
    return None


def _last_axis(view: View) -> str | None:
    rank = view.rank(view.input(0))
    default = -1 if view.op.opset >= 13 or view.op.op_type == "LpNormalization" else 1
    axis = view.integer("axis", default)
    return None if rank is not None and axis in (-1, rank - 1) else "last axis only"


def _inference(view: View) -> str | None:
    if view.integer("training_mode", 0) or len(view.made) > 1:
        return "inference form only"
    return stored_parameters(view)


def _no_same_pad(view: View) -> str | None:
    mode = view.text("auto_pad", "NOTSET")
    return f"no auto_pad {mode}" if mode.startswith("SAME") else None


def _first_index(view: View) -> str | None:
    return "select_last_index not supported" if view.integer("select_last_index", 0) else None


def _keepdims(view: View) -> str | None:
    return None if view.integer("keepdims", 1) == 1 else "keepdims only"


def _two_axes(view: View) -> str | None:
    axes = view.axes("axes", 1)
    return None if axes is not None and len(axes) <= 2 else "at most two axes"


def _constant_mode(view: View) -> str | None:
    mode = view.text("mode", "constant")
    return None if mode == "constant" else f"constant mode only, not {mode}"


def _dcr(view: View) -> str | None:
    return None if view.text("mode", "DCR") == "DCR" else "DCR only"


def _crd(view: View) -> str | None:
    return None if view.text("mode", "DCR") == "CRD" else "CRD only"


def _same_or_stored(view: View) -> str | None:
    shapes = {view.shape(name) for name in view.data}
    return None if len(shapes) == 1 else "same shape or a stored operand only"


def _torch_coordinates(view: View) -> str | None:
    how = view.text("coordinate_transformation_mode", "half_pixel")
    is_nearest = view.text("mode", "nearest") == "nearest"
    accepted = (
        ["asymmetric"] if is_nearest else ["half_pixel", "pytorch_half_pixel", "align_corners"]
    )
    return None if how in accepted else f"{' or '.join(accepted)} only, not {how}"


def _no_ceil(view: View) -> str | None:
    return "no ceil_mode" if view.integer("ceil_mode", 0) else None


def _stored_or_transposed(view: View) -> str | None:
    stored = view.is_weight(view.input(1)) or view.integer("transB", 0) == 1
    return None if stored else "transB=1 where B isn't stored"


def _two_or_three_d(view: View) -> str | None:
    """Two or three spatial dimensions."""
    return None if view.rank(view.input(0)) in (4, 5) else "2-D and 3-D only"


def _same_batch(view: View) -> str | None:
    before, after = view.shape(view.input(0)), view.shape(view.op.outputs[0])
    return None if before and after and before[0] == after[0] else "batch must stay the same"


def _channel_axis(view: View) -> str | None:
    rank = view.rank(view.input(0))
    axis = view.integer("axis", 0)
    return None if rank is not None and axis in (1, 1 - rank) else "channel axis only"


def _two_inputs_or_more(view: View) -> str | None:
    return None if len(view.op.reads) >= 2 else "at least two inputs"


def _dla_kernel(view: View) -> str | None:
    shape = view.shape(view.input(1))
    sides = shape[2:] if shape is not None else (None,)
    ok = all(side is not None and 1 <= side <= 32 for side in sides)
    return None if ok else f"kernel of 1 to 32, not {sides}"


def _dla_stride(view: View) -> str | None:
    strides = view.integers("strides") or ()
    return None if all(1 <= step <= 8 for step in strides) else f"stride of 1 to 8, not {strides}"


def _dla_channels(view: View) -> str | None:
    counts = [view.channels(name) for name in (view.input(0), view.op.outputs[0])]
    ok = all(count is not None and 1 <= count <= 8192 for count in counts)
    return None if ok else f"1 to 8192 channels, not {counts}"


GENERAL_CLAUSES: Mapping[str, Rule] = {
    "2-D only": _two_d,
    "2-D": _two_d,
    "2-D activation only": four_d,
    "2-D element-wise": four_d,
    "2-D/3-D": _two_or_three_d,
    "2-D/3-D only": _two_or_three_d,
    "2-D resize only": _two_d,
    "3-D conv missing": _no_3d,
    "4-D": four_d,
    "4-D only": four_d,
    "4-D or broadcastable": _up_to_4d,
    "<=2 axes": _two_axes,
    "CRD only": _crd,
    "DCR only": _dcr,
    "1-D/3-D conv missing": _two_d,
    ">=2 inputs": _two_inputs_or_more,
    "H/W or channel axes": reduce_spatial_or_channel,
    "alpha 1": anything,
    "as Reshape": anything,
    "as rsqrt": anything,
    "axes unrolled": anything,
    "batch in=out": _same_batch,
    "beta 1": anything,
    "channel axis": _channel_axis,
    "channels 1-8192": _dla_channels,
    "const axes": _stored_axes,
    "const quant params": stored_parameters,
    "const scale and bias": stored_parameters,
    "const scale/zero point": stored_parameters,
    "const weights": _stored_weights,
    "const weights and bias": stored_parameters,
    "const weights and quant params": stored_parameters,
    "const weights/quant params": stored_parameters,
    "constant mode": _constant_mode,
    "coordinate modes other than the PyTorch-style ones only warn": _torch_coordinates,
    "dilation 1": dilation_1,
    "groups 1 or depthwise": groups_1_or_depthwise,
    "groups only 1 or depthwise with multiplier 1": all_of(groups_1_or_depthwise, multiplier_1),
    "if B not const, transB=1": _stored_or_transposed,
    "indices output not supported": one_output,
    "inference": _inference,
    "inference only": _inference,
    "keepdim": _keepdims,
    "kernel 1-32": _dla_kernel,
    "last axis": _last_axis,
    "last axis only": _last_axis,
    "no SAME auto_pad": _no_same_pad,
    "no ceil_mode": _no_ceil,
    "no dilation": dilation_1,
    "no indices output": one_output,
    "no output_padding": no_output_padding,
    "no output_shape": no_output_padding,
    "opset 13: last axis": _last_axis,
    "rank-2 only": _rank_2,
    "reflect/edge depend on device and not on channel axis": _constant_mode,
    "same shape or const broadcast": _same_or_stored,
    "same spatial size": anything,
    "select_last_index not supported": _first_index,
    "static output shape": _static,
    "static shape": _static,
    "static size": _static,
    "stride 1-8": _dla_stride,
    "weights const or dynamic by version": _stored_weights,
}
"""Words to the rule that checks them."""
