"""Band's round robin: each free unit takes the oldest stage that it can run, fast there or not.

The dispatcher leaves a stage to a unit that ends it earlier; where all units seem equally fast it
never does, and its policy `fifo` is what Band calls round robin.

Source: mrsnu/band, band/scheduler/round_robin_scheduler.cc: for each idle worker, the first job in
the queue that has a subgraph for it.
"""

from dataclasses import replace
from typing import Final

from hetsched.sim.model import SimApp

ROUND_ROBIN: Final = "round-robin"


def unaware(app: SimApp) -> SimApp:
    """The app with all units seemingly as fast as the fastest; stages take what they take."""
    nodes, works = [], []
    for stage, node in enumerate(app.nodes):
        least_ns = min(ns for _, ns in node.units)
        nodes.append(replace(node, units=tuple((unit, least_ns) for unit, _ in node.units)))
        works.append(
            tuple(
                work if work.time_ns is not None else replace(work, time_ns=expected_ns)
                for choice, (_, expected_ns) in enumerate(node.units)
                for work in [app.work(stage, choice)]
            )
        )
    return replace(app, nodes=tuple(nodes), works=tuple(works))
