"""A small plan, made by hand."""

from hetsched.plan.model import (
    Alternative,
    ModelRef,
    Objective,
    Options,
    Plan,
    ProfileRef,
    Subgraph,
    Transfer,
)
from hetsched.quantity import Origin


def sample_plan(ref: str = "zoo:tiny") -> Plan:
    """Two subgraphs on two units: 2 ms on the NPU, then 1 ms on the CPU."""
    return Plan(
        schema=1,
        hetsched="0.1.0",
        model=ModelRef(
            name="tiny",
            ref=ref,
            sha256="a" * 64,
            ops=3,
            shapes={"x": (1, 3, 8, 8)},
            prepared_sha256="b" * 64,
        ),
        profile=ProfileRef(name="soc", sha256="c" * 64),
        options=Options(gap=0.01, seed=0, time_limit_s=10.0),
        status="optimal",
        gap=0.0,
        objective=Objective(name="latency", value=3_000_000, bound=3_000_000, unit="ns"),
        baselines={
            "cpu": 6_000_000,
            "best-single-unit": 6_000_000,
            "first-fit": None,
            "heft": 3_000_000,
        },
        latency_ns=3_000_000,
        latency_low_ns=2_000_000,
        latency_high_ns=5_000_000,
        throughput_rps=500.0,
        energy_uj=None,
        peak_memory_bytes={"npu": 2048, "cpu": 512},
        accuracy=None,
        subgraphs=(
            _part("s0", "npu", ("conv", "relu"), 0, 2_000_000, Origin.CALIBRATED),
            _part("s1", "cpu", ("softmax",), 2_000_000, 3_000_000, Origin.MEASURED),
        ),
        transfers=(
            Transfer(
                tensor="x", source="cpu", target="npu", subgraph="s0", size_bytes=768, duration_ns=9
            ),
        ),
        host_stages=(),
        rewrites=(),
    )


def _part(
    name: str, unit: str, ops: tuple[str, ...], start_ns: int, end_ns: int, origin: Origin
) -> Subgraph:
    return Subgraph(
        id=name,
        unit=unit,
        dtype="float32",
        ops=ops,
        inputs=("x",),
        outputs=("y",),
        start_ns=start_ns,
        end_ns=end_ns,
        low_ns=end_ns - start_ns,
        high_ns=end_ns - start_ns,
        cost_origin=origin,
        needs=(),
        alternatives=(Alternative(unit="cpu", cost_ns=4_000_000, origin=origin),),
    )
