"""Constraints of capability rows, as predicates on attributes, shapes and ranks.

A rule gets the op and returns None when the op meets the constraint, else the part of it that is
broken, in words (`Unsure` where it isn't known whether it is). Rows of status `partial` without a
rule here get one from their words (see `capability_clauses`); words that can't be checked leave the
op unknown: it isn't promised. Rows of status `full` may have a rule too.

Source of every rule: the row of that framework, backend and op in `data/mace.csv` (which names the
file and commit it was read from), and where a docstring says so, the code of MACE's converter.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from hetsched.convert.capability_view import View

Rule: TypeAlias = Callable[[View], str | None]


class Unsure(str):
    """What a rule returns where nobody says whether the op runs: it makes the op unknown."""

    __slots__ = ()


def all_of(*rules: Rule) -> Rule:
    """The first broken one of several rules; one that is sure goes before one that isn't."""

    def rule(view: View) -> str | None:
        unsure = None
        for check in rules:
            reason = check(view)
            if reason is not None and not isinstance(reason, Unsure):
                return reason
            unsure = reason if unsure is None else unsure
        return unsure

    return rule


def anything(view: View) -> str | None:  # noqa: ARG001  (a rule takes the op)
    """Nothing to check: the row's text describes how the op is done, not a limit."""
    return None


def conv_2d(view: View) -> str | None:
    """2-D convolutions only: 4-D input and stored 4-D weights."""
    if view.rank(view.input(0)) != 4:
        return "2-D convolutions only"
    return None if view.is_weight(view.input(1)) else "weights must be stored in the model"


def groups_1_or_depthwise(view: View) -> str | None:
    """Groups 1, or as many as input channels."""
    group, channels = view.integer("group", 1), view.channels(view.input(0))
    return None if group in (1, channels) else f"groups 1 or depthwise only, not {group}"


def multiplier_1(view: View) -> str | None:
    """Depthwise convolutions make one channel of each."""
    group, made = view.integer("group", 1), view.channels(view.op.outputs[0])
    return None if group == 1 or made == group else "depthwise with multiplier 1 only"


def dilation_1(view: View) -> str | None:
    """No dilation."""
    dilations = view.integers("dilations") or ()
    return None if set(dilations) <= {1} else f"dilation 1 only, not {dilations}"


def no_output_padding(view: View) -> str | None:
    """No `output_padding`, no `output_shape`."""
    if any(view.integers("output_padding") or ()):
        return "no output_padding"
    return "no output_shape" if view.integers("output_shape") else None


def pool_2d(view: View) -> str | None:
    """2-D pooling."""
    return None if view.rank(view.input(0)) == 4 else "2-D pooling only"


def one_output(view: View) -> str | None:
    """A single output."""
    return None if len(view.made) == 1 else "one output per op"


def two_inputs(view: View) -> str | None:
    """Exactly two inputs, neither of them a single stored number.

    MACE's ONNX converter turns a stored scalar (rank 0, or rank 1 with one element) into an
    attribute, which leaves one input. Source: convert_eltwise in onnx_converter.py.
    """
    count = sum(bool(name) for name in view.op.inputs)
    if count != 2:
        return f"exactly two inputs, not {count}"
    for name in view.stored:
        if view.shape(name) in ((), (1,)):
            return "exactly two inputs: a stored scalar becomes an attribute"
    return None


def at_most_two_inputs(view: View) -> str | None:
    """One or two inputs. Source: EltwiseOp's GPU kernel in eltwise.cc."""
    count = len(view.op.inputs)
    return None if count <= 2 else f"at most two inputs, not {count}"


def stored_operand_rank(view: View) -> str | None:
    """A stored operand has rank 1 or 4; a stored scalar becomes an attribute."""
    for name in view.stored:
        if view.shape(name) not in ((), (1,)) and view.rank(name) not in (1, 4):
            return f"const operand must be rank 1 or 4, not {view.rank(name)}"
    return None


def clip_min_0(view: View) -> str | None:
    """Clip that is a ReLU with or without an upper limit: min = 0, both limits stored."""
    low = view.parameter("min", 1)
    if not low or low[0] != 0:
        return "Clip with min=0 only (RELU, RELUX)"
    return None if view.parameter("max", 2) is not None else "Clip with a stored max only"


def four_d(view: View) -> str | None:
    """4-D tensors."""
    rank = view.rank(view.input(0))
    return None if rank == 4 else f"4-D tensors only, not rank {rank}"


def rank_2_or_4(view: View) -> str | None:
    """Rank 2 or 4."""
    rank = view.rank(view.input(0))
    return None if rank in (2, 4) else f"rank 2 or 4 only, not {rank}"


def output_rank_2_or_4(view: View) -> str | None:
    """The result has rank 2 or 4."""
    rank = view.rank(view.op.outputs[0])
    return None if rank in (2, 4) else f"output rank 2 or 4 only, not {rank}"


def four_d_or_stored_shape(view: View) -> str | None:
    """4-D tensors, or a shape that is stored in the model."""
    if view.rank(view.input(0)) == 4 or view.op.op_type == "Flatten":
        return None
    is_stored = len(view.op.inputs) < 2 or view.is_constant(view.input(1))
    return None if is_stored else "4-D tensors or a stored shape only"


def concat_channels(view: View) -> str | None:
    """4-D, channel axis, channels of all inputs but the last divisible by 4."""
    if view.rank(view.input(0)) != 4 or view.integer("axis", 1) not in (1, -3):
        return "4-D channel axis only"
    counts = [view.channels(name) for name in view.op.inputs[:-1]]
    if any(count is None or count % 4 for count in counts):
        return "channels of all but the last input must be divisible by 4"
    return None


def split_channels(view: View) -> str | None:
    """4-D, channel axis, channels of every output divisible by 4."""
    if view.rank(view.input(0)) != 4 or view.integer("axis", 0) not in (1, -3):
        return "4-D channel axis only"
    counts = [view.channels(name) for name in view.made]
    if any(count is None or count % 4 for count in counts):
        return "output channels must be divisible by 4"
    return None


def reduce_spatial_or_channel(view: View) -> str | None:
    """4-D input, dimensions kept, over H and W or over C."""
    if view.rank(view.input(0)) != 4:
        return "4-D input only"
    if view.integer("keepdims", 1) != 1:
        return "keepdims only"
    axes = view.axes("axes", 1)
    return None if axes in ((2, 3), (1,)) else "axes H and W, or C, only"


def global_pool_4d(view: View) -> str | None:
    """4-D input; global pooling keeps dimensions and reduces H and W by definition."""
    return None if view.rank(view.input(0)) == 4 else "4-D input only"


def zero_pad_hw(view: View) -> str | None:
    """Constant zero padding of H and W."""
    if view.text("mode", "constant") != "constant":
        return "constant padding only"
    fill = view.parameter("value", 2)
    if fill is None or any(fill):
        return "padding with zero only"
    pads = view.parameter("pads", 1)
    rank = view.rank(view.input(0))
    if not pads or rank != 4 or len(pads) != 8 or any(pads[i] for i in (0, 1, 4, 5)):
        return "padding of H and W of 4-D tensors only"
    return None


def resize_bilinear(view: View) -> str | None:
    """Bilinear interpolation of 4-D tensors."""
    mode = view.text("mode", "nearest")
    if mode not in ("linear", "bilinear"):
        return f"bilinear only, not {mode}"
    return None if view.rank(view.input(0)) == 4 else "4-D tensors only"


def resize_onnx(view: View) -> str | None:
    """What MACE's ONNX converter takes: no region of interest, few coordinate modes."""
    how = view.text("coordinate_transformation_mode", "half_pixel")
    if view.text("mode", "nearest") != "nearest":
        accepted = ("align_corners", "pytorch_half_pixel")
        return None if how in accepted else f"needs {' or '.join(accepted)}, not {how}"
    rounding = view.text("nearest_mode", "round_prefer_floor")
    if how == "asymmetric" and rounding in ("round_prefer_floor", "floor"):
        return None
    return f"nearest needs asymmetric with round_prefer_floor or floor, not {how} with {rounding}"


def upsample_stored(view: View) -> str | None:
    """Nearest or bilinear, with stored scales."""
    if view.text("mode", "nearest") not in ("nearest", "linear", "bilinear"):
        return "nearest or bilinear only"
    return None if view.parameter("scales", 1) is not None else "stored scales only"


def stored_parameters(view: View) -> str | None:
    """All inputs after the first are stored in the model."""
    others = [name for name in view.op.inputs[1:] if name and not view.is_weight(name)]
    return f"parameter {others[0]!r} must be stored in the model" if others else None


def folded_batchnorm(view: View) -> str | None:
    """Folded into the convolution that makes its only input and has no other reader."""
    producer = view.graph.producer.get(view.input(0))
    readers = view.graph.consumers.get(view.input(0), ())
    if producer is None or producer.op_type not in ("Conv", "ConvTranspose"):
        return "only when folded into a convolution right before it"
    if len(readers) != 1 or view.input(0) in view.graph.outputs:
        return "only when folded: its convolution has other readers"
    return stored_parameters(view)


def fully_connected(view: View) -> str | None:
    """Gemm of a 2-D input with stored 2-D weights, not transposed on the left.

    Source: transform_matmul_to_fc in transformer.py makes it a FullyConnected for the APU.
    """
    if view.integer("transA", 0) != 0:
        return "transA=0 only"
    stored = view.is_weight(view.input(1)) and view.rank(view.input(1)) == 2
    return None if stored else "2-D weights stored in the model only"


def fully_connected_4d(view: View) -> str | None:
    """FullyConnected needs a 4-D input; anything else becomes MatMul, which has no GPU kernel."""
    if view.rank(view.input(0)) != 4:
        return "FullyConnected needs a 4-D input, else MatMul, which has no GPU kernel"
    if view.integer("transA", 0) != 0 or view.integer("transB", 0) != 1:
        return "transA=0 and transB=1 only"
    return None if view.is_weight(view.input(1)) else "stored weights only"


def quantize_uint8_per_tensor(view: View) -> str | None:
    """At a boundary of the APU's part of the graph, one stored scale for the whole tensor.

    Inside a part, quantise and dequantise pairs vanish into the tensors' scales.
    Source: use_quant_in_out in apu_converter.py.
    """
    scale = view.shape(view.input(1))
    if not view.is_constant(view.input(1)) or scale not in ((), (1,)):
        return "per-tensor quantisation with a stored scale only"
    return None


def axes_attribute(view: View) -> str | None:
    """Axes as an attribute."""
    return None if view.op.opset < 13 else "axes must be an attribute (opset < 13)"


def slice_attributes(view: View) -> str | None:
    """Starts and ends as attributes."""
    return None if view.op.opset < 10 else "starts and ends must be attributes (opset < 10)"


_ELTWISE = all_of(at_most_two_inputs, stored_operand_rank)
_SUM_OR_PROD = two_inputs
_CONV_TRANSPOSE = all_of(conv_2d, groups_1_or_depthwise, dilation_1, no_output_padding)

_APU: dict[str, Rule] = {
    "Add": _SUM_OR_PROD,
    "AveragePool": pool_2d,
    "BatchNormalization": folded_batchnorm,
    "Clip": clip_min_0,
    # "needs bias input": the APU converter adds a bias of zeros where there is none
    # (ensure_bias_vector in apu_converter.py), so that only the groups are left to check.
    "Conv": all_of(conv_2d, groups_1_or_depthwise),
    "ConvTranspose": all_of(conv_2d, dilation_1),
    "DequantizeLinear": quantize_uint8_per_tensor,
    "Dropout": one_output,
    "Flatten": anything,
    "Gemm": fully_connected,
    "Identity": anything,
    "MaxPool": pool_2d,
    "Mul": _SUM_OR_PROD,
    "Pad": zero_pad_hw,
    "QuantizeLinear": quantize_uint8_per_tensor,
    "Resize": resize_bilinear,
    "Sum": _SUM_OR_PROD,
    "Upsample": all_of(resize_bilinear, upsample_stored),
}

_ELTWISE_OPS = (
    "Abs", "Add", "Div", "Equal", "Max", "Min", "Mul", "Neg", "Pow", "Reciprocal", "Sqrt", "Sub",
    "Sum",
)  # fmt: skip
_ACTIVATIONS = ("Clip", "Elu", "HardSigmoid", "LeakyRelu", "PRelu", "Relu", "Sigmoid", "Tanh")
_REDUCTIONS = ("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum")

_GPU: dict[str, Rule] = {
    **dict.fromkeys(_ELTWISE_OPS, _ELTWISE),
    **dict.fromkeys(_ACTIVATIONS, four_d),
    **dict.fromkeys(_REDUCTIONS, reduce_spatial_or_channel),
    "AveragePool": pool_2d,
    "BatchNormalization": stored_parameters,
    "Concat": concat_channels,
    "Conv": all_of(conv_2d, groups_1_or_depthwise, multiplier_1),
    "ConvTranspose": _CONV_TRANSPOSE,
    "DepthToSpace": anything,
    "Flatten": four_d_or_stored_shape,
    "Gemm": fully_connected_4d,
    "GlobalAveragePool": global_pool_4d,
    "GlobalMaxPool": global_pool_4d,
    "InstanceNormalization": stored_parameters,
    "LogSoftmax": rank_2_or_4,
    "MaxPool": all_of(pool_2d, one_output),
    "Reshape": four_d_or_stored_shape,
    "Resize": resize_onnx,
    "Softmax": rank_2_or_4,
    "SpaceToDepth": anything,
    "Split": split_channels,
    "Squeeze": output_rank_2_or_4,
    "Upsample": upsample_stored,
}

_CONVERTER: dict[str, Rule] = {
    "AveragePool": pool_2d,
    "BatchNormalization": stored_parameters,
    "Conv": all_of(conv_2d, groups_1_or_depthwise, multiplier_1),
    "ConvTranspose": _CONV_TRANSPOSE,
    "DepthToSpace": anything,
    # FullyConnected or else MatMul: both convert.
    "Gemm": anything,
    "InstanceNormalization": stored_parameters,
    "MaxPool": all_of(pool_2d, one_output),
    "QuantizeLinear": quantize_uint8_per_tensor,
    "DequantizeLinear": quantize_uint8_per_tensor,
    "Resize": resize_onnx,
    "Slice": slice_attributes,
    "SpaceToDepth": anything,
    "Squeeze": axes_attribute,
    "Unsqueeze": axes_attribute,
    "Upsample": upsample_stored,
}

RULES: Mapping[tuple[str, str], Mapping[str, Rule]] = {
    ("mace", "apu"): _APU,
    ("mace", "gpu-opencl"): _GPU,
    ("mace", "converter"): _CONVERTER,
    # The same words as the converter's, see the rows.
    ("mace", "cpu-arm"): _CONVERTER,
}
"""(framework, backend) to op type to its rule."""
