"""The plan: what runs where, in which order, and what that was expected to cost.

The structs below are the plan file and the body of `hetsched plan --json`, field for field.
"""

from pathlib import Path
from typing import Literal

import msgspec

from hetsched.quantity import Origin

SCHEMA = 1
BASELINES = {
    "cpu": "CPU only",
    "best-single-unit": "best single unit",
    "first-fit": "first fit",
    "heft": "HEFT",
}
"""Names of baselines, for people."""


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything in a plan file: strict, immutable."""


class ModelRef(Struct, frozen=True, kw_only=True):
    """The model that the plan is for.

    Attributes:
        name: short name for people.
        ref: `zoo:NAME`, or a path relative to the plan file.
        sha256: of the model file, external data included.
        ops: number of ops after preparation.
        shapes: frozen input shapes.
        prepared_sha256: of the graph after preparation and rewrites; op names refer to it.
    """

    name: str
    ref: str
    sha256: str
    ops: int
    shapes: dict[str, tuple[int, ...]]
    prepared_sha256: str


class ProfileRef(Struct, frozen=True, kw_only=True):
    """The SoC that the plan is for."""

    name: str
    sha256: str


class Objective(Struct, frozen=True, kw_only=True):
    """What was minimised: the value reached, and a bound that no placement gets under.

    Attributes:
        name: `latency`, `throughput` or `energy`.
        value: in `unit`; throughput is the busiest unit's time per request.
        bound: in `unit`.
        unit: `ns` or `uJ`.
    """

    name: Literal["latency", "throughput", "energy"]
    value: int
    bound: int
    unit: Literal["ns", "uJ"]


class Alternative(Struct, frozen=True, kw_only=True):
    """Another unit that can run a whole subgraph."""

    unit: str
    cost_ns: int
    origin: Origin


class Subgraph(Struct, frozen=True, kw_only=True):
    """One stage: a convex set of ops that one unit runs in one dispatch.

    Attributes:
        id: `s0`, `s1`, ... in dispatch order.
        unit: where it runs.
        dtype: arithmetic dtype there.
        ops: names, in the graph's order.
        inputs: tensors that come from other subgraphs or from the request.
        outputs: tensors that others or the caller need.
        start_ns: predicted.
        end_ns: predicted.
        low_ns: lower end of the duration's error band.
        high_ns: upper end of the duration's error band.
        cost_origin: weakest origin of the numbers behind the duration.
        main_origin: origin of the largest part of the duration; None in a plan made before it was
            told.
        needs: conditions that aren't checked, such as `needs int8, accuracy not checked`.
        alternatives: other units that can run it whole.
    """

    id: str
    unit: str
    dtype: str
    ops: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    start_ns: int
    end_ns: int
    low_ns: int
    high_ns: int
    cost_origin: Origin
    needs: tuple[str, ...]
    alternatives: tuple[Alternative, ...]
    main_origin: Origin | None = None


class Transfer(Struct, frozen=True, kw_only=True):
    """A tensor brought to a unit, paid inside the subgraph's duration."""

    tensor: str
    source: str
    target: str
    subgraph: str
    size_bytes: int
    duration_ns: int


class HostStage(Struct, frozen=True, kw_only=True):
    """Ops that no unit runs with the plan's software: ONNX Runtime does them on the host's CPU.

    Attributes:
        name: id of the subgraph that they are in; it is on the profile's home.
        ops: names.
    """

    name: str
    ops: tuple[str, ...]


class Rewrite(Struct, frozen=True, kw_only=True):
    """Rewrites applied to the model before it was placed: the same one to one op after the other.

    Attributes:
        rule: the first rule.
        scenario: 1, replaced by supported ops.
        ops: names, in the order of doing.
        max_abs_error: the largest of their certificates.
        max_rel_error: likewise, max|a-b| / max|a| of an output.
        bound: what `max_rel_error` may be.
        steps: (place, rule): how to do it again, see `hetsched.convert.repair.Step`.
    """

    rule: str
    scenario: int
    ops: tuple[str, ...]
    max_abs_error: float | None
    max_rel_error: float | None = None
    bound: float | None = None
    steps: tuple[tuple[int, str], ...] = ()


class Doubt(Struct, frozen=True, kw_only=True):
    """A choice that the costs' error bands don't settle, see `hetsched.plan.doubt`.

    Attributes:
        kind: whether the plan is compared with a baseline, or one subgraph with another unit.
        subject: the baseline's name, or the subgraph's id.
        unit: where the subgraph is; None for a baseline.
        other: the unit that could be as good; None for a baseline.
        advantage: how much better the plan is by the best estimates, in `measure`.
        band: how far that may be off.
        measure: `ns` or `uJ`.
        message: all of that in one line.
    """

    kind: Literal["baseline", "subgraph"]
    subject: str
    unit: str | None
    other: str | None
    advantage: int
    band: int
    measure: Literal["ns", "uJ"]
    message: str


class CostBasis(Struct, frozen=True, kw_only=True):
    """What the costs of a unit in use rest on, and what their error band stands for.

    Attributes:
        unit: of the profile.
        low: lower end of the band of its subgraphs' durations together, relative to the estimate.
        high: upper end.
        basis: in words, with the error and how it was found.
    """

    unit: str
    low: float
    high: float
    basis: str


class Options(Struct, frozen=True, kw_only=True):
    """What was asked for, as far as it shapes the answer."""

    gap: float
    seed: int
    time_limit_s: float
    framework: str | None = None
    backend: str | None = None
    pins: dict[str, str] = {}
    max_subgraphs: dict[str, int] = {}
    max_stage_ns: int | None = None
    rewrite: bool = False


class Plan(Struct, frozen=True, kw_only=True):
    """A placement of one model on one SoC.

    Attributes:
        schema: version of this layout.
        hetsched: version that wrote it.
        status: `optimal` when the gap is at most the one asked for, else `feasible`.
        gap: (value - bound) / value.
        baselines: in the objective's unit, None where infeasible.
        latency_ns: end of the last subgraph.
        latency_low_ns: with every cost at the lower end of its band.
        latency_high_ns: with every cost at the upper end of its band.
        throughput_rps: requests per second when requests are pipelined: 1 / busiest unit's time.
        energy_uj: None where a used unit's power is unknown.
        peak_memory_bytes: per used unit: weights and the largest set of live activations.
        accuracy: None unless measured.
        cost_basis: per unit in use.
        warnings: choices within the error band.
    """

    schema: int
    hetsched: str
    model: ModelRef
    profile: ProfileRef
    options: Options
    status: Literal["optimal", "feasible"]
    gap: float
    objective: Objective
    baselines: dict[str, int | None]
    latency_ns: int
    latency_low_ns: int
    latency_high_ns: int
    throughput_rps: float
    energy_uj: int | None
    peak_memory_bytes: dict[str, int]
    accuracy: float | None
    subgraphs: tuple[Subgraph, ...]
    transfers: tuple[Transfer, ...]
    host_stages: tuple[HostStage, ...]
    rewrites: tuple[Rewrite, ...]
    cost_basis: tuple[CostBasis, ...] = ()
    warnings: tuple[Doubt, ...] = ()

    def save(self, path: str | Path, *, force: bool = False) -> "Plan":
        """Write the plan file; see `hetsched.plan.files.save_plan`."""
        from hetsched.plan.files import save_plan

        return save_plan(self, path, force=force)
