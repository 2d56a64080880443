"""A device that is lost: told as such, opened anew, its stages built again; on the real driver."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from hetsched.backends.base import Reviving, StageSpec
from hetsched.backends.opencl import OpenCLBackend
from hetsched.backends.opencl.buffers import DeviceBuffer
from hetsched.backends.opencl.context import DeviceContext
from hetsched.backends.opencl.loss import driver_error
from hetsched.backends.ort import OrtBackend
from hetsched.errors import BackendError, UnitDownError, ValueLostError
from hetsched.ir.model import Model
from hetsched.runtime import Faults, Runtime, RuntimeUnit
from hetsched.runtime.faults import FaultEvent, UnitStatus
from hetsched.runtime.standins import Alternatives
from tests.unit.backends.opencl.running import one_op, whole
from tests.unit.backends.tiny import array, made, port
from tests.unit.runtime.plans import plan_of

X = np.array([1, -2, 3, -4], np.float32)


def lose(backend: OpenCLBackend) -> None:
    """What the backend opened is of no use any more: its queues are another context's.

    So the driver itself refuses all that is enqueued (INVALID_CONTEXT).
    """
    stranger = DeviceContext(backend.device)
    backend._context.queue, backend._context.reads = stranger.queue, stranger.reads


def chain(folder: Path) -> Model:
    """y = 3 * relu(x + 1), by one op each."""
    nodes = [
        helper.make_node("Add", ["x", "one"], ["a"], "add"),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        helper.make_node("Mul", ["b", "three"], ["y"], "mul"),
    ]
    constants = {"one": np.array([1], np.float32), "three": np.array([3], np.float32)}
    return made(folder, nodes, [port("x", [4])], [port("y", [4])], constants)


def right(x: np.ndarray) -> np.ndarray:
    found: np.ndarray = 3 * np.maximum(x + 1, 0)
    return found


PARTS = [
    StageSpec(id="s0", ops=("add", "relu"), outputs=("b",)),
    StageSpec(id="s1", ops=("mul",), outputs=("y",)),
]


def error_of(code: int) -> BackendError:
    """As pyopencl tells of a driver's error."""
    import pyopencl as cl

    class Told(cl.Error):  # type: ignore[misc]  # pyopencl has no types
        def __str__(self) -> str:
            return "clDoIt failed"

    Told.code = code
    return driver_error("stage 's0'", Told(), is_running=True)


def test_which_errors_are_a_loss() -> None:
    # Codes of CL/cl.h: not available, resources, context, queue, memory object.
    for code in (-2, -5, -34, -36, -38):
        assert isinstance(error_of(code), UnitDownError), code
    # No memory, no host memory, wrong arguments, wrong group: the stage's own fault.
    for code in (-4, -6, -52, -54):
        assert type(error_of(code)) is BackendError, code
    assert str(error_of(-5)) == "stage 's0': clDoIt failed: the OpenCL device is lost"


def test_no_room_is_no_loss() -> None:
    backend = OpenCLBackend()
    with pytest.raises(BackendError, match="no 1152921504606846976 bytes") as caught:
        backend._context.pool.own(1 << 60)
    assert not isinstance(caught.value, UnitDownError)


def test_a_lost_device_is_told_and_comes_back(tmp_path: Path) -> None:
    backend = OpenCLBackend()
    assert isinstance(backend, Reviving)
    model, given = chain(tmp_path), {"x": X}
    first, second = backend.compile(model, PARTS)
    (between,) = first.run(given)
    assert isinstance(between, DeviceBuffer)
    lose(backend)
    with pytest.raises(UnitDownError, match=r"stage 's0': .*INVALID_CONTEXT.* device is lost"):
        first.run(given)
    with pytest.raises(ValueLostError, match="INVALID_CONTEXT"):
        between.numpy()
    with pytest.raises(UnitDownError, match="the OpenCL device is lost"):
        backend.compile(model, [whole(model)])
    lost = backend._context
    backend.revive()
    assert backend._context is not lost
    with pytest.raises(ValueLostError):  # a stage of the new context can't have it either
        second.run(dict(zip(first.outputs, [between], strict=True)))
    (between,) = first.run(given)
    (found,) = second.run(dict(zip(first.outputs, [between], strict=True)))
    np.testing.assert_array_equal(array(found), right(X))


def test_what_nobody_runs_any_more_isnt_built_again(tmp_path: Path) -> None:
    backend = OpenCLBackend()
    model = one_op(tmp_path, "Relu", {"x": X})
    kept = backend.compile(model, [whole(model)])
    gone = backend.compile(model, [whole(model, "other")])
    del gone
    assert list(backend._made) == list(kept)


def test_a_device_that_stays_away_stays_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bringing it up fails, and leaves all as it was; later it succeeds."""
    backend = OpenCLBackend()
    model = one_op(tmp_path, "Relu", {"x": X})
    (stage,) = backend.compile(model, [whole(model)])
    lose(backend)
    with monkeypatch.context() as patched:
        patched.setattr("hetsched.backends.opencl.device.devices", lambda: ())
        with pytest.raises(BackendError, match="there is no OpenCL device"):
            backend.revive()
    with pytest.raises(UnitDownError):
        stage.run({"x": X})
    backend.revive()
    np.testing.assert_array_equal(array(stage.run({"x": X})[0]), np.maximum(X, 0))


async def answers(folder: Path, alternatives: Alternatives) -> list[FaultEvent]:
    """Requests in turn on the device, the CPU and the device, which is lost now and then."""
    model = chain(folder)
    backend = OpenCLBackend()
    units = [
        RuntimeUnit(name="cpu", backend=OrtBackend(cache_dir=folder)),
        RuntimeUnit(name="gpu", backend=backend),
    ]
    plan = plan_of(model, [("gpu", ["add"]), ("cpu", ["relu"]), ("gpu", ["mul"])])
    told: list[FaultEvent] = []
    async with Runtime(units, faults=Faults(wait_ns=1_000_000), on_fault=told.append) as runtime:
        app = await runtime.deploy(plan, name="a", model=model, alternatives=alternatives)
        for number in range(6):
            if number in (1, 4):
                lose(backend)
            given = [X * (number + i) for i in range(3)]
            got = await asyncio.gather(*(app({"x": each}) for each in given))
            for each, found in zip(given, got, strict=True):
                np.testing.assert_array_equal(found["y"], right(each))
            while runtime.units_state()["gpu"].status is not UnitStatus.UP:
                await asyncio.sleep(0.001)
        assert (app.tally.requests, app.tally.completed) == (18, 18)
    return told


@pytest.mark.parametrize("alternatives", ["all", "same-backend"])
def test_no_request_is_lost_with_the_device(tmp_path: Path, alternatives: Alternatives) -> None:
    told = asyncio.run(answers(tmp_path, alternatives))
    downs = [event for event in told if event.kind == "unit-down"]
    assert len([event for event in told if event.kind == "unit-up"]) == len(downs) >= 1
    assert all("the OpenCL device is lost" in event.reason for event in downs)
