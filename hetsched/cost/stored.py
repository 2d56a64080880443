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
from hetsched.ir.graph import Graph
from hetsched.ir.model import Model
from hetsched.quantity import Origin, weakest
from hetsched.soc.profile import Profile

_LONGEST = 24
"""Ops of a group that parts are looked for in; the number of parts grows with its square."""


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
    marks = _Marks(model.graph, table.groups)
    for unit in profile.units:
        mine = [facts for facts in known if facts.get("unit") == unit.name]
        found = [(facts, _of_unit(table, unit.name, facts, marks, store)) for facts in mine]
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
                of=sum(name == unit.name for _, name in table.costs),
                whole=best.whole,
                others=tuple(other for other, _ in found if other is not facts),
            )
        )
    return replace(table, costs=costs), tuple(used)


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
    """Signatures of a model's groups and of their parts."""

    def __init__(self, graph: Graph, groups: Sequence[Group]) -> None:
        self.whole = signature(graph, [op.name for op in graph.ops])
        self.of: dict[str, str] = {}
        self.slices: dict[str, dict[tuple[int, int], str]] = {}
        for group in groups:
            self.of[group.name] = signature(graph, group.ops)
            self.slices[group.name] = _slices(graph, group.ops)

    @property
    def all(self) -> set[str]:
        """Every signature."""
        inner = (mark for row in self.slices.values() for mark in row.values())
        return {self.whole, *self.of.values(), *inner}


def _slices(graph: Graph, ops: Sequence[str]) -> dict[tuple[int, int], str]:
    """Signatures of a group's proper runs of neighbouring ops, by where they begin and end."""
    if not 1 < len(ops) <= _LONGEST:
        return {}
    return {
        (begin, end): signature(graph, ops[begin:end])
        for begin in range(len(ops))
        for end in range(begin + 1, len(ops) + 1)
        if end - begin < len(ops)
    }


def _of_unit(table: CostTable, unit: str, facts: Facts, marks: _Marks, store: CostStore) -> _Found:
    entries = store.get_entries(marks.all, facts)
    by_key = {(entry.signature, entry.dtype): entry for entry in entries}
    costs = {}
    for (group, name), estimate in table.costs.items():
        if name != unit:
            continue
        cost = _cost(by_key, marks, group, estimate.dtype)
        if cost is not None:
            costs[group] = cost
    whole = next((entry for entry in entries if entry.signature == marks.whole), None)
    newest = max((entry.measured_at for entry in entries), default="")
    return _Found(costs=costs, whole=whole, newest=newest)


def _cost(
    entries: Mapping[tuple[str, str], Entry], marks: _Marks, group: str, dtype: str
) -> Cost | None:
    """Of a group as a whole, else of parts that make it up, the longest first."""
    whole = entries.get((marks.of[group], dtype))
    if whole is not None:
        return _sum([whole], dtype)
    slices = marks.slices[group]
    if not slices:
        return None
    last = max(end for _, end in slices)
    parts: list[Entry] = []
    at = 0
    while at < last:
        step = next(
            (
                (entry, end)
                for end in range(last, at, -1)
                if (at, end) in slices
                and (entry := entries.get((slices[at, end], dtype))) is not None
            ),
            None,
        )
        if step is None:
            return None
        parts.append(step[0])
        at = step[1]
    return _sum(parts, dtype)


def _sum(parts: Sequence[Entry], dtype: str) -> Cost:
    return Cost(
        latency_ns=sum(part.latency_ns for part in parts),
        low_ns=sum(part.low_ns for part in parts),
        high_ns=sum(part.high_ns for part in parts),
        origin=weakest(*(part.origin for part in parts)) if parts else Origin.MEASURED,
        dtype=dtype,
    )
