from collections.abc import Mapping

import msgspec
import pytest

from hetsched.convert.capability import refusals
from hetsched.errors import CapabilityError
from hetsched.ir.graph import Attribute, Graph
from hetsched.soc.catalog import profile
from hetsched.soc.profile import Profile
from tests.unit.cost.nets import GraphBuilder
from tests.unit.soc.samples import link, three_units, unit

SOC = three_units()
SHAPE = (1, 8, 4, 4)


def reason(graph: Graph, where: str, framework: str | None = None) -> str | None:
    """Why a unit refuses the last op, None when it doesn't."""
    return refusals(graph, SOC, framework).get((graph.ops[-1].name, where))


def one(
    op_type: str,
    *,
    shape: tuple[int | None, ...] = SHAPE,
    made: tuple[int | None, ...] | None = None,
    dtype: str = "float32",
    stored: Mapping[str, tuple[int, ...]] | None = None,
    attributes: Mapping[str, Attribute] | None = None,
    opset: int = 11,
    outputs: int = 1,
) -> Graph:
    """One op with one input at run time, and constants by shape."""
    builder = GraphBuilder(opset)
    inputs = [builder.input("x", *shape, dtype=dtype)]
    inputs += [builder.constant(name, *dims) for name, dims in (stored or {}).items()]
    out = builder.op(
        op_type, inputs, made or shape, dtype=dtype, attributes=attributes, outputs=outputs
    )
    return builder.graph(*(f"{out[:-1]}{index}" for index in range(outputs)))


def conv(group: int = 1, rank: int = 4, made: int = 8, bias: bool = True) -> Graph:
    builder = GraphBuilder()
    shape, kernel = (1, 8, *(4,) * (rank - 2)), (1,) * (rank - 2)
    inputs = [builder.input("x", *shape), builder.constant("w", made, 8 // group, *kernel)]
    if bias:
        inputs.append(builder.constant("b", made))
    out = builder.op("Conv", inputs, (1, made, *shape[2:]), attributes={"group": group})
    return builder.graph(out)


def test_an_op_without_a_row_is_refused_in_a_closed_world() -> None:
    graph = one("LRN")
    assert reason(graph, "apu") == "MACE apu: LRN not supported"
    assert reason(graph, "cpu") is None


def test_a_row_that_says_none_gives_its_reason() -> None:
    graph = one("HardSigmoid")
    assert reason(graph, "apu") == "MACE apu: activation HARDSIGMOID rejected"
    assert reason(graph, "gpu") is None


def test_convolutions() -> None:
    for where in ("gpu", "apu", "cpu"):
        assert reason(conv(), where) is None
        assert reason(conv(group=8), where) is None
    assert reason(conv(group=2), "apu") == "MACE apu: groups 1 or depthwise only, not 2"
    assert reason(conv(group=2), "cpu") is None
    assert reason(conv(rank=3), "gpu") == "MACE gpu-opencl: 2-D convolutions only"
    assert reason(conv(rank=5), "apu") == "MACE apu: 'x' has rank 5: at most 4"
    assert reason(conv(group=8, made=16), "gpu") == (
        "MACE gpu-opencl: depthwise with multiplier 1 only"
    )
    # The APU converter adds the bias that its row asks for.
    assert reason(conv(bias=False), "apu") is None


def test_convolution_with_weights_made_at_run_time() -> None:
    builder = GraphBuilder()
    inputs = [builder.input("x", *SHAPE), builder.input("w", 8, 8, 1, 1)]
    graph = builder.graph(builder.op("Conv", inputs, SHAPE))
    assert reason(graph, "apu") == "MACE apu: weights must be stored in the model"


def test_transposed_convolution() -> None:
    def graph(**attributes: Attribute) -> Graph:
        return one(
            "ConvTranspose",
            stored={"w": (8, 8, 2, 2)},
            made=(1, 8, 8, 8),
            attributes=attributes,
        )

    assert reason(graph(), "gpu") is None
    assert "dilation 1 only" in str(reason(graph(dilations=(2, 2)), "apu"))
    assert "no output_padding" in str(reason(graph(output_padding=(1, 1)), "gpu"))
    assert reason(graph(output_padding=(1, 1)), "apu") is None
    assert "no output_shape" in str(reason(graph(output_shape=(8, 8)), "gpu"))


def test_element_wise() -> None:
    vector, scalar = {"k": (8,)}, {"k": ()}
    assert reason(one("Add", stored=vector), "apu") is None
    assert "a stored scalar becomes an attribute" in str(reason(one("Add", stored=scalar), "apu"))
    assert reason(one("Add", stored=scalar), "gpu") is None
    assert reason(one("Mul", stored={"k": (8, 1, 1)}), "gpu") == (
        "MACE gpu-opencl: const operand must be rank 1 or 4, not 3"
    )
    assert "not SUB" in str(reason(one("Sub", stored=vector), "apu"))
    builder = GraphBuilder()
    inputs = [builder.input(name, *SHAPE) for name in "abc"]
    graph = builder.graph(builder.op("Sum", inputs, SHAPE))
    assert reason(graph, "apu") == "MACE apu: exactly two inputs, not 3"
    assert reason(graph, "gpu") == "MACE gpu-opencl: at most two inputs, not 3"


def test_a_tensor_added_to_itself_is_two_inputs() -> None:
    builder = GraphBuilder()
    source = builder.input("x", *SHAPE)
    assert reason(builder.graph(builder.op("Add", (source, source), SHAPE)), "apu") is None


def test_clip() -> None:
    def by_input(low: float | None) -> Graph:
        builder = GraphBuilder()
        source = builder.input("x", *SHAPE)
        value = None if low is None else (low,)
        inputs = [
            source,
            builder.constant("low", value=value),
            builder.constant("high", value=(6.0,)),
        ]
        return builder.graph(builder.op("Clip", inputs, SHAPE))

    assert reason(one("Clip", attributes={"min": 0.0, "max": 6.0}, opset=6), "apu") is None
    assert reason(by_input(0.0), "apu") is None
    wrong = "MACE apu: Clip with min=0 only (RELU, RELUX)"
    assert reason(by_input(-1.0), "apu") == wrong
    assert reason(by_input(None), "apu") == wrong
    assert reason(one("Clip", shape=(1, 8)), "gpu") == (
        "MACE gpu-opencl: 4-D tensors only, not rank 2"
    )


def test_concat_and_split_on_the_gpu() -> None:
    def concat(channels: int, axis: int, rank: int = 4) -> Graph:
        builder = GraphBuilder()
        shape = (1, channels, 4, 4)[:rank]
        inputs = [builder.input(name, *shape) for name in "ab"]
        made = (1, 2 * channels, 4, 4)[:rank]
        return builder.graph(builder.op("Concat", inputs, made, attributes={"axis": axis}))

    assert reason(concat(8, 1), "gpu") is None
    assert "divisible by 4" in str(reason(concat(6, 1), "gpu"))
    assert "4-D channel axis only" in str(reason(concat(8, 2), "gpu"))
    assert "4-D channel axis only" in str(reason(concat(8, 1, 2), "gpu"))
    assert reason(concat(6, 2), "apu") is None
    split = one("Split", made=(1, 4, 4, 4), attributes={"axis": 1}, outputs=2)
    assert reason(split, "gpu") is None
    narrow = one("Split", made=(1, 2, 4, 4), attributes={"axis": 1}, outputs=4)
    assert "divisible by 4" in str(reason(narrow, "gpu"))


def test_one_output_per_op_on_the_apu() -> None:
    graph = one("MaxPool", outputs=2)
    assert reason(graph, "apu") == "MACE apu: MaxPool with 2 outputs: at most 1"
    assert reason(graph, "gpu") == "MACE gpu-opencl: one output per op"


def test_outputs_that_nobody_reads_do_not_count() -> None:
    graph = one("MaxPool", outputs=2)
    single = Graph(
        ops=graph.ops,
        tensors=graph.tensors,
        inputs=graph.inputs,
        outputs=graph.outputs[:1],
        constants=graph.constants,
    )
    assert reason(single, "apu") is None


def test_reductions_on_the_gpu() -> None:
    def mean(axes: tuple[int, ...], keepdims: int = 1) -> Graph:
        attributes: dict[str, Attribute] = {"axes": axes, "keepdims": keepdims}
        return one("ReduceMean", made=(1, 8, 1, 1), attributes=attributes)

    assert reason(mean((2, 3)), "gpu") is None
    assert reason(mean((-1, -2)), "gpu") is None
    assert reason(mean((1,)), "gpu") is None
    assert "axes H and W, or C, only" in str(reason(mean((0,)), "gpu"))
    assert "keepdims only" in str(reason(mean((2, 3), 0), "gpu"))


def test_padding_on_the_apu() -> None:
    def pad(pads: tuple[int, ...], **more: Attribute) -> Graph:
        return one("Pad", attributes={"pads": pads, **more}, opset=2)

    assert reason(pad((0, 0, 1, 1, 0, 0, 1, 1)), "apu") is None
    assert "H and W" in str(reason(pad((0, 1, 0, 0, 0, 0, 0, 0)), "apu"))
    assert "zero only" in str(reason(pad((0, 0, 1, 1, 0, 0, 1, 1), value=1.0), "apu"))
    reflect = pad((0, 0, 1, 1, 0, 0, 1, 1), mode="reflect")
    assert "constant padding only" in str(reason(reflect, "apu"))


def test_resize() -> None:
    def resize(mode: str, how: str, rounding: str = "round_prefer_floor") -> Graph:
        attributes: dict[str, Attribute] = {
            "mode": mode,
            "coordinate_transformation_mode": how,
            "nearest_mode": rounding,
        }
        return one("Resize", stored={"roi": (0,), "scales": (4,)}, attributes=attributes)

    assert reason(resize("linear", "align_corners"), "apu") is None
    assert "bilinear only, not nearest" in str(reason(resize("nearest", "asymmetric"), "apu"))
    assert reason(resize("nearest", "asymmetric", "floor"), "gpu") is None
    assert "nearest needs asymmetric" in str(reason(resize("nearest", "half_pixel"), "gpu"))
    assert "needs align_corners" in str(reason(resize("linear", "half_pixel"), "gpu"))


def test_batch_normalisation() -> None:
    parameters = {f"p{index}": (8,) for index in range(4)}
    alone = one("BatchNormalization", stored=parameters)
    assert reason(alone, "apu") == ("MACE apu: only when folded into a convolution right before it")
    assert reason(alone, "gpu") is None
    builder = GraphBuilder()
    made = builder.conv(builder.input("x", *SHAPE), 8, 1)
    stored = [builder.constant(name, *dims) for name, dims in parameters.items()]
    folded = builder.op("BatchNormalization", (made, *stored), SHAPE)
    assert reason(builder.graph(folded), "apu") is None
    assert "has other readers" in str(reason(builder.graph(folded, made), "apu"))


def test_fully_connected() -> None:
    def gemm(**attributes: Attribute) -> Graph:
        return one(
            "Gemm",
            shape=(1, 8),
            made=(1, 4),
            stored={"w": (4, 8), "b": (4,)},
            attributes=attributes,
        )

    assert reason(gemm(transB=1), "apu") is None
    assert "transA=0 only" in str(reason(gemm(transA=1), "apu"))
    assert "FullyConnected needs a 4-D input" in str(reason(gemm(transB=1), "gpu"))


def test_dtypes_decide() -> None:
    integers = one("Add", dtype="int64", stored={"k": (8,)})
    assert reason(integers, "apu") == "MACE apu: Add of int64 ('x'): takes float32, int16, uint8"
    assert "Relu of float64" in str(reason(one("Relu", dtype="float64"), "gpu"))
    assert "Relu of float16" in str(reason(one("Relu", dtype="float16"), "apu"))
    assert reason(one("Relu", dtype="float16"), "gpu") is None


def test_a_float_model_is_converted_to_what_a_unit_computes_in() -> None:
    """DLA rows list float16 and int8: a float32 model runs there, in float16."""
    soc = profile("jetson-agx-xavier")
    assert not [key for key in refusals(one("Relu"), soc) if key[1] == "dla0"]
    refused = refusals(one("Relu", dtype="float64"), soc)
    assert any("takes float16, int8" in refused[key] for key in refused if key[1] == "dla0")


def test_dla_limits_of_convolutions() -> None:
    def conv(kernel: int, stride: int) -> str | None:
        builder = GraphBuilder()
        inputs = (builder.input("x", 1, 8, 64, 64), builder.constant("w", 8, 8, kernel, kernel))
        attributes = {"strides": (stride, stride)}
        graph = builder.graph(builder.op("Conv", inputs, (1, 8, 9, 9), attributes=attributes))
        found = refusals(graph, profile("jetson-agx-xavier"))
        return next((text for (_, unit), text in found.items() if unit == "dla0"), None)

    assert conv(3, 1) is None
    assert "kernel of 1 to 32" in str(conv(33, 1))
    assert "stride of 1 to 8" in str(conv(3, 9))


def test_stored_integers_are_parameters() -> None:
    builder = GraphBuilder()
    shape = builder.constant("s", 2, dtype="int64", value=(1, 128))
    graph = builder.graph(builder.op("Reshape", (builder.input("x", *SHAPE), shape), (1, 128)))
    assert reason(graph, "gpu") is None
    assert reason(graph, "apu") is None


def test_unknown_shapes_are_refused_where_they_must_be_known() -> None:
    graph = one("Relu", shape=(1, 8, None, 4))
    assert reason(graph, "gpu") == "MACE gpu-opencl: shape of 'x' isn't known: [1, 8, None, 4]"
    assert reason(graph, "cpu") is None


def quantise(op_type: str, dtype: str, scale: tuple[int, ...]) -> Graph:
    builder = GraphBuilder(13)
    source = builder.input("x", *SHAPE, dtype=dtype if op_type == "DequantizeLinear" else "float32")
    stored = [builder.constant("s", *scale), builder.constant("z", *scale, dtype=dtype)]
    made = "float32" if op_type == "DequantizeLinear" else dtype
    return builder.graph(builder.op(op_type, (source, *stored), SHAPE, dtype=made))


@pytest.mark.parametrize("op_type", ["QuantizeLinear", "DequantizeLinear"])
def test_quantisation(op_type: str) -> None:
    assert reason(quantise(op_type, "uint8", ()), "apu") is None
    assert "takes float32, int16, uint8" in str(reason(quantise(op_type, "int8", ()), "apu"))
    assert "per-tensor" in str(reason(quantise(op_type, "uint8", (8,)), "apu"))
    assert "placed on CPU" in str(reason(quantise(op_type, "uint8", ()), "gpu"))
    assert reason(quantise(op_type, "int8", (8,)), "cpu") is None


def test_a_quantised_convolution_runs_on_the_apu() -> None:
    """As PyTorch exports it: uint8 activations, int8 weights behind a DequantizeLinear."""
    builder = GraphBuilder(13)
    scale, zero = builder.constant("s"), builder.constant("z", dtype="uint8")
    source = builder.input("x", *SHAPE, dtype="uint8")
    real = builder.op("DequantizeLinear", (source, scale, zero), SHAPE)
    stored = builder.constant("w8", 8, 8, 1, 1, dtype="int8")
    weights = builder.op("DequantizeLinear", (stored, scale), (8, 8, 1, 1))
    made = builder.op("Conv", (real, weights), SHAPE)
    graph = builder.graph(builder.op("QuantizeLinear", (made, scale, zero), SHAPE, dtype="uint8"))
    assert not [op for op, where in refusals(graph, SOC) if where == "apu"]


def test_three_reads_of_two_tensors_are_three_inputs() -> None:
    builder = GraphBuilder()
    first, second = builder.input("a", *SHAPE), builder.input("b", *SHAPE)
    graph = builder.graph(builder.op("Sum", (first, second, first), SHAPE))
    assert reason(graph, "apu") == "MACE apu: exactly two inputs, not 3"


def test_control_flow_stays_on_the_cpu() -> None:
    builder = GraphBuilder()
    graph = builder.graph(builder.op("If", (builder.input("c", dtype="bool"),), SHAPE))
    assert reason(graph, "apu") == "MACE apu: If is control flow, which the CPU runs"
    assert reason(graph, "cpu") is None


def test_onnxruntime_opset_ranges_and_dtypes() -> None:
    assert reason(one("Upsample", stored={"s": (4,)}, opset=9), "cpu") is None
    assert reason(one("Upsample", stored={"s": (4,)}, opset=10), "cpu") == (
        "ONNX Runtime cpu: no kernel for Upsample of opset 10: 7 to 9"
    )
    assert "opset 22: 10 to 21" in str(reason(one("RoiAlign", opset=22), "cpu"))
    assert "opset 5: 6 to newest" in str(reason(one("Relu", opset=5), "cpu"))
    assert "no kernel for Relu of uint16" in str(reason(one("Relu", dtype="uint16"), "cpu"))
    # No row lists 8-bit floats, yet Cast takes them; a float16 Conv runs between casts.
    assert reason(one("Cast", dtype="float8e5m2"), "cpu") is None
    assert reason(one("Softmax", dtype="float16"), "cpu") is None
    # The row of TopK lists the dtype of its index.
    assert reason(one("TopK", stored={"k": (1,)}), "cpu") is None
    assert reason(one("FlexiblePool"), "cpu") == "ONNX Runtime cpu: no kernel for FlexiblePool"


def test_other_domains() -> None:
    def graph(domain: str) -> Graph:
        builder = GraphBuilder()
        return builder.graph(
            builder.op("Gelu", (builder.input("x", *SHAPE),), SHAPE, domain=domain)
        )

    assert reason(graph("com.microsoft"), "cpu") is None
    assert reason(graph("com.microsoft"), "gpu") == (
        "MACE gpu-opencl: com.microsoft Gelu is no ONNX operator"
    )
    assert "no kernels for domain 'my.own' of Gelu" in str(reason(graph("my.own"), "cpu"))


def test_framework_needs_converter_and_unit_rows() -> None:
    """TNN's converter takes Relu and has ARM, OpenCL rows but nothing that reaches the APU."""
    graph = one("Relu")
    assert reason(graph, "cpu", "tnn") is None
    assert reason(graph, "gpu", "tnn") is None
    assert str(reason(graph, "apu", "tnn")).startswith("TNN doesn't reach this unit (its backends:")
    # MACE's converter has no Erf although its rows for units don't matter then.
    assert "MACE converter: not in converter map" in str(reason(one("Erf"), "cpu", "mace"))
    # A partial row whose words can't be checked isn't promised.
    assert reason(one("GlobalAveragePool", made=(1, 8, 1, 1)), "gpu", "tflite") == (
        "TFLite converter: GlobalAveragePool works only under a condition not checked: "
        "attribute/shape conditions apply"
    )


@pytest.mark.parametrize(
    ("graph", "framework", "broken"),
    [
        (conv(), "tnn", None),
        (conv(rank=5), "tnn", "TNN cpu-arm: 3-D convolution missing"),
        (one("MaxPool", outputs=2), "tnn", "TNN converter: one output per op"),
        (one("ArgMax", attributes={"select_last_index": 1}), "tnn", "TNN converter: select_last"),
        (one("Pad", attributes={"mode": "edge"}), "tnn", "TNN converter: constant mode only"),
        (one("Resize", stored={"s": (4,)}), "tnn", "TNN converter: asymmetric only, not half"),
        (conv(group=2), "tflite", "TFLite converter: groups 1 or depthwise only, not 2"),
        (one("ReduceMax", attributes={"axes": (2, 3)}), "tflite", None),
        (one("Squeeze", opset=13), "mace", "MACE converter: axes must be an attribute"),
        (one("ConvTranspose", attributes={"auto_pad": "SAME_UPPER"}), "ncnn", "ncnn converter: no"),
        (one("DepthToSpace", attributes={"mode": "DCR"}), "ncnn", "ncnn converter: CRD only"),
        (one("BatchNormalization", attributes={"training_mode": 1}), "ncnn", "ncnn converter: inf"),
    ],
)
def test_words_that_can_be_checked(graph: Graph, framework: str, broken: str | None) -> None:
    found = reason(graph, "cpu", framework)
    assert found is None if broken is None else str(found).startswith(broken)


def test_backend_restricts_units() -> None:
    graph = one("Relu")
    found = refusals(graph, SOC, "onnxruntime", "nnapi")
    assert ("Relu0", "apu") not in found
    assert ("Relu0", "cpu") not in found
    assert found["Relu0", "gpu"].startswith("ONNX Runtime nnapi doesn't reach this unit")


def test_wrong_choices_are_refused() -> None:
    graph = one("Relu")
    with pytest.raises(CapabilityError, match="'tensorlight': did you mean"):
        refusals(graph, SOC, "tensorlight")
    with pytest.raises(CapabilityError, match=r"backend 'npu': .*it has converter, cpu"):
        refusals(graph, SOC, "mace", "npu")
    with pytest.raises(CapabilityError, match="backend 'apu' needs a framework too"):
        refusals(graph, SOC, None, "apu")


def test_a_profile_with_an_unknown_backend_is_refused() -> None:
    gpu = msgspec.structs.replace(SOC.units[1], backend="gpu-metal")
    soc = Profile(
        name="wrong",
        home="cpu",
        units=(unit("cpu"), gpu),
        links=(link("cpu", "gpu"),),
    )
    with pytest.raises(CapabilityError, match="'mace' has no backend 'gpu-metal'"):
        refusals(one("Relu"), soc)
