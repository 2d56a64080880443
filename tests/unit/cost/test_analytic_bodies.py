"""Work inside the bodies of If and Loop."""

from hetsched.cost.analytic_work import group_work
from hetsched.cost.table import Group
from hetsched.ir.graph import Graph, Op, Tensor


def tensor(name: str, *shape: int) -> Tensor:
    return Tensor(name=name, dtype="float32", shape=shape)


def product(columns: int) -> Graph:
    """y = x (1, 4) w (4, columns)."""
    op = Op(name="m", op_type="MatMul", opset=17, inputs=("x", "w"), outputs=("y",))
    tensors = {"x": tensor("x", 1, 4), "w": tensor("w", 4, columns), "y": tensor("y", 1, columns)}
    return Graph(
        ops=(op,), tensors=tensors, inputs=(), outputs=("y",), constants=frozenset({"w"})
    )  # fmt: skip


def around(op: Op, trips: int = 1) -> Graph:
    names = {"x": tensor("x", 1, 4), "y": tensor("y", 1, 8), "c": tensor("c"), "n": tensor("n")}
    return Graph(
        ops=(op,),
        tensors=names,
        inputs=("x", "c"),
        outputs=("y",),
        constants=frozenset({"n"}),
        values={"n": (trips,)},
    )


def test_the_larger_branch_of_an_if_counts() -> None:
    branches = {"then_branch": product(2), "else_branch": product(8)}
    op = Op(name="o", op_type="If", opset=17, inputs=("c",), outputs=("y",), bodies=branches)
    control, inner = group_work(around(op), Group(name="o", ops=("o",))).kernels
    # Nothing but the inner kernel has work: 4 x 8 products, 4 + 8 values moved, 4 x 8 weights.
    assert control.weights.float_elements == 0
    assert (inner.macs, inner.times) == (32, 1)
    assert (inner.traffic.float_elements, inner.weights.float_elements) == (12, 32)


def test_a_loop_repeats_its_body() -> None:
    op = Op(
        name="o", op_type="Loop", opset=17, inputs=("n",), outputs=("y",),
        bodies={"body": product(8)},
    )  # fmt: skip
    _, inner = group_work(around(op, trips=5), Group(name="o", ops=("o",))).kernels
    assert (inner.macs, inner.times) == (32, 5)
