"""Optimised nodes to stages, and who waits for whom."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.backends.base import StageSpec
from hetsched.backends.ort.assign import assign, order, respects
from hetsched.backends.ort.mapping import NCHWC_DOMAIN
from hetsched.backends.ort.region import regions, wanted_outside
from hetsched.errors import BackendError
from hetsched.ir.graph import Graph
from tests.unit.backends.test_ort_mapping import CHAIN, graph, node, op
from tests.unit.backends.tiny import random_stages

DIAMOND = graph(
    op("top", "Exp", ("x",), ("t",)),
    op("left", "Neg", ("t",), ("l",)),
    op("right", "Abs", ("t",), ("r",)),
    op("join", "Add", ("l", "r"), ("y",)),
    outputs=("y",),
)


def spec(name: str, *ops: str, outputs: tuple[str, ...] = ()) -> StageSpec:
    return StageSpec(id=name, ops=ops, outputs=outputs)


def test_order_goes_through_ops_elsewhere() -> None:
    """`join` waits for `left`, which runs elsewhere, which waits for `top`."""
    found = order(DIAMOND, [spec("a", "top"), spec("b", "right"), spec("c", "join")])
    assert found.allows(0, 2)
    assert found.allows(0, 1)
    assert not found.allows(1, 0)
    assert found.allows(found.part_of_op["left"], 2)
    assert not found.allows(found.part_of_op["left"], 1)


def test_order_refuses_stages_around_each_other() -> None:
    with pytest.raises(BackendError, match=r"stages .*a.* wait for each other"):
        order(DIAMOND, [spec("a", "top", "join"), spec("b", "left"), spec("c", "right")])


def test_assign_protects_what_is_fused_across() -> None:
    """One node stands for conv, bn and relu, but relu is in another stage: `b` must be kept."""
    nodes = [node("Conv", "r_nchwc", ("x",), ("t0",), NCHWC_DOMAIN)]
    stage = {"conv": 0, "bn": 0, "relu": 1}
    assert assign(CHAIN, nodes, stage, ()).protect == ("b",)


def test_assign_gives_up_on_what_is_kept_already() -> None:
    nodes = [node("Conv", "r_nchwc", ("x",), ("t0",), NCHWC_DOMAIN)]
    found = assign(CHAIN, nodes, {"conv": 0, "bn": 0, "relu": 1}, ("b",))
    assert found.stage_of_node == (1,)  # its anchor's


def test_reorders_belong_to_the_maker_else_to_the_first_reader() -> None:
    nodes = [
        node("ReorderInput", "Reorder", ("x",), ("t0",), NCHWC_DOMAIN),
        node("Conv", "r_nchwc", ("t0",), ("t1",), NCHWC_DOMAIN),
        node("ReorderOutput", "Reorder_1", ("t1",), ("t2",), NCHWC_DOMAIN),
        node("Conv", "next", ("t2",), ("n",)),
        node("Relu", "last", ("n",), ("y",)),
    ]
    stage = {"conv": 0, "bn": 0, "relu": 0, "next": 1, "last": 1}
    assert assign(CHAIN, nodes, stage, ()).stage_of_node == (0, 0, 0, 1, 1)


def test_respects() -> None:
    """`join` may read `left` directly; `right` may not, it doesn't wait for it."""
    waiting = order(DIAMOND, [spec(name, name) for name in ("top", "left", "right", "join")])
    good = [node("Neg", "left", ("t",), ("l",)), node("Add", "join", ("l", "r"), ("y",))]
    assert respects(DIAMOND, good, (1, 3), waiting)
    bad = [node("Neg", "left", ("t",), ("l",)), node("Abs", "right", ("l",), ("r",))]
    assert not respects(DIAMOND, bad, (1, 2), waiting)


def test_regions_are_stages_that_touch() -> None:
    apart = [spec("a", "left"), spec("b", "right")]
    assert regions(DIAMOND, apart) == [[0], [1]]
    assert regions(DIAMOND, [spec("t", "top"), *apart]) == [[0, 1, 2]]


def test_wanted_outside() -> None:
    """`t` goes to `left`, which runs elsewhere; `r` stays inside; `y` is the caller's."""
    split = [
        spec("a", "top", outputs=("t",)),
        spec("b", "right", outputs=("r",)),
        spec("c", "join", outputs=("y",)),
    ]
    assert wanted_outside(DIAMOND, split) == [("t",), (), ("y",)]


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 12))
def test_random_splits_are_in_order(seed: int, size: int, most: int) -> None:
    """The tests' own splitter only makes splits that `order` accepts."""
    rng = random.Random(seed)
    split = random_stages(_random_graph(rng, size), rng, most)
    assert len(split) <= most
    assert sorted(name for stage in split for name in stage.ops) == sorted(
        f"op{index}" for index in range(size)
    )


def _random_graph(rng: random.Random, size: int) -> Graph:
    ops = []
    for index in range(size):
        reads = [f"t{rng.randrange(index)}" for _ in range(rng.randint(0, 2)) if index]
        ops.append(op(f"op{index}", "Add", tuple(reads or ["x"]), (f"t{index}",)))
    found = graph(*ops, outputs=(f"t{size - 1}",))
    order(found, [spec(f"s{i}", one.name) for i, one in enumerate(found.ops)])
    return found
