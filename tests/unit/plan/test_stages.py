"""What a plan says of its subgraphs."""

from hetsched.ir.graph import Graph, Op, Tensor
from hetsched.plan.stages import boundary


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
