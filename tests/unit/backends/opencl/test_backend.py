"""The OpenCL backend: stages, values that stay, several apps, threads, and what goes wrong."""

import asyncio
import gc
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from onnx import TensorProto, helper

from hetsched.backends.base import Probing, Querying, Releasing, StageSpec
from hetsched.backends.null import HostBuffer
from hetsched.backends.opencl import OpenCLBackend
from hetsched.backends.opencl.buffers import DeviceBuffer
from hetsched.backends.opencl.device import choose, probe
from hetsched.backends.opencl_links import Device
from hetsched.backends.ort import OrtBackend
from hetsched.backends.recipe import Reproducible, make
from hetsched.backends.reference import reference_outputs
from hetsched.backends.registry import make_backend, probe_backend
from hetsched.errors import BackendError
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.runtime import Runtime, RuntimeUnit
from hetsched.runtime.verify import verify
from tests.unit.backends.opencl.running import device, one_op, run_whole, whole
from tests.unit.backends.tiny import array, conv_chain, feeds, made, port, run, stages
from tests.unit.runtime.plans import plan_of


def test_it_offers_what_backends_may_offer() -> None:
    backend = device()
    assert isinstance(backend, Probing)
    assert isinstance(backend, Querying)
    assert isinstance(backend, Releasing)
    assert isinstance(backend, Reproducible)
    assert (backend.name, backend.arithmetic) == ("opencl", "float32")


def test_probe_names_the_device_and_its_driver() -> None:
    found = probe_backend("opencl")
    assert found.here
    assert found == device().probe()
    assert found.devices == (device().device.name,)
    assert "OpenCL" in (found.version or "")
    assert found.dtypes == ("float32",)


def test_a_device_is_chosen_by_name_or_number() -> None:
    name = device().device.name
    assert choose(name.upper()).name == name
    assert choose(0) == choose("0")
    with pytest.raises(BackendError, match="no OpenCL device 'nobody': take one of 0: "):
        choose("nobody")
    for number in (-1, 99):
        with pytest.raises(BackendError, match=f"no OpenCL device {number}: take one of"):
            choose(number)


def test_a_gpu_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyopencl as cl

    kinds = cl.device_type
    cpu, gpu = (
        Device(name=name, platform="p", handle=SimpleNamespace(type=kind), shares_memory=False)
        for name, kind in (("cpu", kinds.CPU), ("gpu", kinds.GPU))
    )
    monkeypatch.setattr("hetsched.backends.opencl.device.devices", lambda: (cpu, gpu))
    assert choose() is gpu
    assert choose("cpu") is cpu
    assert choose(1) is gpu
    monkeypatch.setattr("hetsched.backends.opencl.device.devices", lambda: (cpu,))
    assert choose() is cpu


def test_without_any_device_it_says_what_brings_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyopencl", None)
    with pytest.raises(BackendError, match=r"no OpenCL device: .*pip install 'hetsched\[pocl\]'"):
        OpenCLBackend()
    found = probe()
    assert (found.here, found.version) == (False, None)
    assert "hetsched[pocl]" in (found.why_not or "")


def test_a_recipe_makes_another_one_on_the_same_device() -> None:
    name = device().device.name
    again = make(OpenCLBackend(device=name).recipe())
    assert again.device.name == name
    assert make_backend("opencl", device=0).name == "opencl"


def test_stages_are_the_whole(tmp_path: Path) -> None:
    model = conv_chain(tmp_path)
    label = {op.name: 3 if op.name == "pool" else int(op.name[-1]) for op in model.graph.ops}
    given = feeds(model)
    values = run(device().compile(model, stages(model.graph, label)), given)
    assert verify(
        model.graph, reference_outputs(model.path, given), {"y": array(values["y"])}
    ).passed
    assert isinstance(values["r0"], DeviceBuffer)


def test_what_stays_on_the_device_isnt_copied(tmp_path: Path) -> None:
    model = conv_chain(tmp_path, length=2)
    label = {op.name: int(op.name in ("conv1", "bn1", "relu1", "pool")) for op in model.graph.ops}
    first, second = device().compile(model, stages(model.graph, label))
    (between,) = first.run(feeds(model))
    assert isinstance(between, DeviceBuffer)
    (out,) = second.run({"r0": between})
    assert between._array is None  # the host never asked
    assert np.array_equal(array(second.run({"r0": between.numpy()})[0]), array(out))
    assert between.numpy() is between.numpy()


def test_memory_is_used_again(tmp_path: Path) -> None:
    backend = OpenCLBackend()
    model = conv_chain(tmp_path, length=1)
    (stage,) = backend.compile(model, [whole(model)])
    given = feeds(model)
    pool = backend._context.pool
    stage.run(given)
    gc.collect()
    free = {size: len(memories) for size, memories in pool._free.items()}
    for _ in range(3):
        stage.run(given)
        gc.collect()
    assert {size: len(memories) for size, memories in pool._free.items()} == free
    backend.release()
    assert not pool._free
    assert np.array_equal(array(stage.run(given)[0]), array(stage.run(given)[0]))


def test_weights_are_on_the_device_once(tmp_path: Path) -> None:
    backend = OpenCLBackend()
    model = conv_chain(tmp_path, length=1)
    one, other = (backend.compile(model, [whole(model, id)])[0] for id in ("a", "b"))
    count = len(model.graph.constants)
    assert len(backend._stored) == count
    del one
    gc.collect()
    assert len(backend._stored) == count
    del other
    gc.collect()
    assert len(backend._stored) == 0


def test_a_stage_may_hand_through_inputs_constants_and_views(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["flat"], "flat"),
        helper.make_node("Relu", ["flat"], ["y"], "relu"),
        helper.make_node("Reshape", ["y", "back"], ["z"], "back"),
    ]
    model = made(
        tmp_path, nodes, [port("x", (2, 3))],
        [port("flat", (6,)), port("y", (6,)), port("z", (3, 2))],
        {"shape": np.array([6]), "back": np.array([3, 2])},
    )  # fmt: skip
    x = np.array([[-1, 2, -3], [4, -5, 6]], np.float32)
    found = run_whole(model, {"x": x})
    assert np.array_equal(found["flat"], x.reshape(6))
    assert np.array_equal(found["y"], [0, 2, 0, 4, 0, 6])
    assert np.array_equal(found["z"], [[0, 2], [0, 4], [0, 6]])


def test_runs_from_several_threads_dont_mix(tmp_path: Path) -> None:
    model = conv_chain(tmp_path, length=2)
    (stage,) = device().compile(model, [whole(model)])
    inputs = [feeds(model, seed) for seed in range(4)]
    wanted = [array(stage.run(given)[0]) for given in inputs]
    wrong: list[int] = []

    def work(number: int) -> None:
        outputs = [array(stage.run(inputs[number])[0]) for _ in range(10)]
        wrong.extend(number for one in outputs if not np.array_equal(one, wanted[number]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert not np.array_equal(wanted[0], wanted[1])


def test_an_op_without_a_kernel_is_told_before_anything_is_built(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], "relu"),
        helper.make_node("Cast", ["r"], ["y"], "cast", to=TensorProto.INT32),
    ]
    model = made(tmp_path, nodes, [port("x", (2,))], [port("y", (2,), TensorProto.INT32)])
    backend = device()
    assert backend.supports(model) == {"relu": None, "cast": "no kernel for Cast"}
    with pytest.raises(BackendError, match="op 'cast' can't run on OpenCL: no kernel for Cast"):
        backend.compile(model, [whole(model)])
    spec = StageSpec(id="s", ops=("relu",), outputs=("r",))
    assert len(backend.compile(model, [spec])) == 1


def test_what_is_larger_than_the_device_gives_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = one_op(tmp_path, "Relu", {"x": np.ones(10, np.float32)})
    monkeypatch.setattr("hetsched.backends.opencl.context.DeviceContext.most_bytes", 39)
    assert device().supports(model) == {"it": "40 bytes of 'x': the device takes 39 at once"}


def test_wrong_values_are_named(tmp_path: Path) -> None:
    model = one_op(tmp_path, "Relu", {"x": np.ones((2, 3), np.float32)})
    (stage,) = device().compile(model, [whole(model, "s7")])
    for given, why in (
        ({}, "no value for its input 'x'"),
        ({"x": np.ones(6, np.float32)}, r"'x' is float32 of shape \(6,\): give float32 of shape"),
        ({"x": np.ones((2, 3))}, "'x' is float64 of shape"),
        ({"x": [np.ones((2, 3), np.float32)]}, "'x' is no tensor"),
    ):
        with pytest.raises(BackendError, match=f"stage 's7': .*{why}"):
            stage.run(given)
    strided = np.ones((3, 2), np.float32).T
    assert array(stage.run({"x": strided})[0]).shape == (2, 3)
    assert array(stage.run({"x": HostBuffer(-strided)})[0]).max() == 0


def test_a_device_that_fails_is_an_error_that_names_the_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyopencl as cl

    model = one_op(tmp_path, "Relu", {"x": np.ones(4, np.float32)})
    (stage,) = device().compile(model, [whole(model, "s3")])

    def fail(*_: object, **__: object) -> None:
        raise cl.RuntimeError("lost")

    with monkeypatch.context() as patched:
        patched.setattr(cl, "enqueue_nd_range_kernel", fail)
        with pytest.raises(BackendError, match="stage 's3': lost"):
            stage.run({"x": np.ones(4, np.float32)})
    assert array(stage.run({"x": np.ones(4, np.float32)})[0]).sum() == 4


async def two_apps(models: dict[str, Model], folder: Path) -> dict[str, list[np.ndarray]]:
    """Two plans on the same units at once, their stages in turn on the CPU and on OpenCL."""
    units = [
        RuntimeUnit(name="cpu", backend=OrtBackend(cache_dir=folder)),
        RuntimeUnit(name="gpu", backend=device()),
    ]
    async with Runtime(units) as runtime:
        apps = {}
        for name, model in models.items():
            ops = [op.name for op in model.graph.ops]
            parts = [ops[at : at + 20] for at in range(0, len(ops), 20)]
            split = [(("gpu", "cpu")[at % 2], part) for at, part in enumerate(parts)]
            apps[name] = await runtime.deploy(plan_of(model, split), name=name, model=model)
        asked = [(name, feeds(models[name], seed)) for seed in range(2) for name in apps]
        answers = await asyncio.gather(*(apps[name](given) for name, given in asked))
    found: dict[str, list[np.ndarray]] = {name: [] for name in models}
    for (name, given), answer in zip(asked, answers, strict=True):
        wanted = reference_outputs(models[name].path, given)
        verified = verify(models[name].graph, wanted, answer)
        assert verified.passed, (name, verified)
        found[name].append(array(next(iter(answer.values()))))
    return found


def test_two_zoo_models_at_once_by_plan(tmp_path: Path) -> None:
    models = {name: load(f"zoo:{name}") for name in ("ppocr-cls", "squeezenet")}
    found = asyncio.run(two_apps(models, tmp_path))
    assert all(not np.array_equal(one, other) for one, other in found.values())
