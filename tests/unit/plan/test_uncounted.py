"""Notes on ops whose work isn't known."""

from hetsched.ir.graph import Graph, Op, Tensor
from hetsched.plan.uncounted import uncounted_note


def chain(*shapes: tuple[int | None, ...] | None) -> Graph:
    """t0 -> op0 -> t1 -> op1 -> ..."""
    ops = tuple(
        Op(name=f"op{i}", op_type="Relu", opset=17, inputs=(f"t{i}",), outputs=(f"t{i + 1}",))
        for i in range(len(shapes) - 1)
    )
    tensors = {
        f"t{i}": Tensor(name=f"t{i}", dtype="float32", shape=shape)
        for i, shape in enumerate(shapes)
    }
    return Graph(
        ops=ops,
        tensors=tensors,
        inputs=("t0",),
        outputs=(f"t{len(ops)}",),
        constants=frozenset(),
    )


def test_nothing_is_said_of_known_work() -> None:
    assert uncounted_note(chain((1, 4), (1, 4), (1, 4))) == ()


def test_one_op() -> None:
    assert uncounted_note(chain((1, 4), (None, 4))) == (
        "op 'op0' can't be costed in full: tensor 't1' has the shape ?x4; "
        "what isn't known counts as nothing",
    )


def test_several_ops_name_the_first() -> None:
    # op1 doesn't know what it makes, op2 what it reads.
    assert uncounted_note(chain((4,), (4,), None, (4,))) == (
        "2 ops, the first of them 'op1', can't be costed in full: tensor 't2' has no known shape; "
        "what isn't known counts as nothing",
    )
