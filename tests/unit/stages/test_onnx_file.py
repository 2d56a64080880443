"""A tail that was cut off for the host, as a host stage: both together answer like the whole."""

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from hetsched.backends.reference import reference_outputs
from hetsched.convert.adapt import adapt
from hetsched.convert.hosted import save_adapted
from hetsched.errors import BackendError, RunError
from hetsched.ir.load import load
from hetsched.ir.sample import samples
from hetsched.runtime import HostCall, Runtime, host_units
from hetsched.stages import OnnxFile
from tests.unit.convert.rules.harness import Without
from tests.unit.convert.test_packing import detector
from tests.unit.runtime.plans import plan_of


@pytest.mark.asyncio
@pytest.mark.parametrize("tail", ["file", "code"])
async def test_the_rest_of_a_split_model(
    tmp_path: Path, tail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a file on a thread, and as the Python that is written beside it in a process."""
    onnx.save(detector(), tmp_path / "model.onnx")
    whole = load(tmp_path / "model.onnx")
    save_adapted(adapt(whole, Without("Softmax", "Exp"), single_output=True), tmp_path / "cut.onnx")
    monkeypatch.syspath_prepend(tmp_path)
    post: Any = str(tmp_path / "cut.tail.onnx")
    if tail == "code":
        host = importlib.import_module("cut_host")
        apart = HostCall(call=lambda outputs: host.unpack(outputs["packed"]), where="loop")
        post = [apart, host.postprocess]
    model = load(tmp_path / "cut.onnx")
    plan = plan_of(model, [("cpu", [op.name for op in model.graph.ops])])
    inputs = samples(whole.graph)
    async with Runtime(host_units()) as runtime:
        app: Any = await runtime.deploy(plan, name="a", model=model, post=post)
        result = await app.request(inputs)
    sys.modules.pop("cut_host", None)
    assert result.stages[-1].backend == ("thread" if tail == "file" else "process")
    wanted = reference_outputs(whole.path, inputs, optimize=False)
    assert "boxes" in result.outputs
    for name, array in result.outputs.items():
        np.testing.assert_allclose(array, np.asarray(wanted[name]), rtol=1e-5, atol=1e-6)


def test_wrong_files_and_inputs_are_named(tmp_path: Path) -> None:
    onnx.save(detector(), tmp_path / "model.onnx")
    stage = OnnxFile(path=str(tmp_path / "model.onnx"))
    stage.prepare()
    (name,) = load(tmp_path / "model.onnx").graph.inputs
    with pytest.raises(RunError, match=f"reads '{name}': there is nothing"):
        stage({})
    with pytest.raises(RunError, match=r"model\.onnx: "):
        stage({name: np.zeros(1, np.float32)})
    (tmp_path / "bad.onnx").write_bytes(b"no")
    with pytest.raises(BackendError):
        OnnxFile(path=str(tmp_path / "bad.onnx")).prepare()
