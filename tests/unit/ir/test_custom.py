"""Custom ops: registered, loaded, judged, planned, run by their NumPy reference."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hetsched.backends.base import StageSpec
from hetsched.backends.ort import OrtBackend
from hetsched.backends.ort.custom import ChainedExecutable
from hetsched.backends.reference import reference_outputs
from hetsched.cli import main
from hetsched.convert.check import blockers, check_backend
from hetsched.convert.scenario import rules_of
from hetsched.errors import BackendError, ModelError
from hetsched.ir.custom import CustomOp, custom_op, forget, register, registered
from hetsched.ir.load import load
from hetsched.ir.macs import macs

TWICE = CustomOp(
    domain="com.example",
    name="Twice",
    version=1,
    infer=lambda inputs, _: [(inputs[0].dtype or "", inputs[0].shape or ())],
    reference=lambda x, factor=2.0: x * np.float32(factor),
    macs=lambda inputs, _: inputs[0].elements or 0,
)


@pytest.fixture
def twice() -> Iterator[CustomOp]:
    register(TWICE)
    yield TWICE
    forget(TWICE.domain, TWICE.name)


def saved(tmp_path: Path, version: int = 1, name: str = "Twice") -> Path:
    """y = relu(twice(abs(x))) + x."""
    nodes = [
        helper.make_node("Abs", ["x"], ["a"], "abs"),
        helper.make_node(name, ["a"], ["b"], "twice", domain="com.example", factor=3.0),
        helper.make_node("Relu", ["b"], ["c"], "relu"),
        helper.make_node("Add", ["c", "x"], ["y"], "add"),
    ]
    kinds = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 3]) for n in "xy"]
    graph = helper.make_graph(nodes, "g", kinds[:1], kinds[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", version)]
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


X = np.array([[1, -2, 3], [-4, 5, -6]], np.float32)
Y = np.abs(X) * 3 + X


def test_without_registration_the_message_says_how(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"isn't registered: .*register.* or hetsched --ops"):
        load(saved(tmp_path))


@pytest.mark.usefixtures("twice")
def test_shapes_behind_it_are_known(tmp_path: Path) -> None:
    graph = load(saved(tmp_path)).graph
    assert {name: graph.tensors[name].shape for name in "bcy"} == dict.fromkeys("bcy", (2, 3))
    assert macs(graph, graph.op["twice"]) == 6


@pytest.mark.usefixtures("twice")
def test_it_runs_between_onnx_runtimes_parts(tmp_path: Path) -> None:
    path = saved(tmp_path)
    model = load(path)
    (whole,) = OrtBackend(cache_dir=tmp_path / "cache").compile(
        model, [StageSpec(id="s0", ops=tuple(model.graph.op), outputs=("y",))]
    )
    assert isinstance(whole, ChainedExecutable)
    assert whole.inputs == ("x",)
    made = dict(zip(whole.outputs, whole.run({"x": X}), strict=True))
    np.testing.assert_array_equal(made["y"].numpy(), Y)
    found = reference_outputs(path, {"x": X})
    assert isinstance(found["y"], np.ndarray)
    np.testing.assert_array_equal(found["y"], Y)


@pytest.mark.usefixtures("twice")
def test_check_tells_which_sides_are_missing(tmp_path: Path) -> None:
    model = load(saved(tmp_path))
    assert check_backend(model.graph, "onnxruntime", "cpu").findings == {}
    verdict = check_backend(model.graph, "mace", "apu")
    found = {one.op: one for one in blockers(model.graph, [verdict], rules_of(model))}
    assert found["twice"].scenario == 4
    told = "custom op, registered with NumPy; missing: ONNX Runtime, OpenCL, C++"
    assert found["twice"].remedy == told


@pytest.mark.usefixtures("twice")
def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is of version 2 of com\.example: .* for 1"):
        load(saved(tmp_path, version=2))
    with pytest.raises(ModelError, match=r"'Other' .* isn't registered"):
        load(saved(tmp_path, name="Other"))


def broken(**changes: object) -> CustomOp:
    fields = {name: getattr(TWICE, name) for name in TWICE.__dataclass_fields__}
    return CustomOp(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"domain": ""}, "can't be registered in domain ''"),
        ({"domain": "com.microsoft"}, "which isn't yours"),
        ({"version": 0}, "version 0 is under 1"),
        ({"onnxruntime": Path("no.so")}, "there is no library no.so"),
    ],
)
def test_what_cant_be_registered(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        register(broken(**changes))
    assert not registered()


@pytest.mark.usefixtures("twice")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"infer": lambda *_: 1 / 0}, "infer of com.example Twice failed: ZeroDivisionError"),
        ({"infer": lambda *_: []}, "gave 0 outputs instead of 1"),
        ({"infer": lambda *_: [("float33", ())]}, "gave dtype 'float33'"),
    ],
)
def test_a_wrong_infer_is_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    register(broken(**changes))
    with pytest.raises(ModelError, match=message):
        load(saved(tmp_path))


@pytest.mark.usefixtures("twice")
def test_a_failing_reference_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path)
    for reference, message in (
        (lambda *_, **__: 1 / 0, "op 'twice': the NumPy reference .* failed: ZeroDivisionError"),
        (lambda x, **__: [x, x], "op 'twice': its reference made 2 outputs instead of 1"),
    ):
        register(broken(reference=reference))
        with pytest.raises(BackendError, match=message):
            reference_outputs(path, {"x": X})


def test_a_file_registers_ops_for_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ops.py").write_text(
        "from hetsched.ir.custom import CustomOp, register\n"
        "register(CustomOp(domain='com.example', name='Twice', version=1,\n"
        "    infer=lambda inputs, _: [(inputs[0].dtype, inputs[0].shape)],\n"
        "    reference=lambda x, factor: x * factor))\n"
    )
    model = str(saved(tmp_path))
    command = ["check", model, "--framework", "onnxruntime", "--backend", "cpu"]
    try:
        for ops, code in (([], 1), (["--ops", str(tmp_path / "ops.py")], 0)):
            with pytest.raises(SystemExit) as ended:
                main([*ops, *command])
            assert int(ended.value.code or 0) == code
        assert "4 of 4 ops run" in capsys.readouterr().out
        assert custom_op("com.example", "Twice") is not None
    finally:
        forget("com.example", "Twice")
    for text, message in (("1 / 0", "failed: ZeroDivisionError"), ("", "registers nothing")):
        (tmp_path / "ops.py").write_text(text)
        with pytest.raises(SystemExit):
            main(["--ops", str(tmp_path / "ops.py"), *command])
        assert message in capsys.readouterr().err
