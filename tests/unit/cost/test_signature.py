"""Signatures of groups: equal for equal work, whatever the names; different for different work."""

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hetsched.cost.signature import describe, group_dtype, signature
from hetsched.ir.graph import Graph, Op, Tensor


def graph_of(
    ops: list[Op], shapes: Mapping[str, tuple[int, ...]], outputs: tuple[str, ...], **dtypes: str
) -> Graph:
    """A graph; tensors whose name starts with `w` are constants, with `x` inputs."""
    tensors = {
        name: Tensor(name=name, dtype=dtypes.get(name, "float32"), shape=shape)
        for name, shape in shapes.items()
    }
    return Graph(
        ops=tuple(ops),
        tensors=tensors,
        inputs=tuple(name for name in shapes if name.startswith("x")),
        outputs=outputs,
        constants=frozenset(name for name in shapes if name.startswith("w")),
    )


def op(kind: str, reads: str, writes: str, name: str = "", opset: int = 17, **attrs: Any) -> Op:
    return Op(
        name=name or f"{kind}:{writes}",
        op_type=kind,
        opset=opset,
        inputs=tuple(reads.split()),
        outputs=tuple(writes.split()),
        attributes=attrs,
    )


SHAPES = {"x": (1, 4, 8, 8), "w": (4, 4, 3, 3), "c": (1, 4, 8, 8), "r": (1, 4, 8, 8)}


def conv_relu(weight: str = "w", outputs: tuple[str, ...] = ("r",), **attrs: Any) -> Graph:
    ops = [op("Conv", f"x {weight}", "c", "conv", **{"pads": (1, 1, 1, 1)} | attrs)]
    return graph_of([*ops, op("Relu", "c", "r", "relu")], SHAPES, outputs)


WHOLE = ("conv", "relu")


def test_names_dont_matter() -> None:
    ops = [op("Conv", "x0 w0", "m", "a", pads=(1, 1, 1, 1)), op("Relu", "m", "n", "b")]
    shapes = {"x0": SHAPES["x"], "w0": SHAPES["w"], "m": SHAPES["c"], "n": SHAPES["r"]}
    assert signature(graph_of(ops, shapes, ("n",)), ("a", "b")) == signature(conv_relu(), WHOLE)


@pytest.mark.parametrize(
    "attrs",
    [
        {"group": 1, "strides": (1, 1), "dilations": (1, 1), "kernel_shape": (3, 3)},
        {"auto_pad": "NOTSET"},
    ],
)
def test_attributes_that_say_nothing_dont_matter(attrs: dict[str, Any]) -> None:
    assert signature(conv_relu(**attrs), WHOLE) == signature(conv_relu(), WHOLE)


@pytest.mark.parametrize("attrs", [{"strides": (2, 2)}, {"pads": (0, 0, 2, 2)}, {"group": 2}])
def test_attributes_matter(attrs: dict[str, Any]) -> None:
    assert signature(conv_relu(**attrs), WHOLE) != signature(conv_relu(), WHOLE)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("w", Tensor(name="w", dtype="float32", shape=(4, 4, 1, 1))),
        ("x", Tensor(name="x", dtype="float32", shape=(1, 4, 8, 9))),
        ("x", Tensor(name="x", dtype="float16", shape=(1, 4, 8, 8))),
        ("r", Tensor(name="r", dtype="float32", shape=(1, 4, 8, 9))),
    ],
)
def test_shapes_and_dtypes_matter(name: str, changed: Tensor) -> None:
    graph = conv_relu()
    other = replace(graph, tensors={**graph.tensors, name: changed})
    assert signature(other, WHOLE) != signature(graph, WHOLE)


def test_a_constants_values_dont_matter_but_being_one_does() -> None:
    graph = conv_relu()
    valued = replace(graph, values={"w": (1.0,)})
    assert signature(valued, WHOLE) == signature(graph, WHOLE)
    computed = replace(graph, constants=frozenset(), inputs=("x", "w"))
    assert signature(computed, WHOLE) != signature(graph, WHOLE)


def test_what_leaves_the_group_matters() -> None:
    # The convolution's own result has to be kept, which a fused kernel wouldn't.
    assert signature(conv_relu(outputs=("r", "c")), WHOLE) != signature(conv_relu(), WHOLE)


def test_wiring_matters() -> None:
    # r + (r * r) against r + (c * r), with the same ops and shapes.
    shapes = dict.fromkeys(("x", "c", "r", "m", "y"), (2, 2))
    ends = [op("Add", "r m", "y", "d")]
    start = [op("Relu", "x", "c", "a"), op("Relu", "c", "r", "b")]
    one = graph_of([*start, op("Mul", "r r", "m", "e"), *ends], shapes, ("y",))
    two = graph_of([*start, op("Mul", "c r", "m", "e"), *ends], shapes, ("y",))
    assert signature(one, "abed") != signature(two, "abed")


def test_inputs_of_a_subtraction_arent_interchangeable() -> None:
    shapes = {"x": (2, 2), "c": (2, 2), "y": (2, 2)}
    relu = op("Relu", "x", "c", "a")
    one = graph_of([relu, op("Sub", "x c", "y", "s")], shapes, ("y",))
    two = graph_of([relu, op("Sub", "c x", "y", "s")], shapes, ("y",))
    assert signature(one, "as") != signature(two, "as")


def test_the_opset_matters_only_where_it_changes_the_work() -> None:
    shapes = {"x": (2, 3, 4), "y": (2, 3, 4)}

    def of(kind: str, opset: int) -> str:
        return signature(graph_of([op(kind, "x", "y", "o", opset)], shapes, ("y",)), "o")

    assert of("Relu", 9) == of("Relu", 17)
    assert of("Softmax", 11) != of("Softmax", 13)


def test_bodies_matter() -> None:
    body = graph_of([op("Relu", "x", "y")], {"x": (2,), "y": (2,)}, ("y",))
    other = graph_of([op("Exp", "x", "y")], {"x": (2,), "y": (2,)}, ("y",))
    shapes = {"x": (2,), "y": (2,)}
    loops = [
        replace(op("Loop", "x", "y", "loop"), bodies={"body": inner}) for inner in (body, other)
    ]
    one, two = (signature(graph_of([loop], shapes, ("y",)), ("loop",)) for loop in loops)
    assert one != two


@st.composite
def random_graphs(draw: st.DrawFn) -> Graph:
    """Up to eight elementwise ops, each reading one or two earlier tensors."""
    tensors = ["x"]
    ops = []
    for index in range(draw(st.integers(1, 8))):
        reads = draw(st.lists(st.sampled_from(tensors), min_size=1, max_size=2))
        kind = draw(st.sampled_from(["Relu", "Exp"] if len(reads) == 1 else ["Sub", "Mul"]))
        ops.append(op(kind, " ".join(reads), f"t{index}", f"o{index}"))
        tensors.append(f"t{index}")
    return graph_of(ops, dict.fromkeys(tensors, (2, 2)), (tensors[-1],))


@settings(max_examples=60)
@given(graph=random_graphs(), seed=st.integers(0, 1000))
def test_any_renaming_and_order_gives_the_same_signature(graph: Graph, seed: int) -> None:
    rng = random.Random(seed)
    names = [f"n{i}" for i in range(len(graph.tensors))]
    rng.shuffle(names)
    new = dict(zip(graph.tensors, names, strict=True))
    ops = [
        replace(
            each,
            name=f"p{new[each.outputs[0]]}",
            inputs=tuple(new[name] for name in each.inputs),
            outputs=tuple(new[name] for name in each.outputs),
        )
        for each in graph.ops
    ]
    tensors = {new[name]: replace(t, name=new[name]) for name, t in graph.tensors.items()}
    renamed = Graph(
        ops=tuple(ops),
        tensors=tensors,
        inputs=(new["x"],),
        outputs=tuple(new[name] for name in graph.outputs),
        constants=frozenset(),
    )
    mixed = [each.name for each in ops]
    rng.shuffle(mixed)
    assert signature(renamed, mixed) == signature(graph, [each.name for each in graph.ops])


def test_a_group_is_described_by_its_ops_and_ends() -> None:
    assert describe(conv_relu(), WHOLE) == "Conv+Relu 1x4x8x8 -> 1x4x8x8"


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [({}, "float32"), ({"x": "float16", "w": "float16", "c": "float16"}, "float16"),
     ({"x": "uint8", "w": "int8"}, "int8"), ({"x": "int64", "w": "int64", "c": "int64"}, "int64")],
)  # fmt: skip
def test_the_dtype_is_that_of_the_arithmetic(dtypes: dict[str, str], expected: str) -> None:
    graph = conv_relu()
    tensors = {n: replace(t, dtype=dtypes.get(n, t.dtype)) for n, t in graph.tensors.items()}
    assert group_dtype(replace(graph, tensors=tensors), WHOLE) == expected
