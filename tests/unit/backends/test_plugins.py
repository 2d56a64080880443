"""Plug-in providers: what they take is run and cached, what they don't is refused by name."""

import os
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from hetsched.backends.base import StageSpec
from hetsched.backends.ort import OrtBackend
from hetsched.backends.plugins import backend as backends
from hetsched.backends.plugins import compile as compiling
from hetsched.backends.plugins import register
from hetsched.backends.plugins.backend import PluginBackend
from hetsched.backends.plugins.culprit import boundary, culprits
from hetsched.backends.plugins.register import gate_path, probe
from hetsched.backends.plugins.session import left_out, options_key
from hetsched.backends.plugins.stage import PluginExecutable
from hetsched.backends.plugins.table import OPENVINO, PROVIDERS, QNN
from hetsched.backends.recipe import Recipe, make
from hetsched.cost.measure_stages import measure_stages
from hetsched.errors import BackendError, CostError
from hetsched.ir.graph import Graph
from hetsched.ir.model import Model
from hetsched.testing import chain_graph
from tests.unit.backends.tiny import conv_chain, made, port

FACTORY = "hetsched.backends.plugins.backend:PluginBackend"

TOO_MUCH = {"vtcm_mb": "100000"}
"""More on-chip memory than any chip has: QNN takes every op, and then compiles none."""


def whole(model: Model, name: str = "s0") -> StageSpec:
    ops = tuple(op.name for op in model.graph.ops)
    return StageSpec(id=name, ops=ops, outputs=model.graph.outputs)


def outputs(backend: Any, model: Model, spec: StageSpec, x: np.ndarray) -> list[np.ndarray]:
    (stage,) = backend.compile(model, [spec])
    return [value.numpy() for value in stage.run({"x": x})]


def relu_erf(folder: Path) -> Model:
    """Two ops, of which QNN takes the first only."""
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], "relu"),
        helper.make_node("Erf", ["r"], ["y"], "erf"),
    ]
    return made(folder, nodes, [port("x", [1, 8, 4, 4])], [port("y", [1, 8, 4, 4])], opset=17)


@pytest.fixture(scope="module")
def qnn_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("qnn")


def test_openvino_computes_what_onnx_runtime_does(tmp_path: Path) -> None:
    model = conv_chain(tmp_path)
    x = np.random.default_rng(0).standard_normal((1, 16, 8, 8)).astype(np.float32)
    (there,) = outputs(PluginBackend("openvino", cache_dir=tmp_path / "c"), model, whole(model), x)
    (here,) = outputs(OrtBackend(cache_dir=tmp_path / "c"), model, whole(model), x)
    np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-5)


def test_stages_of_two_engines_share_values_without_a_copy(tmp_path: Path) -> None:
    model = conv_chain(tmp_path)
    ops = [op.name for op in model.graph.ops]
    first = StageSpec(id="a", ops=tuple(ops[:6]), outputs=boundary(model.graph, ops[:6]))
    second = StageSpec(id="b", ops=tuple(ops[6:]), outputs=model.graph.outputs)
    x = np.random.default_rng(0).standard_normal((1, 16, 8, 8)).astype(np.float32)
    (made_by,) = PluginBackend("openvino", cache_dir=tmp_path / "c").compile(model, [first])
    (reads,) = OrtBackend(cache_dir=tmp_path / "c").compile(model, [second])
    (value,) = made_by.run({"x": x})
    assert np.shares_memory(value.numpy(), value.numpy())
    (split,) = [y.numpy() for y in reads.run({reads.inputs[0]: value})]
    (one,) = outputs(OrtBackend(cache_dir=tmp_path / "c"), model, whole(model), x)
    np.testing.assert_allclose(split, one, rtol=1e-4, atol=1e-5)


def test_contexts_are_kept_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = conv_chain(tmp_path, length=1)
    backend = PluginBackend("openvino", cache_dir=tmp_path / "c")
    x = np.ones((1, 16, 8, 8), np.float32)
    (first,) = outputs(backend, model, whole(model), x)
    compiled: list[str] = []

    def counted(provider: Any, order: Any, folder: Path) -> Any:
        compiled.append(provider.name)
        return compiling.compile_part(provider, order, folder)

    monkeypatch.setattr(backends, "compile_part", counted)
    (again,) = outputs(PluginBackend("openvino", cache_dir=tmp_path / "c"), model, whole(model), x)
    assert compiled == []
    assert np.array_equal(first, again)
    for spoilt in (tmp_path / "c").glob("openvino-*/context*"):
        spoilt.write_bytes(b"spoilt" + spoilt.read_bytes()[6:])
    (mended,) = outputs(backend, model, whole(model), x)
    assert compiled == ["openvino"]
    assert np.array_equal(first, mended)


def test_contexts_are_keyed_by_version_threads_and_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = options_key(OPENVINO, 1, {})
    assert plain == options_key(OPENVINO, 1, {})
    assert plain != options_key(OPENVINO, 2, {})
    assert plain != options_key(OPENVINO, 1, {"disable_dynamic_shapes": "true"})
    monkeypatch.setattr("hetsched.backends.plugins.session.installed_version", lambda _: "0")
    assert plain != options_key(OPENVINO, 1, {})


def test_running_leaves_a_thread_on_its_cores(tmp_path: Path) -> None:
    model = conv_chain(tmp_path, length=1)
    (stage,) = PluginBackend("openvino", cache_dir=tmp_path / "c").compile(model, [whole(model)])
    core = min(os.sched_getaffinity(0))
    masks: list[set[int]] = []

    def pinned() -> None:
        os.sched_setaffinity(0, {core})
        for _ in range(3):
            stage.run({"x": np.ones((1, 16, 8, 8), np.float32)})
            masks.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=pinned)
    thread.start()
    thread.join()
    assert masks == [{core}] * 3


def test_qnn_is_emulated_and_half_precise(tmp_path: Path, qnn_cache: Path) -> None:
    model = conv_chain(tmp_path, length=1)
    backend = PluginBackend("qnn", cache_dir=qnn_cache)
    assert (backend.name, backend.emulated, backend.arithmetic) == (
        "qnn (emulated)",
        True,
        "float16",
    )
    x = np.random.default_rng(0).standard_normal((1, 16, 8, 8)).astype(np.float32)
    (there,) = outputs(backend, model, whole(model), x)
    (here,) = outputs(OrtBackend(cache_dir=tmp_path / "c"), model, whole(model), x)
    error = float(np.abs(there - here).max() / np.abs(here).max())
    assert 0 < error < 1e-2  # float16's last bit is 2^-11 = 5e-4


def test_its_times_enter_no_cost(tmp_path: Path) -> None:
    model = conv_chain(tmp_path, length=1)
    with pytest.raises(CostError, match=r"backend 'qnn \(emulated\)' emulates its hardware"):
        measure_stages(
            model, [whole(model)], [(0,)], threads=1, budget_s=0.0, backend=PluginBackend("qnn")
        )


def test_a_partial_claim_is_refused_by_name(tmp_path: Path, qnn_cache: Path) -> None:
    model = relu_erf(tmp_path)
    message = r"backend 'qnn' leaves 1 of 2 ops of stage 's0' to the CPU: 'erf' \(Erf\)$"
    with pytest.raises(BackendError, match=message):
        PluginBackend("qnn", cache_dir=qnn_cache).compile(model, [whole(model)])


def test_or_reported(tmp_path: Path, qnn_cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = relu_erf(tmp_path)
    backend = PluginBackend("qnn", cache_dir=qnn_cache, partial="report")
    (stage,) = backend.compile(model, [whole(model)])
    assert isinstance(stage, PluginExecutable)
    assert stage.left_out == ("erf",)
    assert "leaves 1 of 2 ops" in caplog.text
    x = np.linspace(-1, 1, 128, dtype=np.float32).reshape(1, 8, 4, 4)
    (value,) = stage.run({"x": x})
    assert value.numpy().min() == 0


def test_what_it_takes_is_told_op_by_op(tmp_path: Path) -> None:
    found = PluginBackend("qnn").supports(relu_erf(tmp_path))
    version = register.installed_version(QNN)
    assert found == {
        "relu": None,
        "erf": f"onnxruntime-qnn {version} leaves this Erf to the CPU",
    }


def test_a_failing_compiler_is_an_error_with_the_op(tmp_path: Path) -> None:
    model = made(
        tmp_path,
        [helper.make_node("Relu", ["x"], ["y"], "relu")],
        [port("x", [1, 8, 4, 4])],
        [port("y", [1, 8, 4, 4])],
        opset=17,
    )
    backend = PluginBackend("qnn", cache_dir=tmp_path / "c", options=TOO_MUCH)
    with pytest.raises(BackendError, match=r"stage 's0', op 'relu' \(Relu\): backend 'qnn': "):
        backend.compile(model, [whole(model)])
    assert list((tmp_path / "c").iterdir()) == []


def test_a_compiler_that_dies_or_hangs_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = compiling.Order(provider="qnn", threads=1, options={}, ops=("a",), keep=False)

    def died(*args: Any, **kwargs: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(args, -11, b"", b"")

    monkeypatch.setattr(subprocess, "run", died)
    with pytest.raises(BackendError, match="its compiler died of SIGSEGV"):
        compiling.compile_part(QNN, order, tmp_path)

    def hung(*args: Any, **kwargs: Any) -> subprocess.CompletedProcess[bytes]:
        raise subprocess.TimeoutExpired("compiler", 900)

    monkeypatch.setattr(subprocess, "run", hung)
    with pytest.raises(BackendError, match="its compiler was stopped after 900 s"):
        compiling.compile_part(QNN, order, tmp_path)


def test_a_provider_that_is_not_installed_says_how_to_get_it() -> None:
    absent = replace(QNN, package="onnxruntime-none", module="onnxruntime_none", extra="none")
    found = probe(absent)
    assert (found.here, found.version) == (False, None)
    assert found.why_not == "onnxruntime-none isn't installed: pip install 'hetsched[none]'"


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS.keys())
def test_what_is_installed_is_found(provider: Any) -> None:
    found = PluginBackend(provider.name).probe()
    assert (found.here, found.why_not) == (True, None)
    assert found.version == register.installed_version(provider)
    assert len(found.devices) == 1
    assert provider.gate is None or gate_path(provider).exists()


def test_a_backend_can_be_made_anew(tmp_path: Path) -> None:
    backend = PluginBackend("openvino", threads=2, partial="report", cache_dir=tmp_path)
    twin = make(backend.recipe())
    assert isinstance(twin, PluginBackend)
    assert twin.recipe() == backend.recipe()


def test_unknown_providers_and_choices() -> None:
    with pytest.raises(BackendError, match="there is no plug-in provider 'cuda': take one of "):
        PluginBackend("cuda")
    with pytest.raises(BackendError, match="partial is 'ignore': take 'refuse' or 'report'"):
        make(Recipe(factory=FACTORY, options={"provider": "qnn", "partial": "ignore"}))


class _Node:
    def __init__(self, name: str) -> None:
        self.name = name


class _Part:
    def __init__(self, ep_name: str, names: Sequence[str]) -> None:
        self.ep_name = ep_name
        self._names = names

    def get_nodes(self) -> list[_Node]:
        return [_Node(name) for name in self._names]


class _Session:
    def get_provider_graph_assignment_info(self) -> list[_Part]:
        cpu = ["Transpose_token_9", "b_token_4", "d"]
        return [_Part("QNN", ["a_token_1", "c"]), _Part("CPUExecutionProvider", cpu)]


def test_layout_changes_are_no_ops_of_the_model() -> None:
    found = left_out(_Session(), ["a", "b", "c", "d"])
    assert found == ("b", "d")


@given(st.data())
def test_the_shortest_failing_run_is_found(data: st.DataObject) -> None:
    """Whatever holds the guilty run fails; it comes back exactly, in few questions."""
    count = data.draw(st.integers(1, 60))
    first = data.draw(st.integers(0, count - 1))
    end = data.draw(st.integers(first + 1, count))
    ops = [f"op{i}" for i in range(count)]
    guilty = ops[first:end]
    asked = 0

    def fails(some: Sequence[str]) -> bool:
        nonlocal asked
        asked += 1
        return set(guilty) <= set(some)

    assert culprits(ops, fails) == tuple(guilty)
    assert asked <= 2 * 6  # 60 < 2^6, halved twice


def test_boundary_is_what_others_read() -> None:
    graph: Graph = chain_graph("Relu", "Sigmoid", "Tanh")
    names = [op.name for op in graph.ops]
    assert boundary(graph, names[:2]) == graph.op[names[1]].outputs
    assert boundary(graph, names) == ("y",)


def test_a_compilers_own_process_compiles_what_it_is_told(tmp_path: Path) -> None:
    """The child's entry, called here: a bad file is an error in words, not a traceback."""
    (tmp_path / "part.onnx").write_bytes(onnx.ModelProto().SerializeToString())
    order = b'{"provider":"openvino","threads":1,"options":{},"ops":["a"],"keep":false}'
    (tmp_path / "order.json").write_bytes(order)
    assert compiling.main([str(tmp_path)]) == 1
    assert (tmp_path / "error.txt").read_text().startswith("backend 'openvino': ")
