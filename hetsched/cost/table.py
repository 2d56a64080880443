"""What each group of ops costs on each unit, with where the number comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hetsched.quantity import End, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Time of one group on one unit, inside a running stage (without dispatch and copies).

    Attributes:
        latency_ns: the best estimate.
        low_ns: lower end of the error band; equal to `latency_ns` only where the error is known
            to be nil.
        high_ns: upper end of the error band.
        origin: weakest origin of the numbers that went in.
        dtype: arithmetic dtype that the unit computes in.
    """

    latency_ns: int
    low_ns: int
    high_ns: int
    origin: Origin
    dtype: str

    def at(self, end: End) -> int:
        """The estimate, or one end of its band, in ns."""
        return {End.ESTIMATE: self.latency_ns, End.LOW: self.low_ns, End.HIGH: self.high_ns}[end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Ops that a backend fuses: costed and placed as one.

    Attributes:
        name: the name of its head op (the heavy one).
        ops: op names in the graph's order.
    """

    name: str
    ops: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CostTable:
    """Costs of groups on units. What isn't in it is unsupported: never infinity, never nan.

    Attributes:
        groups: in the graph's topological order; together they hold every op exactly once.
        costs: (group name, unit name) to its cost.
        refusals: (op name, unit name) to the reason why the unit doesn't run the op, in words.
    """

    groups: tuple[Group, ...]
    costs: Mapping[tuple[str, str], Cost]
    refusals: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def without(self, refusals: Mapping[tuple[str, str], str]) -> "CostTable":
        """The same costs, less those of groups with an op that a unit refuses."""
        ops = {group.name: group.ops for group in self.groups}
        kept = {
            (group, unit): cost
            for (group, unit), cost in self.costs.items()
            if not any((op, unit) in refusals for op in ops[group])
        }
        return replace(self, costs=kept, refusals={**self.refusals, **refusals})
