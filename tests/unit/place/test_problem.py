"""What a problem refuses, and the views that everything else relies on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.errors import PlacementError
from hetsched.place.feasible import diagnose, infeasible_by_limits, usable_power_uw
from hetsched.testing import chain_graph, make_problem, random_problem


def test_views() -> None:
    problem = make_problem(
        [[1, 2], [3, None], [5, 6]], [(None, [0, 2]), (0, [1, 2]), (1, [2])], home=1
    )
    assert problem.predecessors == ((), (0,), (0, 1))
    assert problem.successors == ((1, 2), (2,), ())
    assert problem.reads == ((0,), (1,), (0, 1, 2))
    assert problem.allowed(1) == [0]
    assert problem.source(0, [0, 0, 0]) == 1
    assert problem.source(2, [1, 0, 1]) == 0


@pytest.mark.parametrize(
    ("costs", "links", "story"),
    [
        ([[1], [1]], [(1, [0])], "tensor 't0' is read before it is made"),
        ([[1], [1]], [(1, [1])], "tensor 't0' is read before it is made"),
        ([[1], [1, 2]], [], "group 'g1' has 2 costs for 1 units"),
        ([[-1]], [], "group 'g0' has a negative cost"),
    ],
)
def test_what_no_placer_could_take(
    costs: list[list[int]], links: list[tuple[int, list[int]]], story: str
) -> None:
    with pytest.raises(PlacementError, match=story):
        make_problem(costs, links)


def test_a_group_that_no_unit_runs_is_named_with_each_reason() -> None:
    problem = make_problem(
        [[1, 1], [None, None]],
        [(0, [1])],
        refusals={(1, 0): "'nms': no NonMaxSuppression", (1, 1): "op 'nms' is pinned to gpu"},
    )
    with pytest.raises(PlacementError) as caught:
        diagnose(problem)
    assert str(caught.value) == (
        "infeasible: no unit can run 'g1' (u0: 'nms': no NonMaxSuppression; "
        "u1: op 'nms' is pinned to gpu)"
    )


def test_infeasible_by_caps_and_memory() -> None:
    problem = make_problem(
        [[1, 1]], [], max_stages=[0, None], weights_bytes=[[2048, 2048]], memory_bytes=[None, 1024]
    )
    with pytest.raises(PlacementError, match=r"'g0' \(u0: may run no subgraph .*; u1: its weights"):
        diagnose(problem)


def test_infeasible_by_all_memory_together() -> None:
    fits = make_problem([[1], [1]], [(0, [1])], weights_bytes=[[5], [5]], memory_bytes=[10])
    diagnose(fits)
    tight = make_problem([[1], [1]], [(0, [1])], weights_bytes=[[5], [5]], memory_bytes=[9])
    with pytest.raises(PlacementError, match=r"at least 10.00 B, .* together \(u0 9.000 B\)"):
        diagnose(tight)


def test_limits_in_words() -> None:
    problem = make_problem([[1, 1]], [], max_stages=[2, None], memory_bytes=[None, 1024])
    assert str(infeasible_by_limits(problem)) == (
        "infeasible: no placement keeps all limits together "
        "(u0 takes 2 subgraphs; u1 holds 1.000 KiB of weights)"
    )


def test_power_matters_only_where_a_unit_could_be_used() -> None:
    idle = make_problem([[1, None, 1]], [], power_mw=[1.5, None, None], max_stages=[None, None, 0])
    assert usable_power_uw(idle) == {0: 1500}
    used = make_problem([[1, 1]], [], power_mw=[1.5, None])
    with pytest.raises(PlacementError, match="the power of unit 'u1' isn't known"):
        usable_power_uw(used)


@given(seed=st.integers(0, 10**6), groups=st.integers(1, 30), units=st.integers(1, 4))
def test_random_problems_repeat_and_are_feasible(seed: int, groups: int, units: int) -> None:
    problem = random_problem(seed, groups, units, max_stages=True, memory=True)
    assert problem == random_problem(seed, groups, units, max_stages=True, memory=True)
    diagnose(problem)
    assert all(0 in problem.allowed(group) for group in range(groups))
    assert all(problem.predecessors[group] for group in range(1, groups))


def test_chain_graph() -> None:
    graph = chain_graph("Relu", "Sigmoid", shape=(1, 4))
    assert [(op.name, op.inputs, op.outputs) for op in graph.ops] == [
        ("Relu_0", ("x",), ("t1",)),
        ("Sigmoid_1", ("t1",), ("y",)),
    ]
