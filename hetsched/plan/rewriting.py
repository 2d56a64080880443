"""Rewrites that may pay: what lets an accelerator run more of a model."""

from collections.abc import Collection, Iterator, Mapping
from itertools import groupby

from hetsched.convert.capability import unit_tables
from hetsched.ir.model import Model
from hetsched.place.rewrites import unit_price
from hetsched.plan.model import Rewrite
from hetsched.soc.profile import Profile, Unit

MAX_WEIGHT_BYTES = 64 * 2**20
"""Ops with larger weights are left alone: rearranging and certifying those takes longer than a
search, and products of that size are bound by reading their weights wherever they run."""


def rewritten(
    model: Model,
    profile: Profile,
    refused: Mapping[tuple[str, str], str],
    *,
    framework: str | None = None,
    backend: str | None = None,
    leave: Collection[str] = (),
) -> Iterator[tuple[Model, tuple[Rewrite, ...]]]:
    """For each accelerator that refuses ops, the model with what rules replace for it.

    Args:
        model: as it was loaded.
        profile: the SoC; units without rates aren't looked at.
        refused: (op, unit) to why the unit doesn't run the op.
        framework: what the units are restricted to.
        backend: of that framework.
        leave: names of ops to leave alone.
    """
    if not all(unit.rates for unit in profile.units):
        return
    graph = model.graph
    heavy = {
        op.name
        for op in graph.ops
        for name in op.reads
        if name in graph.constants and (graph.tensors[name].nbytes() or 0) > MAX_WEIGHT_BYTES
    }
    kept = heavy.union(leave)
    seen = {model.prepared_sha256}
    for unit in profile.units:
        if unit.kind == "cpu" or not any(name == unit.name for _, name in refused):
            continue
        found = _for_unit(model, profile, unit, framework, backend, kept)
        if found is not None and found[0].prepared_sha256 not in seen:
            seen.add(found[0].prepared_sha256)
            yield found


def _for_unit(
    model: Model,
    profile: Profile,
    unit: Unit,
    framework: str | None,
    backend: str | None,
    leave: Collection[str],
) -> tuple[Model, tuple[Rewrite, ...]] | None:
    rows = unit_tables(unit, framework, backend)
    if rows is None:
        return None
    from hetsched.convert.rewrite import Rewrite as Done
    from hetsched.convert.rewrite import convert  # heavy
    from hetsched.convert.target import Target, Way

    target = Target(name=unit.name, ways=(Way(rows=rows, computes=unit.dtype),))
    outcome = convert(model, target, price=unit_price(profile, [unit.name]), leave=leave)
    if not outcome.rewrites:
        return None

    def entry(alike: list[Done]) -> Rewrite:
        certificates = [one.certificate for one in alike]
        return Rewrite(
            rule=alike[0].rules[0],
            scenario=alike[0].scenario,
            ops=tuple(one.op for one in alike),
            max_abs_error=max(max(c.max_abs_error, default=0.0) for c in certificates),
            max_rel_error=max(max(c.max_rel_error, default=0.0) for c in certificates),
            bound=max(c.bound for c in certificates),
            steps=alike[0].steps,
        )

    groups = groupby(outcome.rewrites, key=lambda one: (one.steps, one.scenario))
    return outcome.model, tuple(entry(list(alike)) for _, alike in groups)
