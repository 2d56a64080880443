"""Targets: which tables an op must pass."""

import pytest

from hetsched.convert.target import framework_target, profile_target
from hetsched.errors import CapabilityError
from hetsched.ir.graph import Graph, Op, Tensor
from hetsched.soc.catalog import profile


def unary(op_type: str) -> Graph:
    op = Op(name="op", op_type=op_type, opset=13, inputs=("x",), outputs=("y",))
    tensors = {n: Tensor(name=n, dtype="float32", shape=(1, 8, 4, 4)) for n in "xy"}
    return Graph(ops=(op,), tensors=tensors, inputs=("x",), outputs=("y",), constants=frozenset())


def test_a_backend() -> None:
    target = framework_target("onnxruntime", "nnapi")
    assert target.name == "onnxruntime nnapi"
    assert target.blocked(unary("HardSigmoid")) == {
        "op": "ONNX Runtime nnapi: HardSigmoid not supported"
    }
    assert target.blocked(unary("Relu")) == {}


def test_the_converter_comes_first() -> None:
    target = framework_target("mace", "gpu-opencl")
    (way,) = target.ways
    assert way.rows == (("mace", "converter"), ("mace", "gpu-opencl"))


def test_dtypes_that_float_tensors_are_converted_to() -> None:
    assert "op" in framework_target("mace", "dsp-hexagon").blocked(unary("Relu"))
    target = framework_target("mace", "dsp-hexagon", {"dsp-hexagon": "uint8"})
    assert target.name == "mace dsp-hexagon in uint8"
    assert target.blocked(unary("Relu")) == {}


def test_without_a_backend_one_of_them_is_enough() -> None:
    assert framework_target("onnxruntime").blocked(unary("HardSigmoid")) == {}
    assert "op" in framework_target("mace").blocked(unary("Det"))


def test_a_unit_and_all_accelerators() -> None:
    soc = profile("helio-g90")
    assert "op" in profile_target(soc, "apu").blocked(unary("HardSigmoid"))
    # The GPU takes it, which is enough; Erf is taken by neither.
    assert profile_target(soc).blocked(unary("HardSigmoid")) == {}
    assert profile_target(soc).name == "helio-g90's gpu, apu"
    assert "op" in profile_target(soc).blocked(unary("Erf"))


def test_unknown_names() -> None:
    with pytest.raises(CapabilityError, match="did you mean 'tensorflow'"):
        framework_target("tensorflw")
    with pytest.raises(CapabilityError, match="'onnxruntime' has no backend 'nnap': "):
        framework_target("onnxruntime", "nnap")
    with pytest.raises(CapabilityError, match="no unit 'ap': did you mean 'apu'\\? it has cpu-big"):
        profile_target(profile("helio-g90"), "ap")
