"""Peak memory of units: expected values are counted by hand."""

from hetsched.ir.graph import Graph, Op, Tensor
from hetsched.plan.memory import Part, peak_memory_bytes
from hetsched.testing import chain_graph


def test_a_chain_holds_one_input_and_one_output_at_a_time() -> None:
    # Tensors of 1x1x5x5 float32 are 100 bytes; x -> t1 -> t2 -> y holds two of them at any op.
    graph = chain_graph("Relu", "Abs", "Neg", shape=(1, 1, 5, 5))
    part = Part(unit="cpu", dtype="float32", ops=("Relu_0", "Abs_1", "Neg_2"))
    assert peak_memory_bytes(graph, [part]) == {"cpu": 200}


def test_a_copy_is_held_on_both_units_in_each_units_dtype() -> None:
    # cpu: x and t1 (100 bytes each). npu in int8: the copy of t1 and y, 25 bytes each.
    graph = chain_graph("Relu", "Abs", shape=(1, 1, 5, 5))
    parts = [
        Part(unit="cpu", dtype="float32", ops=("Relu_0",)),
        Part(unit="npu", dtype="int8", ops=("Abs_1",)),
    ]
    assert peak_memory_bytes(graph, parts) == {"cpu": 200, "npu": 50}


def test_a_skip_connection_stays_until_its_last_reader() -> None:
    # x is read by a (first) and by c (last): while b runs, x, a's and b's output are held: 300.
    names = ("x", "a", "b", "c")
    graph = Graph(
        ops=(
            Op(name="A", op_type="Relu", opset=17, inputs=("x",), outputs=("a",)),
            Op(name="B", op_type="Relu", opset=17, inputs=("a",), outputs=("b",)),
            Op(name="C", op_type="Add", opset=17, inputs=("x", "b"), outputs=("c",)),
        ),
        tensors={name: Tensor(name=name, dtype="float32", shape=(25,)) for name in names},
        inputs=("x",),
        outputs=("c",),
        constants=frozenset(),
    )
    part = Part(unit="cpu", dtype="float32", ops=("A", "B", "C"))
    assert peak_memory_bytes(graph, [part]) == {"cpu": 300}


def test_weights_count_once_and_for_the_whole_time() -> None:
    # Both ops read the same 40-byte constant: 40, plus two activations of 100 bytes.
    names = ("x", "a", "b")
    graph = Graph(
        ops=(
            Op(name="A", op_type="Add", opset=17, inputs=("x", "w"), outputs=("a",)),
            Op(name="B", op_type="Mul", opset=17, inputs=("a", "w"), outputs=("b",)),
        ),
        tensors={
            **{name: Tensor(name=name, dtype="float32", shape=(25,)) for name in names},
            "w": Tensor(name="w", dtype="float32", shape=(10,)),
        },
        inputs=("x",),
        outputs=("b",),
        constants=frozenset({"w"}),
    )
    part = Part(unit="cpu", dtype="float32", ops=("A", "B"))
    assert peak_memory_bytes(graph, [part]) == {"cpu": 240}
