"""A plan made again is asked for what the first one was."""

from typing import Any

from msgspec import structs

from hetsched.plan.again import continued, request_like
from tests.unit.plan.samples import sample_plan

PLAN = sample_plan()


def test_every_option_of_the_first_plan_is_asked_for_again() -> None:
    # Each field that a request and a plan's options share, set to what isn't its default.
    wanted: dict[str, Any] = {
        "gap": 0.25,
        "seed": 7,
        "time_limit_s": 3.0,
        "framework": "tflite",
        "backend": "nnapi",
        "pins": {"conv": "cpu"},
        "max_subgraphs": {"cpu": 2},
        "max_stage_ns": 5,
    }
    plan = structs.replace(PLAN, options=structs.replace(PLAN.options, **wanted))
    asked = request_like(plan, {("conv", "gpu"): "why"})
    assert {name: getattr(asked, name) for name in wanted} == wanted
    assert asked.refused == {("conv", "gpu"): "why"}
    assert asked.objective == plan.objective.name


def test_model_and_rewrites_are_those_of_the_first_plan() -> None:
    first = structs.replace(PLAN, options=structs.replace(PLAN.options, rewrite=True))
    made = structs.replace(PLAN, model=structs.replace(PLAN.model, ref="elsewhere.onnx"))
    found = continued(first, made)
    assert (found.model, found.rewrites) == (first.model, first.rewrites)
    assert found.options.rewrite
