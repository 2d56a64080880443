"""The plan: what runs where, in which order, and what that was expected to cost.

The structs below are the plan file and the body of `hetsched plan --json`, field for field.
"""

from pathlib import Path
from typing import Literal

import msgspec

from hetsched.quantity import Origin

SCHEMA = 1


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


class Transfer(Struct, frozen=True, kw_only=True):
    """A tensor brought to a unit, paid inside the subgraph's duration."""

    tensor: str
    source: str
    target: str
    subgraph: str
    size_bytes: int
    duration_ns: int


class HostStage(Struct, frozen=True, kw_only=True):
    """A part of the model that runs on the host outside any unit."""

    name: str
    ops: tuple[str, ...]


class Rewrite(Struct, frozen=True, kw_only=True):
    """A rewrite applied to the model before it was placed."""

    rule: str
    scenario: int
    ops: tuple[str, ...]
    max_abs_error: float | None


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

    def save(self, path: str | Path, *, force: bool = False) -> "Plan":
        """Write the plan file; see `hetsched.plan.files.save_plan`."""
        from hetsched.plan.files import save_plan

        return save_plan(self, path, force=force)
