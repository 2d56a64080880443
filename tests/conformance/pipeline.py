"""One case through ONNX Runtime alone, and through load, place, plan and run."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import onnxruntime as ort
from onnx.backend.test.runner import Runner as Suite

from hetsched.backends.ort.session import FATAL, ORT_ERRORS
from hetsched.backends.ort.values import OrtBuffer, element_name, python_value, to_ort
from hetsched.errors import HetschedError
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.place.evaluate import evaluate
from hetsched.place.placement import Stage
from hetsched.place.validate import validate
from hetsched.plan.model import Plan
from hetsched.runtime import Runtime, RuntimeUnit
from tests.conformance.cases import Case, DataSet
from tests.conformance.placements import even_problem
from tests.unit.runtime.plans import plan_of

UNITS = ("even", "odd")
FOREIGN_TO_NUMPY = ("bfloat16", "float8", "float4", "int4", "uint4", "int2", "uint2")


def onnxruntime_failure(case: Case) -> str | None:
    """Why ONNX Runtime's CPU provider doesn't pass a case, None when it does."""
    options = ort.SessionOptions()
    options.log_severity_level = FATAL
    options.intra_op_num_threads = 1
    try:
        session = ort.InferenceSession(
            case.model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        for data in case.data_sets:
            compare(case, data, _plain_run(session, case, data))
    except ORT_ERRORS as error:
        return f"{type(error).__name__}: {error}"
    except AssertionError as error:
        return str(error).strip()
    return None


def _plain_run(session: ort.InferenceSession, case: Case, data: DataSet) -> list[Any]:
    """`InferenceSession.run`; types that numpy lacks go in and out as ONNX Runtime's own values."""
    kinds = {value.name: value.type for value in session.get_inputs()}
    feeds = {
        name: python_value(to_ort(value, kinds[name]))
        for name, value in zip(case.inputs, data.inputs, strict=False)
        if name in kinds
    }
    made_kinds = [value.type for value in session.get_outputs()]
    if not any(element_name(kind).startswith(FOREIGN_TO_NUMPY) for kind in made_kinds):
        return list(session.run(None, feeds))
    made = session.run_with_ort_values(None, feeds)
    return [
        OrtBuffer(value._ortvalue, kind).host()
        for value, kind in zip(made, made_kinds, strict=True)
    ]


def compare(case: Case, data: DataSet, outputs: Sequence[Any]) -> None:
    """The suite's own comparison.

    Raises:
        AssertionError: when an output differs.
    """
    Suite.assert_similar_outputs(list(data.outputs), list(outputs), case.rtol, case.atol)


def hetsched_failure(case: Case, folder: Path, units: Sequence[RuntimeUnit]) -> str | None:
    """Why a case doesn't pass with every op its own stage, None when it does."""
    path = folder / "case.onnx"
    onnx.save(case.model, path)
    try:
        for data in case.data_sets:
            compare(case, data, asyncio.run(_run(case, data, path, units)))
    except (HetschedError, AssertionError) as error:
        return f"{type(error).__name__}: {error}".strip()
    return None


async def _run(case: Case, data: DataSet, path: Path, units: Sequence[RuntimeUnit]) -> list[Any]:
    inputs = dict(zip(case.inputs, data.inputs, strict=False))
    model = load(path, shapes=input_shapes(case, inputs))
    async with Runtime(units) as runtime:
        app = await runtime.deploy(alternating(model), name=case.name, model=model)
        outputs = await app(inputs)
    return list(outputs.values())


def input_shapes(case: Case, inputs: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors among the inputs that the model leaves open."""
    found = {}
    for value in case.model.graph.input:
        if value.name not in inputs or not value.type.HasField("tensor_type"):
            continue
        kind = value.type.tensor_type
        if not kind.HasField("shape") or any(
            not dim.HasField("dim_value") for dim in kind.shape.dim
        ):
            found[value.name] = tuple(inputs[value.name].shape)
    return found


def alternating(model: Model) -> Plan:
    """Every op its own stage, on two units in turn, accepted by the validator."""
    problem = even_problem(model.graph, UNITS)
    stages = [Stage(unit=i % len(UNITS), groups=(i,)) for i in range(len(problem.groups))]
    validate(problem, evaluate(problem, stages))
    return plan_of(model, [(UNITS[i % 2], (name,)) for i, name in enumerate(problem.groups)])
