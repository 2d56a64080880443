"""What a plan says of its subgraphs."""

import msgspec
import pytest

from hetsched.cost.table import Cost, CostTable, Group
from hetsched.ir.graph import Graph, Op, Tensor
from hetsched.place.evaluate import evaluate
from hetsched.place.placement import Stage
from hetsched.plan.problem import build_problem
from hetsched.plan.stages import Solved, boundary, describe
from hetsched.quantity import Origin
from hetsched.soc.catalog import profile


def diamond() -> Graph:
    """x -> A -> a; a -> B -> b; (a, b, w) -> C -> c, with w stored."""
    names = ("x", "a", "b", "c", "w")
    return Graph(
        ops=(
            Op(name="A", op_type="Relu", opset=17, inputs=("x",), outputs=("a",)),
            Op(name="B", op_type="Abs", opset=17, inputs=("a",), outputs=("b",)),
            Op(name="C", op_type="Sum", opset=17, inputs=("a", "b", "w"), outputs=("c",)),
        ),
        tensors={name: Tensor(name=name, dtype="float32", shape=(4,)) for name in names},
        inputs=("x",),
        outputs=("c",),
        constants=frozenset({"w"}),
    )


def test_a_boundary_leaves_out_weights_and_inner_tensors() -> None:
    assert boundary(diamond(), ("A", "B", "C")) == (("x",), ("c",))
    assert boundary(diamond(), ("B", "C")) == (("a",), ("c",))
    assert boundary(diamond(), ("A", "B")) == (("x",), ("a", "b"))


SOC = profile("helio-g90")
GPU = next(at for at, unit in enumerate(SOC.units) if unit.name == "gpu")


def origins(times_us: dict[str, tuple[int, Origin]], dispatch_us: float) -> tuple[Origin, Origin]:
    """Main and weakest origin of the diamond as one stage on the GPU, its dispatch `datasheet`."""
    figure = msgspec.structs.replace(
        SOC.units[GPU].dispatch, value=dispatch_us, unit="us", origin=Origin.DATASHEET
    )
    unit = msgspec.structs.replace(SOC.units[GPU], dispatch=figure)
    soc = msgspec.structs.replace(
        SOC, units=tuple(unit if at == GPU else each for at, each in enumerate(SOC.units))
    )
    costs = CostTable(
        groups=tuple(Group(name=name, ops=(name,)) for name in "ABC"),
        costs={
            (name, "gpu"): Cost(
                latency_ns=us * 1000, low_ns=0, high_ns=us * 2000, origin=origin, dtype="float16"
            )
            for name, (us, origin) in times_us.items()
        },
    )
    problem = build_problem(diamond(), soc, costs)
    schedule = evaluate(problem, [Stage(unit=GPU, groups=(0, 1, 2))])
    solved = Solved(
        graph=diamond(), profile=soc, costs=costs, problem=problem, schedule=schedule,
        low=schedule, high=schedule,
    )  # fmt: skip
    (part,) = describe(solved).subgraphs
    assert part.main_origin is not None
    return part.main_origin, part.cost_origin


@pytest.mark.parametrize(
    ("last_us", "dispatch_us", "main"),
    [
        # Measured 2 + 3 ms, calibrated 4 ms.
        (4000, 1.0, Origin.MEASURED),
        # Measured 5 ms, calibrated 6 ms.
        (6000, 1.0, Origin.CALIBRATED),
        # A dispatch of 9 ms outweighs both.
        (4000, 9000.0, Origin.DATASHEET),
    ],
)
def test_the_main_origin_is_that_of_the_largest_part(
    last_us: int, dispatch_us: float, main: Origin
) -> None:
    times = {
        "A": (2000, Origin.MEASURED), "B": (3000, Origin.MEASURED),
        "C": (last_us, Origin.CALIBRATED),
    }  # fmt: skip
    assert origins(times, dispatch_us) == (main, Origin.DATASHEET)
