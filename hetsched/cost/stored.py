"""Costs of a SoC that isn't at hand: what the store holds of it takes the place of estimates.

The store's entries of a unit stand for groups of ops by signature, whichever model they were
measured in. A group that isn't there as a whole may be there in parts (the device fused less than
hetsched does); a group that isn't there at all keeps its estimate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hetsched.cost.signature import signature
from hetsched.cost.store import CostStore
from hetsched.cost.store_records import Entry, Facts
from hetsched.cost.table import Cost, CostTable, Group
from hetsched.ir.model import Model
from hetsched.quantity import weakest
from hetsched.soc.profile import Profile, Unit

_LONGEST = 24
"""Ops of a group that parts are looked for in; the number of parts grows with its square."""


def whole_mark(model: Model) -> str:
    """What stands for the signature of a whole model."""
    return f"model {model.prepared_sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What of the store went into a table.

    Attributes:
        unit: of the profile.
        facts: which of the stored measurements of that unit were taken.
        groups: how many groups they gave a time to.
        of: how many groups the unit runs.
        whole: the model measured as a whole there, None where it wasn't.
        others: measurements of the same unit by other frameworks or thread counts, not taken.
    """

    unit: str
    facts: Facts
    groups: int
    of: int
    whole: Entry | None
    others: tuple[Facts, ...] = ()


def with_stored(
    model: Model, profile: Profile, table: CostTable, store: CostStore
) -> tuple[CostTable, tuple[Used, ...]]:
    """A table with stored costs where there are any.

    Of several measurements of one unit (by other frameworks, with other threads) the one that knows
    most of the groups is taken as a whole, the newest of equals: times of different tools aren't
    mixed on a unit.

    Args:
        model: whose groups the table's are.
        profile: of the device.
        table: estimates.
        store: where to look.

    Raises:
        CostError: when the store can't be read.
    """
    known = [facts for facts in store.units() if facts.get("profile") == profile.name]
    costs = dict(table.costs)
    used: list[Used] = []
    if not known:
        return table, ()
    marks = _Marks(model, table.groups)
    for unit in profile.units:
        mine = [facts for facts in known if facts.get("unit") == unit.name]
        found = [(facts, _of_unit(table, unit, facts, marks, store)) for facts in mine]
        found = [(facts, each) for facts, each in found if each.costs or each.whole]
        if not found:
            continue
        facts, best = max(found, key=lambda pair: (len(pair[1].costs), pair[1].newest))
        costs |= {(group, unit.name): cost for group, cost in best.costs.items()}
        used.append(
            Used(
                unit=unit.name,
                facts=facts,
                groups=len(best.costs),
                of=len(_dtypes(table, unit)),
                whole=best.whole,
                others=tuple(other for other, _ in found if other is not facts),
            )
        )
    return replace(table, costs=costs, refusals=_refusals(profile, table, costs)), tuple(used)


def measured_units(profile: Profile, store: CostStore | None) -> frozenset[str]:
    """Units of the profile that the store has something of.

    Raises:
        CostError: when the store can't be read.
    """
    facts = () if store is None else store.units()
    return frozenset(str(each["unit"]) for each in facts if each.get("profile") == profile.name)


def _refusals(
    profile: Profile, table: CostTable, costs: Mapping[tuple[str, str], Cost]
) -> Mapping[tuple[str, str], str]:
    """Those of the table, and why a unit without rates doesn't run what nobody measured."""
    return {
        **table.refusals,
        **{
            (op, unit.name): "it wasn't measured, and the profile has no rates to estimate it"
            for unit in profile.units
            for group in table.groups
            if not unit.rates and (group.name, unit.name) not in costs
            for op in group.ops
            if (op, unit.name) not in table.refusals
        },
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one set of facts knows.

    Attributes:
        costs: by group.
        whole: of the whole model.
        newest: date of the newest entry.
    """

    costs: Mapping[str, Cost]
    whole: Entry | None
    newest: str


class _Marks:
    """Signatures of a model's groups, and of their parts where they are asked for."""

    def __init__(self, model: Model, groups: Sequence[Group]) -> None:
        self._graph = model.graph
        self._ops = {group.name: group.ops for group in groups}
        self._slices: dict[str, dict[tuple[int, int], str]] = {}
        self.whole = whole_mark(model)
        self.of = {group.name: signature(model.graph, group.ops) for group in groups}

    def slices(self, group: str) -> Mapping[tuple[int, int], str]:
        """Of a group's proper runs of neighbouring ops, by where they begin and end."""
        if group not in self._slices:
            ops = self._ops[group]
            self._slices[group] = {
                (begin, end): signature(self._graph, ops[begin:end])
                for begin in range(len(ops) if 1 < len(ops) <= _LONGEST else 0)
                for end in range(begin + 1, len(ops) + 1)
                if end - begin < len(ops)
            }
        return self._slices[group]


def _dtypes(table: CostTable, unit: Unit) -> dict[str, str]:
    """Groups that the unit may run, and the dtype that it computes them in."""
    if unit.rates:
        return {group: cost.dtype for (group, at), cost in table.costs.items() if at == unit.name}
    return {
        group.name: unit.dtype
        for group in table.groups
        if not any((op, unit.name) in table.refusals for op in group.ops)
    }


def _of_unit(table: CostTable, unit: Unit, facts: Facts, marks: _Marks, store: CostStore) -> _Found:
    entries = store.get_entries({marks.whole, *marks.of.values()}, facts)
    groups = _dtypes(table, unit)
    known = {(entry.signature, entry.dtype): entry for entry in entries}
    costs = {
        group: _sum([known[marks.of[group], dtype]], dtype)
        for group, dtype in groups.items()
        if (marks.of[group], dtype) in known
    }
    missing = {group: dtype for group, dtype in groups.items() if group not in costs}
    parts = store.get_entries(
        {mark for group in missing for mark in marks.slices(group).values()}, facts
    )
    pieces = {(entry.signature, entry.dtype): entry for entry in parts}
    for group, dtype in missing.items():
        cost = _of_parts(pieces, marks.slices(group), dtype)
        if cost is not None:
            costs[group] = cost
    return _Found(
        costs=costs,
        whole=next((entry for entry in entries if entry.signature == marks.whole), None),
        newest=max((entry.measured_at for entry in (*entries, *parts)), default=""),
    )


def _of_parts(
    entries: Mapping[tuple[str, str], Entry], slices: Mapping[tuple[int, int], str], dtype: str
) -> Cost | None:
    """Of a group that isn't there as a whole, from parts that make it up, the longest first."""
    last = max((end for _, end in slices), default=0)
    parts: list[Entry] = []
    at = 0
    while at < last:
        ends = (end for end in range(last, at, -1) if (slices.get((at, end)), dtype) in entries)
        end = next(ends, None)
        if end is None:
            return None
        parts.append(entries[slices[at, end], dtype])
        at = end
    return _sum(parts, dtype) if parts else None


def _sum(parts: Sequence[Entry], dtype: str) -> Cost:
    return Cost(
        latency_ns=sum(part.latency_ns for part in parts),
        low_ns=sum(part.low_ns for part in parts),
        high_ns=sum(part.high_ns for part in parts),
        origin=weakest(*(part.origin for part in parts)),
        dtype=dtype,
    )
