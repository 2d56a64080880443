"""Features of a network that is at hand as a graph."""

from hetsched.cost.analytic import RATE_OF
from hetsched.cost.analytic_work import group_work
from hetsched.cost.calibrate.features import Features
from hetsched.cost.fusion import groups
from hetsched.ir.graph import Graph


def graph_features(graph: Graph) -> Features:
    """What the cost model counts for a graph that one unit runs as a whole.

    Matrix products without stored weights count as pointwise: `dense` is fitted as the same rate.
    """
    totals = dict.fromkeys(("pointwise", "spatial", "depthwise"), 0.0)
    weights = activations = kernels = 0.0
    for group in groups(graph, {}, ("unit",)):
        for kernel in group_work(graph, group).kernels:
            kernels += 1
            activations += 0 if kernel.is_view else kernel.traffic.float_elements
            rate = RATE_OF.get(kernel.op_class)
            if rate == "dense" and kernel.weights.float_elements:
                weights += kernel.weights.float_elements
            elif rate is not None:
                totals["pointwise" if rate == "dense" else rate] += kernel.macs
    return Features(**totals, weights=weights, activations=activations, kernels=kernels)
