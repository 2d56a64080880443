"""A plan as a page: what it promises, and which unit runs which subgraph when."""

from hetsched.plan.model import Plan, Subgraph
from hetsched.quantity import format_ns
from hetsched.report.page import heading, key, page, paragraph, table
from hetsched.report.svg import Bar, picture


def plan_page(plan: Plan) -> str:
    """The page."""
    units = list(dict.fromkeys(part.unit for part in plan.subgraphs))
    objective = plan.objective
    words = (
        f"{plan.model.name} on {plan.profile.name}: predicted latency "
        f"{format_ns(plan.latency_ns)} (error band {format_ns(plan.latency_low_ns)} to "
        f"{format_ns(plan.latency_high_ns)}). Objective {objective.name}: {plan.status}, "
        f"gap {plan.gap:.2%}."
    )
    bars = [
        Bar(
            row=units.index(part.unit),
            start_ns=part.start_ns,
            end_ns=part.end_ns,
            colour=units.index(part.unit),
            title=f"{part.id}: {len(part.ops)} ops, {format_ns(part.end_ns - part.start_ns)}, "
            f"{part.cost_origin}",
        )
        for part in plan.subgraphs
    ]
    end_ns = max((part.end_ns for part in plan.subgraphs), default=1)
    drawn = picture(units, bars, 0, end_ns, "which unit runs which subgraph when")
    title = f"A plan: {plan.model.name} on {plan.profile.name}"
    if not plan.subgraphs:
        return page(title, [paragraph(words), paragraph("It has no subgraph: nothing is run.")])
    body = [paragraph(words), heading("Subgraphs over time, predicted"), key(units), drawn]
    return page(
        f"A plan: {plan.model.name} on {plan.profile.name}",
        [*body, heading("Subgraphs"), _subgraphs(plan)],
    )


def _subgraphs(plan: Plan) -> str:
    columns = (("id", False), ("unit", False), ("ops", True), ("start", True), ("takes", True))
    more = (("at least", True), ("at most", True), ("weakest origin", False), ("first op", False))
    return table([*columns, *more], [_row(part) for part in plan.subgraphs])


def _row(part: Subgraph) -> list[str]:
    times = (part.start_ns, part.end_ns - part.start_ns, part.low_ns, part.high_ns)
    first = part.ops[0] if part.ops else "-"
    shown = [format_ns(time) for time in times]
    return [part.id, part.unit, str(len(part.ops)), *shown, str(part.cost_origin), first]
