"""Which unit refuses which op, and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hetsched.convert.capability_finding import Finding, finding, title
from hetsched.convert.capability_rows import Table, backends, table
from hetsched.errors import CapabilityError
from hetsched.ir.graph import Graph
from hetsched.soc.profile import Profile, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Support:
    """The tables that a unit's ops must all pass; or why it has none; and its dtype."""

    tables: tuple[Table, ...] = ()
    reason: str | None = None
    computes: str | None = None


def refusals(
    graph: Graph, profile: Profile, framework: str | None = None, backend: str | None = None
) -> dict[tuple[str, str], str]:
    """Why units don't run ops.

    Without a framework each unit has the rows that its profile names. With one, a unit has that
    framework's rows for the first of its `reached_by` backends that the framework has, and
    every op must pass the framework's converter too. With a backend on top, units that it
    reaches use it, CPUs that it doesn't reach use the framework's CPU rows, and the others run
    nothing.

    Returns:
        (op name, unit name) to the reason in words; what isn't in it is supported.

    Raises:
        CapabilityError: unknown framework or backend, naming what there is.
    """
    findings = unit_findings(graph, profile, framework, backend)
    return {(op, unit): found.text for unit, ops in findings.items() for op, found in ops.items()}


def unit_findings(
    graph: Graph, profile: Profile, framework: str | None = None, backend: str | None = None
) -> dict[str, Mapping[str, Finding]]:
    """As `refusals`: unit name to op name to what keeps the op off the unit.

    Raises:
        CapabilityError: as `refusals`.
    """
    if backend is not None and framework is None:
        raise CapabilityError(f"backend {backend!r} needs a framework too: give both")
    memo: dict[_Support, Mapping[str, Finding]] = {}
    found: dict[str, Mapping[str, Finding]] = {}
    for unit in profile.units:
        try:
            chosen = _support(unit, framework, backend)
        except CapabilityError as error:
            if framework is not None:
                raise
            raise CapabilityError(f"profile {profile.name}, unit {unit.name!r}: {error}") from error
        support = replace(chosen, computes=unit.dtype)
        if support not in memo:
            memo[support] = dict(_findings(graph, support))
        found[unit.name] = memo[support]
    return found


def table_refusals(
    graph: Graph, *rows: tuple[str, str], computes: str | None = None
) -> dict[str, str]:
    """Why ops aren't run by something that asks for all of these (framework, backend) tables.

    Args:
        graph: the model's, or some ops of it.
        rows: tables that an op must all pass.
        computes: what float tensors are converted to before, None when they stay.

    Returns:
        Op name to the reason in words; what isn't in it is supported.

    Raises:
        CapabilityError: unknown framework or backend, naming what there is.
    """
    support = _Support(tables=tuple(table(*row) for row in rows), computes=computes)
    return {op: found.text for op, found in _findings(graph, support)}


def unit_tables(
    unit: Unit, framework: str | None = None, backend: str | None = None
) -> tuple[tuple[str, str], ...] | None:
    """(framework, backend) tables that an op must all pass to run on a unit, as in `refusals`.

    Returns:
        None when the framework doesn't reach the unit.

    Raises:
        CapabilityError: as `refusals`.
    """
    support = _support(unit, framework, backend)
    if support.reason is not None:
        return None
    return tuple((each.framework, each.backend) for each in support.tables)


def tables(framework: str, backend: str) -> tuple[Table, ...]:
    """What an op must pass to run on a backend: the converter's table where there is one, its own.

    Raises:
        CapabilityError: unknown framework or backend, naming what there is.
    """
    chosen = table(framework, backend)
    doors = [name for name in backends(framework) if name.startswith("converter")][:1]
    return tuple(dict.fromkeys((*(table(framework, door) for door in doors), chosen)))


def _support(unit: Unit, framework: str | None, backend: str | None) -> _Support:
    if framework is None:
        return _Support(tables=(table(unit.framework, unit.backend),))
    chosen = _backend(unit, framework, backend)
    if chosen is None:
        which = f"{title(framework)} {backend}" if backend else title(framework)
        there = ", ".join(name for name in backends(framework) if "converter" not in name)
        return _Support(
            reason=f"{which} doesn't reach this unit (its backends: {there or 'none listed'})"
        )
    return _Support(tables=tables(framework, chosen))


def _backend(unit: Unit, framework: str, backend: str | None) -> str | None:
    reached = (unit.backend, *(name for name in unit.reached_by if name != unit.backend))
    there = backends(framework)
    if backend is not None:
        table(framework, backend)
        if backend in reached:
            return backend
        if unit.kind != "cpu":
            return None
    return next((name for name in reached if name in there), None)


def _findings(graph: Graph, support: _Support) -> Iterator[tuple[str, Finding]]:
    for op in graph.ops:
        if support.reason is not None:
            yield op.name, Finding(kind="blocked", reason=support.reason)
            continue
        found = finding(graph, op, support.tables, support.computes)
        if found is not None:
            yield op.name, found
