"""Least energy, by hand, and its refusals."""

import pytest

from hetsched.errors import PlacementError
from hetsched.place.solve import place
from hetsched.testing import make_problem


def test_a_hungry_unit_is_left_even_if_it_is_faster() -> None:
    problem = make_problem([[100, 50], [100, 50]], [(0, [1])], power_mw=[100, 900], copy_ns=1)
    found = place(problem, objective="energy", gap=0.0)
    assert [stage.unit for stage in found.schedule.stages] == [0]


def test_unknown_power_is_refused_by_name() -> None:
    problem = make_problem([[1, 1]], [], power_mw=[100, None])
    with pytest.raises(PlacementError, match="energy: the power of unit 'u1' isn't known"):
        place(problem, objective="energy")
    unused = make_problem([[1, None]], [], power_mw=[100, None])
    assert place(unused, objective="energy").status == "optimal"
