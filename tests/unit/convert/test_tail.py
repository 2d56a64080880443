"""What is cut off for the host: the smallest tail or head, skip connections included."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.convert.tail import split, split_at
from hetsched.ir.graph import Graph, Op, Tensor

SHAPE = (1, 4, 8, 8)
WEIGHT = (4, 4, 1, 1)
CONV_MACS = 4 * 64 * 4  # output elements x input channels


def graph(*ops: tuple[str, str, tuple[str, ...]], outputs: tuple[str, ...]) -> Graph:
    """Ops as (name, type, inputs); each makes a tensor of its own name. `x` is the input."""
    made = tuple(
        Op(name=n, op_type=t, opset=17, inputs=(*i, "w") if t == "Conv" else i, outputs=(n,))
        for n, t, i in ops
    )
    tensors = {
        name: Tensor(name=name, dtype="float32", shape=SHAPE)
        for name in ("x", *(o[0] for o in ops))
    }
    tensors["w"] = Tensor(name="w", dtype="float32", shape=WEIGHT)
    return Graph(
        ops=made, tensors=tensors, inputs=("x",), outputs=outputs, constants=frozenset({"w"})
    )


FIGURE_3 = graph(
    ("conv", "Conv", ("x",)),
    ("relu", "Relu", ("conv",)),
    ("sub", "Sub", ("relu", "x")),
    ("softmax", "Softmax", ("sub",)),
    ("mul", "Mul", ("softmax", "conv")),  # a skip connection
    ("side", "Sigmoid", ("relu",)),
    outputs=("mul", "side"),
)


def test_a_tail_takes_its_skip_connection_along() -> None:
    parts = split(FIGURE_3, {"softmax"})
    assert parts.tail == ("softmax", "mul")
    assert parts.main == ("conv", "relu", "sub", "side")
    # In the order of making: the skip connection, what softmax reads, and the model's own output.
    assert parts.main_outputs == ("conv", "sub", "side")
    assert parts.tail_inputs == ("conv", "sub")
    assert parts.tail_outputs == ("mul",)
    assert (parts.host_macs, parts.macs) == (0, CONV_MACS)


def test_the_tail_reads_the_models_input_by_itself() -> None:
    parts = split(FIGURE_3, {"sub"})
    assert parts.tail == ("sub", "softmax", "mul")
    assert parts.tail_inputs == ("x", "conv", "relu")
    assert parts.main_inputs == ("x",)


def test_a_head_is_cut_off_too() -> None:
    found = graph(
        ("scale", "Div", ("x",)),
        ("conv", "Conv", ("scale",)),
        ("out", "Add", ("conv", "scale")),
        outputs=("out",),
    )
    parts = split(found, {"scale"})
    assert (parts.head, parts.main, parts.tail) == (("scale",), ("conv", "out"), ())
    assert (parts.head_inputs, parts.head_outputs) == (("x",), ("scale",))
    assert parts.main_inputs == ("scale",)


def test_what_the_host_may_not_take_stays_in_the_middle() -> None:
    found = graph(
        ("first", "Conv", ("x",)),
        ("odd", "Erf", ("first",)),
        ("second", "Conv", ("odd",)),
        outputs=("second",),
    )
    parts = split(found, {"odd"})
    assert parts.is_whole
    assert parts.middle == ("odd",)
    # Half of the multiply-accumulates each way: a tie goes to the end with fewer ops, both have 2,
    # so to the tail.
    generous = split(found, {"odd"}, max_host_share=0.5)
    assert (generous.tail, generous.middle) == (("odd", "second"), ())


def test_nothing_blocked_nothing_cut() -> None:
    parts = split(FIGURE_3, ())
    assert parts.is_whole
    assert parts.main == tuple(op.name for op in FIGURE_3.ops)
    assert parts.main_outputs == FIGURE_3.outputs


def test_where_nothing_is_left_for_the_target_nothing_is_cut_off() -> None:
    parts = split(FIGURE_3, {op.name for op in FIGURE_3.ops}, max_host_share=1.0)
    assert parts.is_whole
    assert parts.middle == parts.main == tuple(op.name for op in FIGURE_3.ops)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, 12))
    ops = []
    for at in range(count):
        before = ["x", *(f"n{i}" for i in range(at))]
        reads = draw(st.lists(st.sampled_from(before), min_size=1, max_size=3, unique=True))
        kind = draw(st.sampled_from(("Conv", "Relu", "Add")))
        ops.append((f"n{at}", kind, tuple(reads[:1] if kind == "Conv" else reads)))
    read = {name for _, _, inputs in ops for name in inputs}
    outputs = tuple(name for name, _, _ in ops if name not in read)
    return graph(*ops, outputs=outputs)


@given(found=graphs(), share=st.sampled_from((0.0, 0.3, 1.0)), data=st.data())
def test_parts_are_closed_and_within_the_hosts_share(
    found: Graph, share: float, data: st.DataObject
) -> None:
    names = [op.name for op in found.ops]
    blocked = set(data.draw(st.lists(st.sampled_from(names), unique=True)))
    parts = split(found, blocked, max_host_share=share)
    assert sorted((*parts.head, *parts.main, *parts.tail)) == sorted(names)
    assert parts.host_macs <= share * parts.macs
    assert blocked & set(parts.main) == set(parts.middle)
    for op in found.ops:
        makers = {found.producer[name].name for name in op.reads if name in found.producer}
        if op.name in parts.head:
            assert makers <= set(parts.head)
        if op.name in parts.main:
            assert not makers & set(parts.tail)
    # The smallest: without any of its ops, something blocked would be outside.
    for part, beyond in ((parts.tail, parts.tail), (parts.head, parts.head)):
        assert not part or blocked & set(beyond)
    again = split_at(found, head=set(parts.head), tail=set(parts.tail), blocked=blocked)
    assert again == parts


@pytest.mark.parametrize("ops", [1000])
def test_a_long_chain_is_quick_enough_to_split(ops: int) -> None:
    chain = graph(
        *((f"n{i}", "Relu", (f"n{i - 1}" if i else "x",)) for i in range(ops)),
        outputs=(f"n{ops - 1}",),
    )
    # All blocked: each op's closure is looked at, as bits.
    blocked = {op.name for op in chain.ops[1:]}
    assert split(chain, blocked).main == ("n0",)
