"""Which ops of the model TFLite's kernels stand for: by name, or else by order and kind.

A kernel's name lists the tensors that it makes, `[model/conv/Relu;model/conv/Conv2D]:3`. Where they
are the model's own names, they decide. Converters often rename; then kernels and ops are aligned in
order, like two texts: convolutions and products one to one, light ops where kinds agree.
"""

import re
from collections.abc import Sequence

from hetsched.cost.importing.record import ImportedCost
from hetsched.errors import CostError
from hetsched.ir.graph import Graph, Op
from hetsched.ir.op_class import OpClass, op_class

_CONVOLUTION = frozenset({OpClass.CONV1X1, OpClass.CONV_KXK})
_PRODUCT = frozenset({OpClass.DENSE, OpClass.MATMUL})
_HEAVY_KINDS: dict[str, frozenset[OpClass]] = {
    "CONV_2D": _CONVOLUTION,
    "CONVOLUTION": _CONVOLUTION,
    "DEPTHWISE_CONV_2D": frozenset({OpClass.DEPTHWISE}),
    "TRANSPOSE_CONV": frozenset({OpClass.CONV_TRANSPOSE}),
    "DECONVOLUTION": frozenset({OpClass.CONV_TRANSPOSE}),
    "FULLY_CONNECTED": _PRODUCT,
    "DYNAMIC_FULLY_CONNECTED": _PRODUCT,
    "BATCH_MATMUL": _PRODUCT,
    "BATCH_MATRIX_MULTIPLY": _PRODUCT,
}
"""Kinds of kernels that take the time, and the classes of ops that they compute."""
_ALL_HEAVY = frozenset[OpClass]().union(*_HEAVY_KINDS.values())

_LIGHT_KINDS: dict[str, str] = {
    "ADD": "Add Sum", "SUB": "Sub", "SUBTRACT": "Sub", "MUL": "Mul", "MULTIPLY": "Mul",
    "DIV": "Div", "DIVIDE": "Div", "RELU": "Relu Clip", "RELU6": "Clip Relu",
    "CLAMP": "Clip Relu",
    "PRELU": "PRelu", "LEAKY_RELU": "LeakyRelu", "ELU": "Elu", "GELU": "Gelu", "TANH": "Tanh",
    "LOGISTIC": "Sigmoid", "SIGMOID": "Sigmoid", "HARD_SWISH": "HardSwish",
    "HARDSWISH": "HardSwish",
    "SOFTMAX": "Softmax", "SOFT_MAX": "Softmax", "LOG_SOFTMAX": "LogSoftmax",
    "AVERAGE_POOL_2D": "AveragePool GlobalAveragePool",
    "AVERAGE_POOLING": "AveragePool GlobalAveragePool",
    "GLOBAL_AVERAGE_POOLING": "GlobalAveragePool ReduceMean AveragePool",
    "MEAN": "GlobalAveragePool ReduceMean", "MAX_POOL_2D": "MaxPool GlobalMaxPool",
    "MAX_POOLING": "MaxPool GlobalMaxPool", "REDUCE_MAX": "ReduceMax", "SUM": "ReduceSum",
    "CONCATENATION": "Concat", "CONCATENATE2": "Concat", "CONCATENATE": "Concat",
    "RESHAPE": "Reshape Flatten Squeeze Unsqueeze",
    "STATIC_RESHAPE": "Reshape Flatten Squeeze Unsqueeze", "SQUEEZE": "Squeeze Reshape",
    "EXPAND_DIMS": "Unsqueeze Reshape", "TRANSPOSE": "Transpose", "PAD": "Pad", "PADV2": "Pad",
    "CONSTANT_PAD": "Pad", "MIRROR_PAD": "Pad", "RESIZE_BILINEAR": "Resize Upsample",
    "RESIZE_NEAREST_NEIGHBOR": "Resize Upsample", "SLICE": "Slice", "STRIDED_SLICE": "Slice",
    "SPLIT": "Split", "SPLIT_V": "Split", "GATHER": "Gather", "CAST": "Cast", "EXP": "Exp",
    "QUANTIZE": "QuantizeLinear", "DEQUANTIZE": "DequantizeLinear", "SQRT": "Sqrt", "ABS": "Abs",
    "POW": "Pow", "LOCAL_RESPONSE_NORMALIZATION": "LRN", "DEPTH_TO_SPACE": "DepthToSpace",
    "SPACE_TO_DEPTH": "SpaceToDepth", "ARG_MAX": "ArgMax", "MINIMUM": "Min", "MAXIMUM": "Max",
}  # fmt: skip
_GEMM = re.compile(r"(DWConv|IGEMM|GEMM)\b")
_MATCH, _LIGHT_MATCH, _SKIP_HEAVY, _SKIP_LIGHT = 1000, 10, -5000, -1


def anchor_kernels(
    graph: Graph, rows: Sequence[ImportedCost]
) -> tuple[tuple[str | None, ...], bool]:
    """The op of each kernel, None for one that the converter made up; and whether names told.

    Raises:
        CostError: when a convolution or product of either side has no counterpart.
    """
    named = tuple(_by_name(graph, row) for row in rows)
    heavy = [index for index, row in enumerate(rows) if _classes(row)]
    told = [named[index] for index in heavy]
    fits = all(
        name is not None and op_class(graph, graph.op[name]) in _classes(rows[index])
        for index, name in zip(heavy, told, strict=True)
    )
    if heavy and fits and len(set(told)) == len(told):
        return named, True
    return _Alignment(graph, rows).result(), False


def _by_name(graph: Graph, row: ImportedCost) -> str | None:
    """The op that makes the kernel's tensor; of several names the last op of them all."""
    inside = re.sub(r"\]?:\d+$", "", row.name.strip()).strip("[]")
    found = [
        producer.name if (producer := graph.producer.get(name)) is not None else name
        for part in re.split(r"[;,]", inside)
        for name in (part.strip(), part.strip().removesuffix(":0"))
        if name in graph.producer or name in graph.op
    ]
    return found[0] if found else None


def _kind(row: ImportedCost) -> str:
    """`CONV_2D`, or `GLOBAL_AVERAGE_POOLING` for XNNPACK's `Global Average Pooling (NWC, F32)`."""
    return row.kind.split(" (")[0].strip().upper().replace(" ", "_")


def _classes(row: ImportedCost) -> frozenset[OpClass]:
    """Classes of ops that the kernel can be; empty for light kernels."""
    kernel = _GEMM.search(row.kind)
    if kernel is not None and kernel[1] == "DWConv":
        return frozenset({OpClass.DEPTHWISE})
    return _HEAVY_KINDS.get(_kind(row), frozenset())


def _worth(kernel: frozenset[OpClass], types: Sequence[str], kind: OpClass, op: Op) -> int | None:
    """What it is worth to match a kernel and an op, None when they don't fit."""
    if kernel:
        return _MATCH if kind in kernel else None
    return _LIGHT_MATCH if op.op_type in types else None


class _Alignment:
    """Needleman and Wunsch's alignment of kernels and ops, heavy ones one to one.

    Attributes:
        best: `[kernel][op]` the worth of all that follows, at best.
    """

    def __init__(self, graph: Graph, rows: Sequence[ImportedCost]) -> None:
        self._rows, self._ops = rows, graph.ops
        kinds = [op_class(graph, op) for op in graph.ops]
        classes = [_classes(row) for row in rows]
        types = [_LIGHT_KINDS.get(_kind(row), "").split() for row in rows]
        self._skip_row = [_SKIP_HEAVY if kernel else _SKIP_LIGHT for kernel in classes]
        self._skip_op = [_SKIP_HEAVY if kind in _ALL_HEAVY else 0 for kind in kinds]
        self._worth = [
            [_worth(classes[i], types[i], kinds[j], op) for j, op in enumerate(graph.ops)]
            for i in range(len(rows))
        ]
        self.best = [[0] * (len(graph.ops) + 1) for _ in range(len(rows) + 1)]
        for i in reversed(range(len(rows) + 1)):
            for j in reversed(range(len(graph.ops) + 1)):
                self.best[i][j] = max((worth for worth, _ in self._choices(i, j)), default=0)

    def _choices(self, i: int, j: int) -> list[tuple[int, str]]:
        """What can be done with kernel i and op j, and what it is worth with all that follows."""
        found = []
        if i < len(self._rows) and j < len(self._ops):
            worth = self._worth[i][j]
            if worth is not None:
                found.append((worth + self.best[i + 1][j + 1], "match"))
        if j < len(self._ops):
            found.append((self._skip_op[j] + self.best[i][j + 1], "op"))
        if i < len(self._rows):
            found.append((self._skip_row[i] + self.best[i + 1][j], "row"))
        return found

    def result(self) -> tuple[str | None, ...]:
        """The op of each kernel.

        Raises:
            CostError: when a heavy kernel or op has no counterpart.
        """
        found: list[str | None] = [None] * len(self._rows)
        i = j = 0
        while i < len(self._rows) or j < len(self._ops):
            choices = self._choices(i, j)
            step = next(step for worth, step in choices if worth == self.best[i][j])
            if step == "match":
                found[i] = self._ops[j].name
            elif step == "row" and self._skip_row[i] == _SKIP_HEAVY:
                row = self._rows[i]
                raise _unmatched(row.at, f"kernel {row.kind}", "op of the model")
            elif step == "op" and self._skip_op[j] == _SKIP_HEAVY:
                op, at = self._ops[j], self._rows[min(i, len(self._rows) - 1)].at
                raise _unmatched(at, f"op {op.name!r} ({op.op_type})", "kernel of the table")
            i += step in ("match", "row")
            j += step in ("match", "op")
        return tuple(found)


def _unmatched(at: str, what: str, missing: str) -> CostError:
    return CostError(
        f"{at}: no {missing} fits {what}, in order: is it a table of this model? Else write a CSV "
        f"with the columns op and time_ms; nothing was imported"
    )
