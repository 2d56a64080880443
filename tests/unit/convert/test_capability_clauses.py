"""Each clause that is checked, with an op that meets it and one that doesn't."""

from pathlib import Path

import pytest

from hetsched.convert.capability_clauses import CLAUSES, clause_rule, known_part
from hetsched.convert.capability_clauses_bounds import BOUND_CLAUSES
from hetsched.convert.capability_clauses_general import GENERAL_CLAUSES
from hetsched.convert.capability_clauses_rare import RARE_CLAUSES
from hetsched.convert.capability_clauses_resize import RESIZE_CLAUSES
from hetsched.convert.capability_clauses_shapes import SHAPE_CLAUSES
from hetsched.convert.capability_clauses_stored import STORED_CLAUSES
from hetsched.convert.capability_clauses_windows import WINDOW_CLAUSES
from hetsched.convert.capability_finding import finding
from hetsched.convert.capability_rows import index, table
from hetsched.convert.capability_rules import RULES, Unsure, all_of, anything
from hetsched.convert.capability_view import View
from hetsched.ir.graph import Attribute
from tests.unit.convert.ops import (
    IMAGE,
    conv,
    image_op,
    number,
    op,
    pool,
    run_time,
    stored,
)

DOC = Path(__file__).parents[3] / "docs" / "checking.md"
X = run_time(*IMAGE)
MDLA = "MDLA: filter<=16, stride 1-4/8, dilation 1/2/4/8, no groups (see mediatek_mdla.csv)"
HTP = "HTP quantised pairs u8/u8,u8/u16,u16/u8 (float via fp16)"


def transposed(**more: Attribute) -> View:
    return op("ConvTranspose", X, stored(8, 8, 3, 3), given=more)


def resized(height: int, width: int, **more: Attribute) -> View:
    return op("Resize", X, made=(1, 8, height, width), given=more)


def clip(*bounds: float) -> View:
    return op("Clip", X, *(number(bound) for bound in bounds))


def padded(*pads: int, **more: Attribute) -> View:
    return op("Pad", X, number(*pads), given=more)


H_AND_W, CHANNELS = (0, 0, 1, 1, 0, 0, 1, 1), (0, 1, 0, 0, 0, 0, 0, 0)

WINDOWS = {
    "1-3 spatial dims": (conv(kernel=(3,)), conv(kernel=(1, 1, 1, 1))),
    "1-D to 3-D": (pool(2, 2, 2), pool(2, 2, 2, 2)),
    "1-D/2-D": (conv(kernel=(3,)), conv(kernel=(3, 3, 3))),
    "1-D/2-D/3-D": (image_op("Resize"), op("Resize", run_time(1, 8), made=(1, 8))),
    "2-D (ND via im2col)": (conv(kernel=(3, 3, 3)), op("Conv", run_time(1, 8))),
    "2-D kernel": (pool(2, 2), pool(2)),
    "<=3 spatial dims": (conv(kernel=(3, 3, 3)), conv(kernel=(1, 1, 1, 1))),
    "Cin<=8194 int8 / 4095 int16": (conv(channels=4095), conv(channels=8195)),
    MDLA: (conv(kernel=(16, 16), strides=(8, 8)), conv(strides=(5, 5))),
    "const divisor": (pool(2, 2), pool(2, 2, count_include_pad=1, pads=(1, 1, 1, 1))),
    "dilation 1,2,4,8 (stride 1 when dilated)": (
        conv(dilations=(2, 2), strides=(1, 1)),
        conv(dilations=(2, 2), strides=(2, 2)),
    ),
    "filter 1-16": (conv(kernel=(16, 16)), conv(kernel=(17, 1))),
    "filter 1-8": (pool(8, 8), pool(9, 1)),
    "filter height>=2": (conv(kernel=(2, 1), group=8), conv(kernel=(1, 2), group=8)),
    # 2^18 = 512 x 512.
    "global window area<=2^18": (
        op("GlobalAveragePool", run_time(1, 8, 512, 512)),
        op("GlobalAveragePool", run_time(1, 8, 512, 513)),
    ),
    "kernel_shape equal to weights": (conv(kernel_shape=(3, 3)), conv(kernel_shape=(3, 5))),
    "missing TFLite DEPTHWISE_CONV_2D": (conv(), conv(group=8)),
    "no 1-D transposed": (transposed(), op("ConvTranspose", run_time(1, 8, 4))),
    "no 1x1 window with stride>1": (pool(1, 1, strides=(1, 1)), pool(1, 1, strides=(2, 2))),
    "no 3-D": (conv(kernel=(3,)), conv(kernel=(3, 3, 3))),
    "no dilation in shape inference": (conv(), conv(dilations=(2, 2))),
    "no fused activation": (pool(2, 2, after="Conv"), pool(2, 2, after="Relu")),
    "no groups": (transposed(), transposed(group=2)),
    "multiplier 1": (
        conv(group=8),
        op("Conv", X, stored(16, 1, 3, 3), made=(1, 16, 4, 4), group=8),
    ),
    "no groups except depthwise (filter 1-8, stride 1-4)": (
        conv(group=8, kernel=(8, 8)),
        conv(group=8, kernel=(9, 9)),
    ),
    "pad 0-15": (pool(2, 2, pads=(15, 0, 0, 0)), pool(2, 2, pads=(16, 0, 0, 0))),
    "padding 0": (transposed(pads=(0, 0, 0, 0)), transposed(pads=(0, 1, 0, 0))),
    "same pads each side": (transposed(pads=(1, 2, 1, 2)), transposed(pads=(1, 2, 2, 1))),
    "stride 1,2,3,4,8": (conv(strides=(8, 8)), conv(strides=(5, 5))),
    "stride<=3": (conv(strides=(3, 3)), conv(strides=(4, 4))),
    "stride<=filter": (pool(2, 2, strides=(2, 2)), pool(2, 2, strides=(3, 2))),
    "stride<=kernel": (pool(2, 2, strides=(2, 2)), pool(2, 2, strides=(3, 2))),
    "window area<=2^18": (pool(512, 512), pool(512, 513)),
}
STORED = {
    "2-D weights": (op("Gemm", X, stored(8, 4)), op("Gemm", X, run_time(8, 4))),
    "FullyConnected only if transA=0, transB=1, 4-D input and const B": (
        op("Gemm", X, stored(8, 4), transB=1),
        op("Gemm", run_time(1, 4), stored(8, 4), transB=1),
    ),
    HTP: (
        op("MatMul", run_time(4, 4, dtype="uint8"), run_time(4, 4, dtype="uint16")),
        op("MatMul", run_time(4, 4, dtype="int8"), run_time(4, 4, dtype="int8")),
    ),
    "allowzero 0": (image_op("Reshape"), image_op("Reshape", allowzero=1)),
    "as InnerProduct": (
        op("MatMul", run_time(1, 4), stored(4, 8)),
        op("MatMul", run_time(1, 2, 4), stored(4, 8)),
    ),
    "as InnerProduct with transB=1, const W": (
        op("Gemm", run_time(1, 4), stored(8, 4), transB=1),
        op("Gemm", run_time(1, 4), stored(4, 8)),
    ),
    "bidirectional halves share activations": (
        image_op("GRU", direction="bidirectional", activations=("Tanh", "Tanh")),
        image_op("GRU", direction="bidirectional", activations=("Tanh", "Relu")),
    ),
    "both inputs float32": (
        op("Pow", X, stored(1)),
        op("Pow", X, stored(1, dtype="int64")),
    ),
    "const B": (op("MatMul", X, stored(4, 4)), op("MatMul", X, run_time(4, 4))),
    "const axis": (op("CumSum", X, number(1)), op("CumSum", X, run_time(1))),
    "const bias": (
        op("Conv", X, run_time(8, 8, 3, 3), stored(8)),
        op("Conv", X, stored(8, 8, 3, 3), run_time(8)),
    ),
    "const pads/axes": (
        padded(*H_AND_W),
        op("Pad", X, number(1, 1), stored(1), run_time(1, dtype="int64")),
    ),
    "const parameter inputs": (
        op("LSTM", run_time(1, 1, 4), stored(1, 16, 4), stored(1, 16, 4)),
        op("LSTM", run_time(1, 1, 4), stored(1, 16, 4), run_time(1, 16, 4)),
    ),
    "const params preferred": (op("Slice", X, number(0)), op("Slice", X, run_time(1))),
    "const split": (op("Split", X, number(4, 4)), op("Split", X, run_time(2))),
    "const starts/ends/axes/steps": (
        op("Slice", X, number(0), number(1), number(1)),
        op("Slice", X, number(0), run_time(1), number(1)),
    ),
    "const weights preferred": (op("Gemm", X, stored(4, 4)), op("Gemm", X, run_time(4, 4))),
    "first output": (
        op("BatchNormalization", X),
        op("BatchNormalization", X, outputs=3),
    ),
    "float only": (op("Pow", X), op("Pow", run_time(4, dtype="int32"))),
    "fp32 const weights": (transposed(), op("ConvTranspose", X, stored(8, 8, 3, 3, dtype="int8"))),
    "indices const unless int32": (
        op("Gather", X, run_time(1, dtype="int32")),
        op("Gather", X, run_time(1, dtype="int64")),
    ),
    "int32 1-D indices": (op("Gather", X, number(1)), op("Gather", X, stored(1, 1))),
    "layout 0": (image_op("LSTM"), image_op("LSTM", layout=1)),
    "no SAME_* pad, output_shape, output_padding": (
        transposed(),
        transposed(auto_pad="SAME_UPPER"),
    ),
    "no sequence_lens": (
        op("LSTM", X, stored(1), stored(1), stored(1)),
        op("LSTM", X, stored(1), stored(1), stored(1), stored(1, dtype="int32")),
    ),
    "non-negative indices": (op("Gather", X, number(0, 1)), op("Gather", X, number(0, -1))),
    "one axis": (
        op("Slice", X, number(0), number(1), number(1)),
        op("Slice", X, number(0, 0), number(1, 1), number(1, 2)),
    ),
    "power 2 only": (op("Pow", X, number(2.0)), op("Pow", X, number(3.0))),
    "scalar exponent": (op("Pow", X, number(3.0)), op("Pow", X, number(2.0, 3.0))),
    "static axes": (op("ReduceSum", X, number(1)), op("ReduceSum", X, run_time(1))),
    "static begin/size": (
        op("Slice", X, number(0), number(1)),
        op("Slice", X, run_time(1), number(1)),
    ),
    "static params": (
        op("BatchNormalization", X, stored(8)),
        op("BatchNormalization", X, run_time(8)),
    ),
    "static shape input": (op("Reshape", X, number(1, -1)), op("Reshape", X, run_time(2))),
    "static weights": (conv(), op("Conv", X, run_time(8, 8, 3, 3))),
    "static weights and output size": (transposed(), op("ConvTranspose", X, run_time(8, 8, 3, 3))),
    "static weights by default": (op("Gemm", X, stored(4, 4)), op("Gemm", X, run_time(4, 4))),
    "static, non-empty": (image_op("Slice"), op("Slice", X, made=(1, 0, 4, 4))),
}
BOUNDS = {
    "H/W only": (padded(*H_AND_W), padded(*CHANNELS)),
    "const bounds": (clip(0.0, 6.0), op("Clip", X, run_time(), run_time())),
    "const pads": (padded(*H_AND_W), op("Pad", X, run_time(8, dtype="int64"))),
    "constant mode only": (padded(*H_AND_W), padded(*H_AND_W, mode="reflect")),
    "fixed bounds": (clip(0.0, 1.0), clip(0.0, 2.0)),
    "last two dims": (padded(*H_AND_W), padded(*CHANNELS)),
    "missing TFLite MAXIMUM, MINIMUM": (clip(0.0, 6.0), clip(0.0, 2.0)),
    # Without an upper bound it is MAXIMUM alone.
    "missing TFLite MINIMUM": (clip(1.0), clip(1.0, 2.0)),
    "non-negative pad": (padded(*H_AND_W), padded(0, 0, -1, 0, 0, 0, 0, 0)),
    "only 0..6, -1..1": (clip(-1.0, 1.0), clip(0.0, 1.0)),
    "spatial dims only": (padded(*H_AND_W), padded(*CHANNELS)),
    "zero pad": (
        op("Pad", X, number(*H_AND_W), number(0.0)),
        op("Pad", X, number(*H_AND_W), number(1.0)),
    ),
}
SHAPES = {
    "2-4 inputs documented": (op("Concat", X, X), op("Concat", *[X] * 5)),
    "2-D or 4-D target": (op("Reshape", X, made=(1, 128)), op("Reshape", X, made=(1, 8, 16))),
    "3-D or 4-D": (image_op("LRN"), op("LRN", run_time(1, 8, 4, 4, 4))),
    "<=1 const input": (op("Concat", X, stored(1)), op("Concat", X, stored(1), stored(1))),
    "H/W axes keep_dims": (
        op("ReduceMean", X, axes=(-2, -1)),
        op("ReduceMean", X, axes=(2, 3), keepdims=0),
    ),
    "NHWC only to [N,-1]": (op("Reshape", X, made=(1, 128)), op("Reshape", X, made=(1, 8, 16))),
    "as pooling": (op("ReduceMean", X, axes=(2, 3)), op("ReduceMean", X, axes=(1,))),
    "batch 1": (image_op("Softmax"), op("Softmax", run_time(2, 8))),
    "broadcast limits": (op("Add", X, X), op("Add", X, stored(1))),
    "mean with keepdims only": (
        op("ReduceMean", X, axes=(1,)),
        op("ReduceMean", X, axes=(1,), keepdims=0),
    ),
    "only folded into convolution": (
        image_op("BatchNormalization", before=("Conv",)),
        image_op("BatchNormalization", before=("Relu",)),
    ),
    "only fused into a preceding convolution": (
        image_op("Relu", before=("Conv", "BatchNormalization")),
        image_op("Relu", before=("Add",)),
    ),
    "opset<=10": (image_op("Softmax", opset=10), image_op("Softmax", opset=11)),
    "opset<=15": (image_op("Softmax", opset=15), image_op("Softmax", opset=16)),
    "rank 3 or 4": (conv(kernel=(3,)), conv(kernel=(3, 3, 3))),
    "rank<=5": (conv(kernel=(3, 3, 3)), conv(kernel=(1, 1, 1, 1))),
    "same rank": (op("Add", X, stored(1, 8, 1, 1)), op("Add", X, stored(8, 1, 1))),
    "same shape": (op("Max", X, X), op("Max", X, stored(1, 8, 1, 1))),
    # The same as axes 1 to 2 of the other; of axes 1 and 3, which aren't neighbours.
    "same shape or axis bias": (op("Add", X, stored(8, 4, 1)), op("Add", X, stored(8, 1, 4))),
    "same shape or axis scale": (op("Mul", X, stored(8, 4, 1)), op("Mul", X, stored(8, 1, 4))),
    "same shape or channel scale": (op("Mul", X, run_time(1, 8, 1, 1)), op("Mul", X, stored(8))),
    "trailing axes": (op("ReduceMean", X, axes=(2, 3)), op("ReduceMean", X, axes=(1, 2))),
    "window 3/5/7/9 across channels": (image_op("LRN", size=5), image_op("LRN", size=4)),
}
RESIZE = {
    "2-D/4-D bilinear": (resized(8, 8, mode="linear"), resized(8, 8)),
    "bilinear only": (resized(8, 8, mode="linear"), resized(8, 8)),
    "listed coordinate modes": (
        resized(8, 8, coordinate_transformation_mode="asymmetric"),
        resized(8, 8, coordinate_transformation_mode="tf_crop_and_resize"),
    ),
    "missing TFLite RESIZE_NEAREST_NEIGHBOR": (resized(8, 8, mode="linear"), resized(8, 8)),
    "nearest": (resized(8, 8), resized(8, 8, mode="linear")),
    "nearest or bilinear 2-D": (resized(8, 8), op("Resize", X, made=(1, 16, 8, 8))),
    "nearest/bilinear": (resized(8, 8), resized(8, 8, mode="cubic")),
    "nearest/linear": (resized(8, 8), resized(8, 8, mode="cubic")),
    "no roi": (
        resized(8, 8),
        resized(8, 8, coordinate_transformation_mode="tf_crop_and_resize"),
    ),
    "requested size <=65": (resized(65, 65), resized(66, 65)),
    "scale 1/2/4/8": (resized(8, 32), resized(12, 8)),
}
RARE = {
    "2-4 outputs documented": (image_op("Split", outputs=4), image_op("Split", outputs=5)),
    "4-D or 5-D": (image_op("GridSample"), op("GridSample", run_time(1, 8, 4))),
    "K must be const": (op("TopK", X, number(3)), op("TopK", X, run_time(1))),
    "avg": (image_op("RoiAlign"), image_op("RoiAlign", mode="max")),
    "avg/max": (image_op("RoiAlign", mode="max"), image_op("RoiAlign", mode="min")),
    "bias 0, lambd 0.5": (image_op("Shrink"), image_op("Shrink", lambd=1.5)),
    "blocksize attribute required": (
        image_op("DepthToSpace", blocksize=2),
        image_op("DepthToSpace"),
    ),
    "bool only": (
        op("BitwiseAnd", run_time(4, dtype="bool"), run_time(4, dtype="bool")),
        op("BitwiseAnd", run_time(4, dtype="int32"), run_time(4, dtype="int32")),
    ),
    "const depth": (op("OneHot", X, number(3)), op("OneHot", X, run_time(1))),
    "const depth/values": (
        op("OneHot", X, number(3), number(0.0, 1.0)),
        op("OneHot", X, number(3), run_time(2)),
    ),
    "const k": (op("Trilu", X, number(1)), op("Trilu", X, run_time())),
    # ONNX writes alpha with 18 digits; stored as float32 it is 1.67326319...
    "default alpha/gamma": (image_op("Selu", alpha=1.6732631921), image_op("Selu", alpha=1.7)),
    "first output only": (
        image_op("LayerNormalization"),
        image_op("LayerNormalization", outputs=2),
    ),
    "float32 output": (
        image_op("DequantizeLinear"),
        image_op("DequantizeLinear", dtype="float16"),
    ),
    "fmod 0": (image_op("Mod"), image_op("Mod", fmod=1)),
    "no blocked quantisation": (
        image_op("QuantizeLinear"),
        image_op("QuantizeLinear", block_size=4),
    ),
    "no mask output": (image_op("Dropout"), image_op("Dropout", outputs=2)),
    "no reduction": (image_op("ScatterND"), image_op("ScatterND", reduction="add")),
    "no reduction attr": (image_op("ScatterND"), image_op("ScatterND", reduction="add")),
    "p 1 or 2": (image_op("LpPool", p=1), image_op("LpPool", p=3)),
    "p=2": (image_op("LpNormalization"), image_op("LpNormalization", p=1)),
    "p=2 only": (image_op("LpPool"), image_op("LpPool", p=1)),
    "select_last_index 0": (image_op("ArgMax"), image_op("ArgMax", select_last_index=1)),
    "slope const at build time": (op("PRelu", X, stored(8, 1, 1)), op("PRelu", X, X)),
    "static shape tensor": (op("Expand", X, number(1)), op("Expand", X, run_time(1))),
    "static slope": (op("PRelu", X, stored(8, 1, 1)), op("PRelu", X, X)),
    "static split": (op("Split", X, number(4, 4)), op("Split", X, run_time(2))),
    "stride 1": (conv(strides=(1, 1)), conv(strides=(2, 1))),
    "valid padding": (conv(), conv(pads=(1, 1, 1, 1))),
    "window=stride": (pool(2, 2, strides=(2, 2)), pool(2, 2)),
    "zero point 0": (
        op("QuantizeLinear", X, stored(), number(0)),
        op("QuantizeLinear", X, stored(), number(7)),
    ),
}
CASES = {**WINDOWS, **STORED, **BOUNDS, **SHAPES, **RESIZE, **RARE}
UNSURE = {
    "2-4 inputs documented",
    "2-4 outputs documented",
    "FullyConnected only if transA=0, transB=1, 4-D input and const B",
    "NHWC only to [N,-1]",
    "broadcast limits",
    "const params preferred",
    "const weights preferred",
    "no fused activation",
}
"""Clauses whose failing op above is one of which nobody tells."""


@pytest.mark.parametrize("clause", CASES)
def test_a_clause_passes_one_op_and_not_the_other(clause: str) -> None:
    passes, fails = CASES[clause]
    assert CLAUSES[clause](passes) is None
    reason = CLAUSES[clause](fails)
    assert reason is not None
    assert isinstance(reason, Unsure) is (clause in UNSURE)


def test_every_clause_is_tried_or_asks_nothing() -> None:
    every = {
        **WINDOW_CLAUSES,
        **STORED_CLAUSES,
        **BOUND_CLAUSES,
        **SHAPE_CLAUSES,
        **RESIZE_CLAUSES,
        **RARE_CLAUSES,
    }
    asks = {clause for clause, rule in every.items() if rule is not anything}
    assert asks == set(CASES)
    # No table has words of another.
    assert len(CLAUSES) == len(every) + len(GENERAL_CLAUSES)


def test_every_clause_is_in_a_table() -> None:
    words = {
        row.constraint
        for framework, backends in index().items()
        for backend in backends
        for row in table(framework, backend).rows.values()
    }
    assert not [clause for clause in CLAUSES if not any(clause in each for each in words)]


def test_a_sure_reason_goes_before_an_unsure_one() -> None:
    rule = all_of(lambda _: Unsure("perhaps"), lambda _: "no")
    assert rule(conv()) == "no"
    unsure = all_of(anything, lambda _: Unsure("perhaps"), lambda _: Unsure("who knows"))(conv())
    assert (unsure, type(unsure)) == ("perhaps", Unsure)


def test_a_known_clause_refuses_though_another_is_not_checked() -> None:
    rule = known_part("2-D only; on Tuesdays")
    assert rule(conv(kernel=(3,))) == "2-D only"
    unsure = rule(conv())
    assert (unsure, type(unsure)) == ("on Tuesdays", Unsure)
    empty = known_part("")(conv())
    assert (empty, type(empty)) == ("its source names none", Unsure)


def test_measured_rows_hold_where_all_node_tests_match() -> None:
    form = "4/4 node tests match; 2 first output only"
    rule = clause_rule(form)
    assert rule is not None
    assert rule(op("BatchNormalization", X)) is None
    assert rule(op("BatchNormalization", X, outputs=3)) == "one output per op"
    assert clause_rule("3/4 node tests match; 1 rejected") is None
    assert clause_rule("14/4 node tests match") is None


def test_edges_of_single_clauses() -> None:
    assert CLAUSES["const axes"](resized(8, 8)) is None
    assert CLAUSES["const axes"](op("Slice", X, number(0), number(1), run_time(1))) is not None
    assert isinstance(CLAUSES["Cin<=8194 int8 / 4095 int16"](conv(channels=4096)), Unsure)
    assert isinstance(CLAUSES["missing TFLite DEPTHWISE_CONV_2D"](conv(group=2)), Unsure)
    assert isinstance(CLAUSES["missing TFLite MINIMUM"](clip(0.0, 1.0)), Unsure)
    assert isinstance(CLAUSES["padding 0"](transposed(auto_pad="SAME_UPPER")), Unsure)
    assert isinstance(
        CLAUSES["missing TFLite RESIZE_NEAREST_NEIGHBOR"](resized(8, 8, mode="cubic")), Unsure
    )
    assert isinstance(CLAUSES["non-negative indices"](op("Gather", X, run_time(1))), Unsure)
    assert CLAUSES["last axis"](image_op("LpNormalization", opset=11)) is None
    assert isinstance(CLAUSES["zero point 0"](op("QuantizeLinear", X, X, X)), Unsure)
    divided = [op("Div", X, operand) for operand in (stored(1), run_time(1))]
    assert [CLAUSES["const divisor"](each) for each in divided] == [
        None,
        "divisor must be stored in the model",
    ]


def test_findings_tell_sure_from_unsure() -> None:
    """TNN on Rockchip: "1-D/3-D conv missing; RK1808 only, fp16 mode"."""
    rows = (table("tnn", "npu-rockchip"),)
    refused, left = conv(kernel=(3,)), conv()
    found = finding(refused.graph, refused.op, rows, "float16")
    assert found is not None
    assert (found.kind, found.reason) == ("blocked", "2-D only")
    found = finding(left.graph, left.op, rows, "float16")
    assert found is not None
    assert found.kind == "unknown"
    assert found.reason == ("Conv works only under a condition not checked: RK1808 only, fp16 mode")


def test_the_docs_say_how_many_rows_are_checked() -> None:
    rows = [
        (op_type in RULES.get((framework, backend), {}), row)
        for framework, backends in index().items()
        for backend in backends
        for op_type, row in table(framework, backend).rows.items()
        if row.status == "partial" and (framework, backend) != ("onnxruntime", "cpu")
    ]
    checked = sum(has_rule or clause_rule(row.constraint) is not None for has_rule, row in rows)
    words = " ".join(DOC.read_text(encoding="utf-8").split())
    assert f"{checked:,} of the {len(rows):,} rows with a condition" in words
