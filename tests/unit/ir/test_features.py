"""Multiply-accumulates, bytes and classes, each derived by hand."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from hetsched.ir.features import OpFeatures, op_features
from hetsched.ir.graph import Attribute, Graph, Op, Tensor
from hetsched.ir.load import load
from hetsched.ir.op_class import OpClass
from tests.unit.ir.files import graph, model, save, value

Shape = tuple[int | None, ...] | None


def features(
    op_type: str,
    inputs: Mapping[str, Shape],
    output: Shape,
    *,
    weights: tuple[str, ...] = (),
    dtypes: Mapping[str, str] | None = None,
    domain: str = "",
    **attributes: Attribute,
) -> OpFeatures:
    """Features of one op that makes `y`; tensors are float32 unless `dtypes` says otherwise."""
    shapes = {**inputs, "y": output}
    named = {name: (dtypes or {}).get(name, "float32") for name in shapes}
    tensors = {n: Tensor(name=n, dtype=named[n], shape=s) for n, s in shapes.items()}
    op = Op(
        name="op", op_type=op_type, domain=domain, opset=17, inputs=tuple(inputs), outputs=("y",),
        attributes=attributes,
    )  # fmt: skip
    made = Graph(
        ops=(op,), tensors=tensors, inputs=tuple(n for n in inputs if n not in weights),
        outputs=("y",), constants=frozenset(weights),
    )  # fmt: skip
    return op_features(made, op)


def test_convolution() -> None:
    # 8 x 16 x 16 outputs, each 3 channels x 3 x 3.
    found = features(
        "Conv", {"x": (1, 3, 16, 16), "w": (8, 3, 3, 3), "b": (8,)}, (1, 8, 16, 16),
        weights=("w", "b"),
    )  # fmt: skip
    assert found == OpFeatures(
        op_class=OpClass.CONV_KXK,
        macs=8 * 16 * 16 * 27,
        input_bytes=3 * 16 * 16 * 4,
        output_bytes=8 * 16 * 16 * 4,
        weight_bytes=(8 * 27 + 8) * 4,
        params=8 * 27 + 8,
        known=True,
    )


def test_pointwise_and_depthwise_convolution() -> None:
    pointwise = features("Conv", {"x": (1, 4, 5, 5), "w": (6, 4, 1, 1)}, (1, 6, 5, 5))
    assert (pointwise.op_class, pointwise.macs) == (OpClass.CONV1X1, 6 * 25 * 4)
    depthwise = features("Conv", {"x": (1, 4, 5, 5), "w": (4, 1, 3, 3)}, (1, 4, 3, 3), group=4)
    assert (depthwise.op_class, depthwise.macs) == (OpClass.DEPTHWISE, 4 * 9 * 9)
    grouped = features("Conv", {"x": (1, 4, 5, 5), "w": (6, 2, 3, 3)}, (1, 6, 3, 3), group=2)
    assert (grouped.op_class, grouped.macs) == (OpClass.CONV_KXK, 6 * 9 * 2 * 9)


def test_transposed_convolution_counts_inputs_not_outputs() -> None:
    # Each of 4 x 5 x 5 inputs is spread over 6 channels x 2 x 2, whatever the stride.
    found = features("ConvTranspose", {"x": (1, 4, 5, 5), "w": (4, 6, 2, 2)}, (1, 6, 10, 10))
    assert (found.op_class, found.macs) == (OpClass.CONV_TRANSPOSE, 4 * 25 * 6 * 4)


@pytest.mark.parametrize(("op_type", "index"), [("QLinearConv", 3), ("ConvInteger", 1)])
def test_quantised_convolution(op_type: str, index: int) -> None:
    names = ["x", "a", "b", "w"] if index == 3 else ["x", "w"]
    shapes: dict[str, Shape] = dict.fromkeys(names, ())
    shapes |= {"x": (1, 3, 8, 8), "w": (2, 3, 3, 3)}
    dtypes = {"x": "uint8", "w": "int8", "y": "uint8"}
    found = features(op_type, shapes, (1, 2, 6, 6), weights=("w",), dtypes=dtypes)
    assert found.macs == 2 * 36 * 27
    assert (found.weight_bytes, found.output_bytes) == (54, 72)


def test_matrix_products() -> None:
    # (2, 3) x (3, 5): 10 outputs of 3 products each.
    dense = features("Gemm", {"a": (2, 3), "b": (3, 5)}, (2, 5), weights=("b",))
    assert (dense.op_class, dense.macs) == (OpClass.DENSE, 30)
    turned = features("Gemm", {"a": (3, 2), "b": (3, 5)}, (2, 5), transA=1)
    assert (turned.op_class, turned.macs) == (OpClass.MATMUL, 30)
    batched = features("MatMul", {"a": (7, 2, 3), "b": (7, 3, 5)}, (7, 2, 5))
    assert (batched.op_class, batched.macs) == (OpClass.MATMUL, 7 * 30)
    vector = features("MatMul", {"a": (3,), "b": (3,)}, ())
    assert vector.macs == 3


def test_quantised_matrix_products() -> None:
    names = {"a": (2, 3), "as": (), "az": (), "b": (3, 5), "bs": (), "bz": (), "ys": (), "yz": ()}
    assert features("QLinearMatMul", names, (2, 5), weights=("b",)).macs == 30
    assert features("MatMulInteger", {"a": (2, 3), "b": (3, 5)}, (2, 5)).macs == 30
    nbits = features(
        "MatMulNBits", {"a": (2, 64), "b": (5, 2, 16)}, (2, 5), weights=("b",), K=64, N=5,
        domain="com.microsoft",
    )  # fmt: skip
    assert (nbits.op_class, nbits.macs) == (OpClass.DENSE, 2 * 5 * 64)


@pytest.mark.parametrize(
    ("equation", "left", "right", "out", "expected"),
    [
        ("ij,jk->ik", (2, 3), (3, 5), (2, 5), 30),
        ("bhid,bhjd->bhij", (1, 2, 4, 8), (1, 2, 6, 8), (1, 2, 4, 6), 2 * 4 * 6 * 8),
        ("...ij,...jk->...ik", (7, 2, 3), (7, 3, 5), (7, 2, 5), 210),
        ("...ij,...jk->...ik", (7, 2, 3), (3, 5), (7, 2, 5), 210),
        ("i,j->ij", (4,), (6,), (4, 6), 24),
    ],
)
def test_einsum(equation: str, left: Shape, right: Shape, out: Shape, expected: int) -> None:
    assert features("Einsum", {"a": left, "b": right}, out, equation=equation).macs == expected


def test_einsum_of_one_tensor_multiplies_nothing() -> None:
    assert features("Einsum", {"a": (2, 3)}, (3, 2), equation="ij->ji").macs == 0


@pytest.mark.parametrize(("op_type", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_recurrent_cells(op_type: str, gates: int) -> None:
    # 10 steps x batch 2, both directions: gates x hidden x (input + hidden).
    shapes = {"x": (10, 2, 5), "w": (2, gates * 7, 5), "r": (2, gates * 7, 7)}
    found = features(op_type, shapes, (10, 2, 2, 7), weights=("w", "r"), hidden_size=7)
    assert found.op_class == OpClass.RECURRENT
    assert found.macs == 10 * 2 * 2 * gates * 7 * (5 + 7)


def test_attention_of_four_dimensions() -> None:
    # 2 heads, 4 queries, 6 keys of 8, values of 5: scores 4 x 6 x 8, mixing 4 x 6 x 5, per head.
    shapes = {"q": (1, 2, 4, 8), "k": (1, 2, 6, 8), "v": (1, 2, 6, 5)}
    found = features("Attention", shapes, (1, 2, 4, 5))
    assert (found.op_class, found.macs) == (OpClass.MATMUL, 2 * 4 * 6 * (8 + 5))


def test_attention_of_three_dimensions_and_with_a_past() -> None:
    shapes: dict[str, Shape] = {"q": (1, 4, 16), "k": (1, 6, 16), "v": (1, 6, 10)}
    assert features("Attention", shapes, (1, 4, 10)).macs == 4 * 6 * (16 + 10)
    longer = {**shapes, "mask": (4, 9), "past_k": (1, 2, 3, 8)}
    assert features("Attention", longer, (1, 4, 10)).macs == 4 * (6 + 3) * (16 + 10)


def test_contributed_attention_projects_its_input() -> None:
    # Projection 1 x 4 x 16 x 48, scores and mixing 4 x 4 x 16 each.
    shapes = {"x": (1, 4, 16), "w": (16, 48), "b": (48,)}
    found = features("Attention", shapes, (1, 4, 16), domain="com.microsoft")
    assert found.macs == 4 * 16 * 48 + 2 * 4 * 4 * 16


@pytest.mark.parametrize(
    ("op_type", "expected"),
    [
        ("Relu", OpClass.ELEMENTWISE), ("MaxPool", OpClass.POOL), ("ReduceMean", OpClass.REDUCE),
        ("BatchNormalization", OpClass.NORMALIZATION), ("Softmax", OpClass.SOFTMAX),
        ("Reshape", OpClass.MOVEMENT), ("If", OpClass.CONTROL), ("TopK", OpClass.OTHER),
    ],
)  # fmt: skip
def test_other_classes(op_type: str, expected: OpClass) -> None:
    found = features(op_type, {"x": (2, 3)}, (2, 3))
    assert (found.op_class, found.macs) == (expected, 0)


def test_unknown_shapes_are_told() -> None:
    found = features("MatMul", {"a": (2, None), "b": (None, 5)}, (2, 5))
    assert (found.macs, found.known) == (0, False)
    assert found.output_bytes == 40
    assert not features("Relu", {"x": None}, None).known


def test_a_dequantised_weight_is_still_a_weight() -> None:
    tensors = {
        "x": Tensor(name="x", dtype="float32", shape=(1, 4)),
        "w8": Tensor(name="w8", dtype="int8", shape=(4, 2)),
        "s": Tensor(name="s", dtype="float32", shape=()),
        "w": Tensor(name="w", dtype="float32", shape=(4, 2)),
        "y": Tensor(name="y", dtype="float32", shape=(1, 2)),
    }
    dequantise = Op(
        name="d", op_type="DequantizeLinear", opset=17, inputs=("w8", "s"), outputs=("w",)
    )
    product = Op(name="m", op_type="MatMul", opset=17, inputs=("x", "w"), outputs=("y",))
    made = Graph(
        ops=(dequantise, product), tensors=tensors, inputs=("x",), outputs=("y",),
        constants=frozenset({"w8", "s"}),
    )  # fmt: skip
    found = op_features(made, product)
    assert found.op_class == OpClass.DENSE
    # Stored as int8: 8 bytes, not 32.
    assert (found.weight_bytes, found.params, found.input_bytes) == (8, 8, 16)


def test_a_loop_counts_its_body_as_often_as_it_runs(tmp_path: Path) -> None:
    made = load(save(tmp_path / "m.onnx", _loop())).graph
    found = op_features(made, made.ops[0])
    assert (found.op_class, found.macs) == (OpClass.CONTROL, 3 * 4 * 4)
    assert found.weight_bytes == 64 + 8 + 1  # w, and the number of trips, and the condition


def test_an_if_counts_its_larger_branch(tmp_path: Path) -> None:
    heavy = graph([helper.make_node("MatMul", ["x", "w"], ["a"])], [], [value("a")])
    light = graph([helper.make_node("Relu", ["x"], ["b"])], [], [value("b")])
    nodes = [helper.make_node("If", ["c"], ["y"], then_branch=light, else_branch=heavy)]
    inputs = [value("x"), value("c", (), 9)]
    proto = model(graph(nodes, inputs, [value("y")], {"w": np.eye(4, dtype=np.float32)}))
    made = load(save(tmp_path / "m.onnx", proto)).graph
    assert op_features(made, made.ops[0]).macs == 16


def test_a_branch_that_cannot_run_does_not_hide_the_other(tmp_path: Path) -> None:
    """x has 4 columns; one branch is for 5, the other finds its shape by arithmetic."""
    constants = {"w": np.eye(4, dtype=np.float32), "v": np.eye(5, dtype=np.float32)}
    arithmetic = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Reshape", ["x", "s"], ["r"]),
        helper.make_node("MatMul", ["r", "w"], ["a"]),
    ]
    fits = graph(arithmetic, [], [value("a", None)])
    other = graph([helper.make_node("MatMul", ["x", "v"], ["b"])], [], [value("b", None)])
    nodes = [helper.make_node("If", ["c"], ["y"], then_branch=fits, else_branch=other)]
    inputs = [value("x", (1, "n")), value("c", (), 9)]
    path = save(tmp_path / "m.onnx", model(graph(nodes, inputs, [value("y", None)], constants)))
    made = load(path, shapes={"x": (1, 4)}).graph
    assert op_features(made, made.ops[0]).macs == 16


def _loop() -> onnx.ModelProto:
    """Three times: x = x * w, with w of 4 x 4."""
    body = graph(
        [
            helper.make_node("Identity", ["going"], ["go"]),
            helper.make_node("MatMul", ["before", "w"], ["after"]),
        ],
        [value("i", (), 7), value("going", (), 9), value("before")],
        [value("go", (), 9), value("after")],
    )
    nodes = [helper.make_node("Loop", ["trips", "yes", "x"], ["y"], body=body)]
    constants = {
        "trips": np.array(3), "yes": np.array(True), "w": np.eye(4, dtype=np.float32)
    }  # fmt: skip
    return model(graph(nodes, [value("x")], [value("y")], constants))


LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


def total_macs(name: str) -> int:
    made = load(LIGHT / f"light_{name}.onnx").graph
    return sum(op_features(made, op).macs for op in made.ops)


def test_all_of_vgg19() -> None:
    # 3 x 3 convolutions of equal size between poolings, then three dense layers.
    blocks = [(224, 3, 64, 2), (112, 64, 128, 2), (56, 128, 256, 4), (28, 256, 512, 4)]
    blocks += [(14, 512, 512, 4)]
    convolutions = sum(
        side * side * 9 * (before * after + after * after * (count - 1))
        for side, before, after, count in blocks
    )
    dense = 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000
    assert total_macs("vgg19") == convolutions + dense == 19_632_062_464


def test_all_of_resnet50() -> None:
    # Bottlenecks of 1 x 1, 3 x 3 (which has the stride), 1 x 1, and a 1 x 1 shortcut per stage.
    total = 112 * 112 * 64 * 3 * 49 + 2048 * 1000
    channels = 64
    for side, width, count in [(56, 64, 3), (28, 128, 4), (14, 256, 6), (7, 512, 3)]:
        for index in range(count):
            stride = 2 if index == 0 and width > 64 else 1
            total += (side * stride) ** 2 * channels * width
            total += side**2 * (9 * width * width + width * 4 * width)
            total += side**2 * channels * 4 * width if index == 0 else 0
            channels = 4 * width
    assert total_macs("resnet50") == total
