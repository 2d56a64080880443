"""From a plan and its profile to the simulator's words.

A stage's time in the plan is its dispatch, its copies and its groups' costs; here they become
phases, so that copies share links and computing shares the memory. Its traffic is that of its
groups, see `hetsched.cost.analytic_contention.demand`.
"""

from hetsched.cost.analytic_contention import demand
from hetsched.cost.analytic_work import group_work
from hetsched.cost.fusion import groups
from hetsched.cost.table import Group
from hetsched.dispatch import StageNode
from hetsched.errors import SimError
from hetsched.ir.graph import Graph
from hetsched.ir.model import Model
from hetsched.plan.copying import copies_of
from hetsched.plan.model import Plan, Subgraph
from hetsched.sim.from_heat import from_heat
from hetsched.sim.model import LinkUse, SimApp, StageWork, Variation
from hetsched.sim.soc import Level, SimLink, SimSoc, SimUnit
from hetsched.soc.power import Idle
from hetsched.soc.profile import Profile, Unit

_SAME_CLOCK = 0.999
"""Clocks of a list and a unit's own are rounded differently."""


def from_profile(profile: Profile) -> SimSoc:
    """A profile's units, links and memory; what it doesn't know stays unknown.

    A unit's highest level is the clock that its costs are for; its list's lower ones follow. The
    memory's bandwidth is what all units together get, never that of the pins. Where it isn't known
    how long a unit stays awake, it is for as long as going to sleep and waking take: an idle state
    isn't entered for less (Linux' cpuidle asks for a longer rest than its latency).
    """
    memory = profile.memory
    usable = memory.usable if memory is not None else None
    capacity = memory.capacity if memory is not None else None
    sustained = profile.thermal.sustained if profile.thermal is not None else None
    return SimSoc(
        name=profile.name,
        units=tuple(_unit(unit) for unit in profile.units),
        links=tuple(
            SimLink(
                name=" - ".join(link.between),
                bytes_per_s=None if link.bandwidth is None else link.bandwidth.base("bandwidth"),
            )
            for link in profile.links
        ),
        memory_bytes_per_s=None if usable is None else usable.base("bandwidth"),
        memory_bytes=None if capacity is None else round(capacity.base("size")),
        thermal=from_heat(profile.thermal),
        sustained_mw=None if sustained is None else sustained.base("power"),
    )


def _unit(unit: Unit) -> SimUnit:
    idle = unit.idle or Idle()
    wake_ns = None if idle.wake is None else round(idle.wake.base("time"))
    hz = None if unit.frequency is None else unit.frequency.base("frequency")
    return SimUnit(
        name=unit.name,
        power_mw=unit.power_mw,
        idle_mw=None if idle.power is None else idle.power.base("power"),
        sleep_mw=None if idle.sleep is None else idle.sleep.base("power"),
        levels=() if hz is None else (Level(hz=hz, power_mw=unit.power_mw), *_lower(unit, hz)),
        reference_hz=hz,
        keep_ns=wake_ns or 0 if idle.keep is None else round(idle.keep.base("time")),
        wake_ns=wake_ns,
        memory_bytes=unit.memory_bytes,
    )


def _lower(unit: Unit, hz: float) -> list[Level]:
    """The listed clocks below the one that costs are for."""
    if unit.levels is None:
        return []
    powers: tuple[float | None, ...] = unit.levels.mw or (None,) * len(unit.levels.mhz)
    return [
        Level(hz=mhz * 1e6, power_mw=power)
        for mhz, power in zip(unit.levels.mhz, powers, strict=True)
        if mhz * 1e6 < hz * _SAME_CLOCK
    ]


def from_plan(
    plan: Plan,
    profile: Profile,
    model: Model | None = None,
    *,
    name: str | None = None,
    alternatives: bool = True,
    variation: Variation | None = None,
) -> SimApp:
    """A plan's stages as an app without arrivals; `dataclasses.replace` gives it some.

    Args:
        plan: whose stages.
        profile: the plan's.
        model: the plan's; without it memory traffic stays unknown.
        name: the model's where left out.
        alternatives: whether the dispatcher may run stages elsewhere than planned.
        variation: of each stage.

    Raises:
        SimError: naming a unit that the profile hasn't.
    """
    units = {unit.name: index for index, unit in enumerate(profile.units)}
    for part in plan.subgraphs:
        for unit in (part.unit, *(each.unit for each in part.alternatives)):
            if unit not in units:
                known = ", ".join(units)
                raise SimError(
                    f"subgraph {part.id} is on unit {unit!r}: {profile.name} has {known}"
                )
    makers = {name: index for index, part in enumerate(plan.subgraphs) for name in part.outputs}
    traffic = _Traffic(model.graph) if model is not None else None
    nodes, works = [], []
    for index, part in enumerate(plan.subgraphs):
        after = {makers[name] for name in part.inputs if makers.get(name, index) < index}
        others = part.alternatives if alternatives else ()
        choices = [
            (part.unit, part.end_ns - part.start_ns),
            *((each.unit, each.cost_ns) for each in others),
        ]
        nodes.append(
            StageNode(
                units=tuple((units[unit], ns) for unit, ns in choices), after=tuple(sorted(after))
            )
        )
        works.append(
            tuple(
                _work(plan, profile, part, unit, ns, traffic, is_planned=position == 0)
                for position, (unit, ns) in enumerate(choices)
            )
        )
    return SimApp(
        name=name or plan.model.name,
        nodes=tuple(nodes),
        works=tuple(works),
        variations=() if variation is None else (variation,) * len(nodes),
        memory_bytes=tuple(
            (units[unit], nbytes) for unit, nbytes in plan.peak_memory_bytes.items()
        ),
        stage_names=tuple(part.id for part in plan.subgraphs),
    )


def _work(
    plan: Plan,
    profile: Profile,
    part: Subgraph,
    unit_name: str,
    whole_ns: int,
    traffic: "_Traffic | None",
    *,
    is_planned: bool,
) -> StageWork:
    """A stage on one unit. Copies to another unit than planned are a part of its computing."""
    unit = profile.unit(unit_name)
    dispatch = min(unit.dispatch_ns, whole_ns)
    transfers = _transfers(plan, profile, part, whole_ns - dispatch) if is_planned else ()
    copying = sum(each.duration_ns for each in plan.transfers if each.subgraph == part.id)
    compute = whole_ns - dispatch - (copying if transfers else 0)
    dtype = part.dtype if is_planned else unit.dtype
    nbytes, ns = (None, None)
    if traffic is not None and dtype in unit.rates and compute > 0:
        nbytes, ns = traffic.of(part, unit, dtype, compute)
    return StageWork(dispatch_ns=dispatch, transfers=transfers, dram_bytes=nbytes, traffic_ns=ns)


def _transfers(plan: Plan, profile: Profile, part: Subgraph, room_ns: int) -> tuple[LinkUse, ...]:
    """The plan's copies: what exceeds bytes / bandwidth is fixed. None where they don't fit."""
    return tuple(
        LinkUse(link=each.link, nbytes=each.size_bytes, fixed_ns=each.fixed_ns)
        for each in copies_of(plan, profile, part, room_ns)
    )


class _Traffic:
    """Memory traffic of a model's stages by their groups, each of which is looked at once."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._group_of = {op: group for group in groups(graph, {}, []) for op in group.ops}

    def of(
        self, part: Subgraph, unit: Unit, dtype: str, compute_ns: int
    ) -> tuple[float | None, float | None]:
        """Bytes, and the ns that they take alone; 0 bytes take none."""
        inside = set(part.ops)
        chosen: dict[str, Group] = {}
        for op in part.ops:
            group = self._group_of.get(op)
            if group is None or not inside.issuperset(group.ops):
                group = Group(name=op, ops=(op,))
            chosen[group.name] = group
        if any(op not in self._graph.op for op in part.ops):
            return None, None
        found = demand(
            (group_work(self._graph, group) for group in chosen.values()), unit, dtype, compute_ns
        )
        return (found.nbytes, found.traffic_ns) if found.traffic_ns > 0 else (0.0, None)
