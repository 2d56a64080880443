"""What of a model runs where: on every framework's backends, on one of them, on a SoC's units."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hetsched.convert.capability import tables, unit_findings
from hetsched.convert.capability_finding import Finding, Kind, finding
from hetsched.convert.capability_limits import limits_of
from hetsched.convert.capability_rows import Table, backends, index, near
from hetsched.convert.scenario import Remedies, Rules
from hetsched.errors import CapabilityError
from hetsched.ir.graph import Graph
from hetsched.soc.profile import Profile

DTYPES = ("float32", "float16", "bfloat16", "int16", "int8", "uint8")
"""What a float model may be converted to, least loss first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What of a model runs on one backend or unit.

    Attributes:
        framework: as in index.csv.
        backend: of the framework; empty where a profile's unit chooses among its backends.
        unit: of a profile, else empty.
        dtype: what float tensors have to be converted to, None when the model can stay as it is.
        ops: how many the model has.
        findings: op name to what keeps it off; ops that run have none.
        types: op name to op type, for the ops in `findings`.
    """

    framework: str
    backend: str
    unit: str = ""
    dtype: str | None
    ops: int
    findings: Mapping[str, Finding]
    types: Mapping[str, str]

    @property
    def runs(self) -> int:
        """Ops that run."""
        return self.ops - len(self.findings)

    @property
    def unknown(self) -> int:
        """Ops of which nobody knows."""
        return sum(found.kind == "unknown" for found in self.findings.values())

    @property
    def blocked(self) -> int:
        """Ops that don't run."""
        return len(self.findings) - self.unknown

    @property
    def blocking(self) -> Mapping[str, int]:
        """Op types that don't run, each with its count, the most frequent first."""
        known = (op for op, found in self.findings.items() if found.kind != "unknown")
        return dict(Counter(self.types[op] for op in known).most_common())


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """An op that a target isn't known to run.

    Attributes:
        op: its name.
        op_type: its type.
        kind: `blocked`, `dtype` or `unknown`.
        reason: the table's, in words.
        scenario: 1 to 4, the first that may help; None where nobody knows whether it blocks, or
            where none helps.
        remedy: how, in words; empty without a scenario.
        cost: of the remedy, in words; empty where it wasn't asked for.
    """

    op: str
    op_type: str
    kind: Kind
    reason: str
    scenario: int | None
    remedy: str
    cost: str = ""


def check_backend(graph: Graph, framework: str, backend: str) -> Verdict:
    """What runs on a backend, the way into its framework included.

    Where ops are refused for their dtype, the model counts as converted to the first of `DTYPES`
    under which the most ops run.

    Raises:
        CapabilityError: unknown framework or backend, naming what there is.
    """
    asked = tables(framework, backend)
    found = _findings(graph, asked, graph.op, None)
    dtype, found = _converted(graph, asked, found)
    return _verdict(graph, framework, backend, dtype, found)


def opset_notes(graph: Graph, framework: str, backend: str) -> tuple[str, ...]:
    """What to say where a model's op set is newer than what a table is for.

    The table is asked all the same: most ops change little from version to version.

    Raises:
        CapabilityError: unknown framework or backend, naming what there is.
    """
    used = max((op.opset for op in graph.ops if not op.domain), default=0)
    return tuple(
        f"{rows.framework} {rows.backend} reads opset {newest} at most, and the model has {used}: "
        f"export it with opset {newest} or older"
        for rows in tables(framework, backend)
        if (newest := limits_of(rows.framework, rows.backend).max_opset) is not None
        and used > newest
    )


def check_framework(graph: Graph, framework: str) -> tuple[Verdict, ...]:
    """One verdict for each of a framework's backends, its converters included.

    Raises:
        CapabilityError: unknown framework, naming what there is.
    """
    return tuple(check_backend(graph, framework, name) for name in backends(framework))


def check_everything(graph: Graph) -> tuple[Verdict, ...]:
    """One verdict for each backend of each framework."""
    return tuple(verdict for name in index() for verdict in check_framework(graph, name))


def check_profile(
    graph: Graph, profile: Profile, framework: str | None = None, backend: str | None = None
) -> tuple[Verdict, ...]:
    """One verdict for each unit of a SoC; a model that is planned there is judged the same way.

    Raises:
        CapabilityError: unknown framework or backend, naming what there is.
    """
    found = unit_findings(graph, profile, framework, backend)
    return tuple(
        _verdict(
            graph,
            framework or unit.framework,
            (backend or "") if framework else unit.backend,
            unit.dtype if _is_converted(graph, unit.dtype) else None,
            found[unit.name],
            unit.name,
        )
        for unit in profile.units
    )


def check_unit(
    graph: Graph,
    profile: Profile,
    unit: str,
    framework: str | None = None,
    backend: str | None = None,
) -> Verdict:
    """What runs on one unit of a SoC.

    Raises:
        CapabilityError: unknown unit, framework or backend, naming what there is.
    """
    names = [each.name for each in profile.units]
    if unit not in names:
        raise CapabilityError(
            f"profile {profile.name!r} has no unit {unit!r}: {near(unit, names)}"
            f"it has {', '.join(names)}"
        )
    return check_profile(graph, profile, framework, backend)[names.index(unit)]


def without_ways_in(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Verdicts on what runs ops, not on converters; all of them where there are just converters."""
    every = tuple(verdicts)
    return tuple(v for v in every if not v.backend.startswith("converter")) or every


def blockers(graph: Graph, verdicts: Iterable[Verdict], rules: Rules) -> tuple[Blocker, ...]:
    """Ops that none of the verdicts lets run, in the model's order.

    A reason is that of the verdict under which the most ops run; where another one only doesn't
    know, its reason, since the op may run there.

    Args:
        graph: the model's.
        verdicts: on it.
        rules: see `hetsched.convert.scenario.rules_of`.
    """
    best = sorted(verdicts, key=lambda verdict: len(verdict.findings))
    remedies = Remedies(graph, rules)
    found = []
    for op in graph.ops:
        if not best or any(op.name not in verdict.findings for verdict in best):
            continue
        why = _reason([verdict.findings[op.name] for verdict in best])
        remedy = remedies.find(op, why)
        found.append(
            Blocker(
                op=op.name,
                op_type=op.op_type,
                kind=why.kind,
                reason=why.text,
                scenario=remedy.scenario if remedy else None,
                remedy=remedy.how if remedy else "",
            )
        )
    return tuple(found)


def _reason(findings: list[Finding]) -> Finding:
    return next((found for found in findings if found.kind == "unknown"), findings[0])


def _findings(
    graph: Graph, asked: tuple[Table, ...], ops: Iterable[str], computes: str | None
) -> dict[str, Finding]:
    found = ((name, finding(graph, graph.op[name], asked, computes)) for name in ops)
    return {name: why for name, why in found if why is not None}


def _converted(
    graph: Graph, asked: tuple[Table, ...], found: dict[str, Finding]
) -> tuple[str | None, dict[str, Finding]]:
    """The dtype that lets the most ops run, and what keeps ops off then."""
    wrong = [name for name, why in found.items() if why.kind == "dtype"]
    listed = {d.split(" ")[0] for rows in asked for row in rows.rows.values() for d in row.dtypes}
    best: tuple[str | None, dict[str, Finding]] = (None, {name: found[name] for name in wrong})
    for dtype in DTYPES:
        if not wrong or dtype not in listed:
            continue
        left = _findings(graph, asked, wrong, dtype)
        if len(left) < len(best[1]):
            best = (dtype, left)
    kept = {name: why for name, why in found.items() if why.kind != "dtype"}
    every = kept | best[1]
    return best[0], {name: every[name] for name in graph.op if name in every}


def _is_converted(graph: Graph, dtype: str) -> bool:
    """Whether some input of the model is a float of another dtype."""
    given = {graph.tensors[name].dtype for name in graph.inputs}
    return any(d is not None and "float" in d and d != dtype for d in given)


def _verdict(
    graph: Graph,
    framework: str,
    backend: str,
    dtype: str | None,
    found: Mapping[str, Finding],
    unit: str = "",
) -> Verdict:
    return Verdict(
        framework=framework,
        backend=backend,
        unit=unit,
        dtype=dtype,
        ops=len(graph.ops),
        findings=found,
        types={name: graph.op[name].op_type for name in found},
    )
