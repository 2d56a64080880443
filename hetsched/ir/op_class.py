"""The class of an op: what kind of work it is, for efficiency tables and reports."""

from enum import StrEnum

from hetsched.ir.graph import Graph, Op


class OpClass(StrEnum):
    """Ops of one class use a unit about equally well."""

    CONV1X1 = "conv1x1"
    CONV_KXK = "conv_kxk"
    DEPTHWISE = "depthwise"
    CONV_TRANSPOSE = "conv_transpose"
    DENSE = "dense"
    MATMUL = "matmul"
    RECURRENT = "recurrent"
    ELEMENTWISE = "elementwise"
    POOL = "pool"
    REDUCE = "reduce"
    NORMALIZATION = "normalization"
    SOFTMAX = "softmax"
    MOVEMENT = "movement"
    OTHER = "other"
    CONTROL = "control"


CONV_WEIGHT = {
    "Conv": 1, "FusedConv": 1, "NhwcFusedConv": 1, "ConvInteger": 1, "QLinearConv": 3,
    "DeformConv": 1,
}  # fmt: skip
"""Convolutions, and which input is the weight, laid out (M, C / group, k...)."""

CONV_TRANSPOSE_WEIGHT = {"ConvTranspose": 1, "QLinearConvTranspose": 3}
"""Transposed convolutions, and which input is the weight, laid out (C, M / group, k...)."""

MATMUL_INPUTS = {
    "MatMul": (0, 1), "Gemm": (0, 1), "MatMulInteger": (0, 1), "QLinearMatMul": (0, 3),
    "QGemm": (0, 3), "FusedMatMul": (0, 1), "FusedGemm": (0, 1), "MatMulIntegerToFloat": (0, 1),
    "DynamicQuantizeMatMul": (0, 1), "MatMulNBits": (0, 1), "Einsum": (0, 1),
    "TransposeMatMul": (0, 1), "GemmFastGelu": (0, 1), "GemmFloat8": (0, 1),
}  # fmt: skip
"""Matrix products, and which inputs are the two factors."""

ATTENTION = frozenset({"Attention", "MultiHeadAttention", "GroupQueryAttention"})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BY_TYPE: dict[OpClass, frozenset[str]] = {
    OpClass.MATMUL: ATTENTION,
    OpClass.RECURRENT: _words("LSTM GRU RNN DynamicQuantizeLSTM"),
    OpClass.ELEMENTWISE: _words(
        "Abs Acos Acosh Add And Asin Asinh Atan Atanh BiasAdd BiasGelu Binarizer BitShift "
        "BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu Clip Cos Cosh "
        "DequantizeLinear Div Dropout DynamicQuantizeLinear Elu Equal Erf Exp FastGelu Floor "
        "FusedAdd Gelu Greater GreaterOrEqual HardSigmoid HardSwish IsInf IsNaN LeakyRelu Less "
        "LessOrEqual Log Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow QLinearAdd "
        "QLinearLeakyRelu QLinearMul QLinearSigmoid QuantizeLinear QuickGelu Reciprocal Relu "
        "Round Scaler Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Sum Swish "
        "Tan Tanh ThresholdedRelu Where Xor"
    ),
    OpClass.POOL: _words(
        "AveragePool GlobalAveragePool GlobalLpPool GlobalMaxPool LpPool MaxPool MaxRoiPool "
        "MaxUnpool QLinearAveragePool QLinearGlobalAveragePool RoiAlign"
    ),
    OpClass.REDUCE: _words(
        "ArgMax ArgMin CumSum CumProd QLinearReduceMean ReduceL1 ReduceL2 ReduceLogSum "
        "ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumInteger "
        "ReduceSumSquare"
    ),
    OpClass.NORMALIZATION: _words(
        "BatchNormalization EmbedLayerNormalization GroupNorm GroupNormalization "
        "InstanceNormalization LRN LayerNormalization LpNormalization MeanVarianceNormalization "
        "RMSNormalization SimplifiedLayerNormalization SkipGroupNorm SkipLayerNormalization "
        "SkipSimplifiedLayerNormalization"
    ),
    OpClass.SOFTMAX: _words("BiasSoftmax Hardmax LogSoftmax QLinearSoftmax Softmax"),
    OpClass.MOVEMENT: _words(
        "AffineGrid BitCast CenterCropPad Col2Im Compress Concat Constant ConstantOfShape "
        "DepthToSpace Expand EyeLike Flatten Gather GatherElements GatherND GridSample Identity "
        "OneHot Pad QLinearConcat Range Reshape Resize ReverseSequence ScatterElements Scatter "
        "ScatterND Shape Size Slice SpaceToDepth Split Squeeze Tile Transpose Trilu Unsqueeze "
        "Upsample TensorScatter"
    ),
    OpClass.CONTROL: _words(
        "If Loop Scan SequenceMap ConcatFromSequence SequenceAt SequenceConstruct SequenceEmpty "
        "SequenceErase SequenceInsert SequenceLength SplitToSequence Optional OptionalGetElement "
        "OptionalHasElement"
    ),
}
_CLASS_OF = {op_type: kind for kind, types in _BY_TYPE.items() for op_type in types}


def op_class(graph: Graph, op: Op) -> OpClass:
    """The class of an op; `other` for what no table knows (NonMaxSuppression, TopK, DFT, ...)."""
    if op.op_type in CONV_WEIGHT:
        return _conv_class(graph, op)
    if op.op_type in CONV_TRANSPOSE_WEIGHT:
        return OpClass.CONV_TRANSPOSE
    if op.op_type in MATMUL_INPUTS:
        factors = [op.inputs[i] for i in MATMUL_INPUTS[op.op_type] if i < len(op.inputs)]
        is_dense = any(is_weight(graph, name) for name in factors)
        return OpClass.DENSE if is_dense else OpClass.MATMUL
    return _CLASS_OF.get(op.op_type, OpClass.OTHER)


def _conv_class(graph: Graph, op: Op) -> OpClass:
    shape = graph.tensors[op.inputs[CONV_WEIGHT[op.op_type]]].shape
    group = op.attributes.get("group", 1)
    if isinstance(group, int) and group > 1 and shape is not None and shape[1] == 1:
        return OpClass.DEPTHWISE
    if shape is not None and all(dim == 1 for dim in shape[2:]):
        return OpClass.CONV1X1
    return OpClass.CONV_KXK


_KEEPS_WEIGHT = _words("DequantizeLinear QuantizeLinear Cast Transpose Reshape Identity")


def is_weight(graph: Graph, name: str) -> bool:
    """Whether a tensor is stored in the model, perhaps dequantised, cast or reshaped on the way."""
    if name in graph.constants:
        return True
    maker = graph.producer.get(name)
    if maker is None or maker.op_type not in _KEEPS_WEIGHT:
        return False
    return is_weight(graph, maker.inputs[0])
