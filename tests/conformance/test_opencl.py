"""The ONNX backend suite's single ops on the OpenCL device: right, or refused with a reason."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from hetsched.backends.opencl.kernels.table import ARITHMETIC, MOVEMENT
from hetsched.backends.reference import reference_outputs
from hetsched.errors import BackendError, ModelError
from hetsched.ir.load import load
from hetsched.ir.model import Model
from tests.conformance.cases import Case, DataSet, case_names, cases
from tests.conformance.pipeline import compare, input_shapes
from tests.unit.backends.opencl.running import device, run_whole, whole

KERNELS = ARITHMETIC.keys() | MOVEMENT.keys()
ONLY_A_RUN_KNOWS = "only a run knows"
PASSED = "passed"
LIKE_ORT = "as ONNX Runtime, which differs from the suite"
NOTHING = "nothing to run"

RAN = {PASSED: 506, LIKE_ORT: 1}
"""Of all 1,884 cases of onnx 1.23; the others are refused, most for want of a kernel."""


def has_kernels(case: Case) -> bool:
    return all(node.op_type in KERNELS for node in case.model.graph.node)


def outcome(case: Case, folder: Path) -> str:
    """`passed`, `as ONNX Runtime ...`, `nothing to run`, or why it was refused.

    Raises:
        AssertionError: when a number is wrong, or `supports` and `compile` don't agree.
    """
    found = _outcome(case, folder)
    if ONLY_A_RUN_KNOWS not in found:
        return found
    return _outcome(stored(case), folder)


def _outcome(case: Case, folder: Path) -> str:
    path = folder / "case.onnx"
    onnx.save(case.model, path)
    inputs = dict(zip(case.inputs, case.data_sets[0].inputs, strict=False))
    try:
        model = load(path, shapes=input_shapes(case, inputs))
    except ModelError as error:
        return f"not loaded: {error}"
    why = [why for why in device().supports(model).values() if why is not None]
    if why:
        _refuse(model, why[0])
        return why[0]
    if not model.graph.ops:
        return NOTHING
    agreed = [_agrees(case, model, data) for data in case.data_sets]
    return PASSED if all(agreed) else LIKE_ORT


def _agrees(case: Case, model: Model, data: DataSet) -> bool:
    """Whether the device's outputs are the suite's; else they must be ONNX Runtime's."""
    inputs = dict(zip(case.inputs, data.inputs, strict=False))
    made = [run_whole(model, inputs)[name] for name in model.graph.outputs]
    try:
        compare(case, data, made)
    except AssertionError:
        theirs = reference_outputs(model.path, {name: inputs[name] for name in model.graph.inputs})
        compare(case, DataSet(inputs=data.inputs, outputs=tuple(theirs.values())), made)
        return False
    return True


def _refuse(model: Model, why: str) -> None:
    with pytest.raises(BackendError) as caught:
        device().compile(model, [whole(model)])
    assert why in str(caught.value)
    assert any(repr(op.name) in str(caught.value) for op in model.graph.ops)


def stored(case: Case) -> Case:
    """The same case with its bounds, axes, pads, scales and shapes as constants of the model."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    (data,) = case.data_sets
    values = dict(zip(case.inputs, data.inputs, strict=True))
    first = case.inputs[0]
    fixed = [name for name in values if name != first and isinstance(values[name], np.ndarray)]
    model.graph.initializer.extend(numpy_helper.from_array(values[name], name) for name in fixed)
    kept = [value for value in model.graph.input if value.name not in fixed]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    left = tuple(value for name, value in values.items() if name not in fixed)
    return Case(
        kind=case.kind, name=case.name, model=model, rtol=case.rtol, atol=case.atol,
        data_sets=(DataSet(inputs=left, outputs=data.outputs),),
    )  # fmt: skip


def outcomes(chosen: Iterator[Case]) -> Counter[str]:
    """How many of each outcome; an error in any of them is one of the test."""
    found: Counter[str] = Counter()
    with TemporaryDirectory() as folder:
        for case in chosen:
            try:
                what = outcome(case, Path(folder))
            except AssertionError as error:
                raise AssertionError(f"{case.id}: {error}") from error
            found[what.partition(":")[0].partition(" of ")[0]] += 1
    return found


def test_a_sample_of_the_ops_with_kernels() -> None:
    chosen = [case.name for case in cases("node") if has_kernels(case)][::4]
    found = outcomes(cases("node", tuple(chosen)))
    assert found.total() == len(chosen)
    assert found[PASSED] > len(chosen) / 2, found


@pytest.mark.full
def test_every_case(record_property: Callable[[str, object], None]) -> None:
    found = outcomes(cases("node"))
    print(found)
    record_property("counts", str(found))
    assert found.total() == len(case_names("node"))
    ran = {what: found[what] for what in found if what in (PASSED, LIKE_ORT, NOTHING)}
    assert ran == RAN
