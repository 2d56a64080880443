"""Cost tables: what a restriction leaves."""

from hetsched.cost.table import Cost, CostTable, Group
from hetsched.quantity import Origin


def test_a_group_loses_the_units_that_refuse_any_of_its_ops() -> None:
    cost = Cost(latency_ns=5, low_ns=4, high_ns=6, origin=Origin.MEASURED, dtype="float32")
    table = CostTable(
        groups=(Group(name="conv", ops=("conv", "relu")), Group(name="add", ops=("add",))),
        costs={(group, unit): cost for group in ("conv", "add") for unit in ("cpu", "gpu")},
        refusals={("add", "npu"): "no rows"},
    )
    rest = table.without({("relu", "gpu"): "no kernel"})
    assert set(rest.costs) == {("conv", "cpu"), ("add", "cpu"), ("add", "gpu")}
    assert rest.refusals == {("add", "npu"): "no rows", ("relu", "gpu"): "no kernel"}
    assert rest.groups == table.groups
