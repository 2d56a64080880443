"""Features of a network that is at hand as a graph."""

from hetsched.cost.analytic_work import group_work
from hetsched.cost.calibrate.features import Features
from hetsched.cost.fusion import groups
from hetsched.ir.graph import Graph
from hetsched.ir.op_class import OpClass

_RATES = ("pointwise", "winograd", "spatial", "grouped", "depthwise")


def graph_features(graph: Graph) -> Features:
    """What the cost model counts for a graph that one unit runs as a whole.

    Matrix products without stored weights count as pointwise: `dense` is fitted as the same rate.
    """
    totals = dict.fromkeys(_RATES, 0.0)
    weights = kernels = 0.0
    traffic = {True: 0.0, False: 0.0}
    for group in groups(graph, {}, ("unit",)):
        for kernel in group_work(graph, group).kernels:
            kernels += 1
            elements = 0 if kernel.is_view else kernel.traffic.float_elements
            traffic[kernel.op_class is OpClass.ELEMENTWISE] += elements
            if kernel.rate == "dense" and kernel.weights.float_elements:
                weights += kernel.weights.float_elements
            elif kernel.rate is not None:
                totals["pointwise" if kernel.rate == "dense" else kernel.rate] += kernel.macs
    return Features(
        **totals,
        weights=weights,
        activations=traffic[False],
        elementwise=traffic[True],
        kernels=kernels,
    )
