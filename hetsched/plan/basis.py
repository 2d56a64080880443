"""What the costs of each unit rest on, and what the ends of their error band stand for."""

from collections.abc import Sequence
from dataclasses import replace

from hetsched.cost.stored import Used
from hetsched.place.problem import Problem
from hetsched.plan.model import CostBasis, Subgraph
from hetsched.quantity import format_ns
from hetsched.soc.calibration import Record
from hetsched.soc.profile import Profile, Unit


def cost_basis(
    profile: Profile, subgraphs: Sequence[Subgraph], used: Sequence[Used]
) -> tuple[CostBasis, ...]:
    """One line per unit that a plan uses, in the profile's order.

    Args:
        profile: of the plan.
        subgraphs: of the plan.
        used: what came out of the cost store.
    """
    stored = {each.unit: each for each in used if each.groups}
    found = []
    for unit in profile.units:
        parts = [part for part in subgraphs if part.unit == unit.name]
        if parts:
            low, high = _band(parts)
            basis = _basis(unit, stored.get(unit.name))
            found.append(CostBasis(unit=unit.name, low=low, high=high, basis=basis))
    return tuple(found)


def _band(parts: Sequence[Subgraph]) -> tuple[float, float]:
    """Ends of the band of all durations together, relative to their sum."""
    total = sum(part.end_ns - part.start_ns for part in parts)
    if not total:
        return 1.0, 1.0
    low, high = sum(part.low_ns for part in parts), sum(part.high_ns for part in parts)
    return round(low / total, 3), round(high / total, 3)


def stored_notes(problem: Problem, used: Sequence[Used]) -> tuple[str, ...]:
    """What wasn't taken from the store, and how the costs compare with the model measured whole.

    Args:
        problem: with the costs.
        used: what came out of the cost store.
    """
    found = []
    for each in used:
        if each.others:
            rest = "; ".join(by(replace(each, facts=facts)) for facts in each.others)
            found.append(f"{each.unit}: costs as measured with {by(each)}, not those with {rest}")
        at = problem.units.index(each.unit)
        costs = [row[at] for row in problem.cost_ns]
        known = [cost for cost in costs if cost is not None]
        if each.whole is None or len(known) < len(costs):
            continue
        said, whole = problem.dispatch_ns[at] + sum(known), each.whole.latency_ns
        found.append(
            f"{each.unit}: the whole model was measured at {format_ns(whole)} there, these costs "
            f"say {format_ns(said)} ({said / whole - 1:+.0%})"
        )
    return tuple(found)


def _basis(unit: Unit, used: Used | None) -> str:
    if used is None:
        return _estimated(unit)
    measured = f"{used.groups} of {used.of} groups measured with {by(used)}: spread of those runs"
    if used.groups == used.of:
        return measured
    others = f": {_estimated(unit)}" if unit.rates else " don't run there: the profile has no rates"
    return f"{measured}; others{others}"


def by(used: Used) -> str:
    """`tflite gpu, 4 threads`."""
    tool = " ".join(str(used.facts[key]) for key in ("framework", "backend") if used.facts[key])
    threads = used.facts["threads"]
    return tool if not threads else f"{tool}, {threads} thread{'s' * (threads != 1)}"


def _estimated(unit: Unit) -> str:
    if not unit.rates:
        return "measured here: 10th to 90th percentile of the runs"
    recipe, record = unit.calibrate.get(unit.dtype), unit.calibration.get(unit.dtype)
    if record is not None and record.models:
        return _fitted(record)
    if recipe is not None and recipe.like is not None:
        like = recipe.like
        return f"scaled from {like.profile} {like.unit}, its error widened; not validated"
    if recipe is not None:
        return "typical rates of its kind, good for a factor; not validated"
    return "the error stated with each number of the profile; not validated"


def _fitted(record: Record) -> str:
    """A fit's error on networks that it never saw."""
    networks = f"{record.models} network{'s' * (record.models != 1)}"
    error = "" if record.loo_median is None else f": median error {record.loo_median:.0%}"
    if record.loo_p90 is not None:
        error += f", 9 of 10 within {record.loo_p90:.0%}"
    verdict = "" if record.validated else "; not validated"
    return f"fit to {networks}, each left out in turn{error}{verdict}"
