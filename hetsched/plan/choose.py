"""Rewrites in plans: taken where they make the objective better by the cost tables.

A rewritten model is looked at when the best baseline on it beats the best one on the model as it
is: baselines cost next to nothing and are the same every time. Then both are solved, and the better
one is the plan. So a plan with rewrites is never worse than the plan without.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from msgspec import structs

from hetsched.convert.capability import refusals as find_refusals
from hetsched.cost.analytic import cost_table
from hetsched.cost.store import CostStore
from hetsched.errors import InfeasibleError
from hetsched.ir.model import Model
from hetsched.place.baselines import baselines
from hetsched.place.evaluate import value
from hetsched.plan.hosting import hosted
from hetsched.plan.model import Plan, Rewrite
from hetsched.plan.problem import Restrictions, build_problem
from hetsched.plan.rewriting import rewritten
from hetsched.quantity import format_ns, format_uj
from hetsched.soc.profile import Profile

if TYPE_CHECKING:
    from hetsched.plan.build import Outcome, Request


class Maker(Protocol):
    """`hetsched.plan.build.make`."""

    def __call__(
        self,
        model: Model,
        profile: Profile,
        request: "Request",
        costs: None = None,
        store: CostStore | None = None,
    ) -> "Outcome":
        """A plan for the model as it is."""


def best_rewritten(
    make: Maker, model: Model, profile: Profile, request: "Request", store: CostStore | None
) -> "Outcome":
    """The better plan of the one for the model as it is and the one for a rewritten model.

    Each search has half of the time.
    """
    plain = replace(request, rewrite=False)
    changed = promising(model, profile, request)
    if changed is None:
        return _asked(make(model, profile, plain, None, store), request, ())
    half = replace(plain, time_limit_s=request.time_limit_s / 2)
    as_is = _made(make, model, profile, half, store)
    other = make(changed[0], profile, half, None, store)
    if as_is is not None and as_is.plan.objective.value <= other.plan.objective.value:
        return _asked(as_is, request, ())
    return _asked(other, request, changed[1], None if as_is is None else as_is.plan)


def _made(
    make: Maker, model: Model, profile: Profile, request: "Request", store: CostStore | None
) -> "Outcome | None":
    """None where the model as it is has no placement at all."""
    try:
        return make(model, profile, request, None, store)
    except InfeasibleError:
        return None


def _asked(
    outcome: "Outcome",
    request: "Request",
    rewrites: tuple[Rewrite, ...],
    before: Plan | None = None,
) -> "Outcome":
    plan = structs.replace(
        outcome.plan,
        rewrites=rewrites,
        options=structs.replace(
            outcome.plan.options, rewrite=True, time_limit_s=request.time_limit_s
        ),
    )
    notes = outcome.notes
    if rewrites:
        count = sum(len(one.ops) for one in rewrites)
        then = "" if before is None else f"; without: {_value(before)}"
        notes = (f"{count} ops rewritten, each certified: {_value(plan)}{then}", *notes)
    return replace(outcome, plan=plan, notes=notes)


def _value(plan: Plan) -> str:
    goal = plan.objective
    shown = format_ns(goal.value) if goal.unit == "ns" else format_uj(goal.value)
    return f"{goal.name} {shown}"


def promising(
    model: Model, profile: Profile, request: "Request"
) -> tuple[Model, tuple[Rewrite, ...]] | None:
    """The rewritten model with the best baseline, if that beats the model as it is."""
    refused = find_refusals(model.graph, profile, request.framework, request.backend)
    found = rewritten(
        model,
        profile,
        refused,
        framework=request.framework,
        backend=request.backend,
        leave=request.pins.keys(),
    )
    best, least = None, _reached(model, profile, request)
    for changed, rewrites in found:
        reached = _reached(changed, profile, request)
        if reached is not None and (least is None or reached < least):
            best, least = (changed, rewrites), reached
    return best


def _reached(model: Model, profile: Profile, request: "Request") -> int | None:
    """What the best baseline reaches, None where none keeps all limits."""
    refused = find_refusals(model.graph, profile, request.framework, request.backend)
    kept, _, _ = hosted(model.graph, profile, refused)
    # A unit without rates, whose costs are only measured, takes no part in the screening.
    names = [unit.name for unit in profile.units]
    costs = cost_table(model.graph, profile, kept, names)
    restrictions = Restrictions(pins=request.pins, max_subgraphs=request.max_subgraphs)
    problem = build_problem(model.graph, profile, costs, restrictions)
    found = baselines(problem, request.objective).values()
    return min(
        (value(problem, one, request.objective) for one in found if one is not None), default=None
    )
