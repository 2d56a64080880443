"""What neither rules nor a cut got onto a target, and which scenario would need a human."""

from dataclasses import dataclass

from hetsched.convert.adapt import Adapted
from hetsched.ir.graph import Graph, Op
from hetsched.ir.macs import macs


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An op that still blocks.

    Attributes:
        op: its name.
        op_type: of the op.
        reason: why the target doesn't run it.
        tried: rules for it and why each didn't help.
        scenario: 2 for ops that layers with new parameters could stand in for, else 4.
        remedy: what a human would have to do.
    """

    op: str
    op_type: str
    reason: str
    tried: tuple[tuple[str, str], ...]
    scenario: int
    remedy: str


REFITTED = frozenset({
    "AveragePool", "Celu", "Conv", "ConvTranspose", "Elu", "Gelu", "Gemm", "HardSigmoid",
    "HardSwish", "LRN", "LeakyRelu", "MatMul", "MaxPool", "Mish", "PRelu", "Relu", "Selu",
    "Sigmoid", "Softplus", "Softsign", "Swish", "Tanh", "ThresholdedRelu",
})  # fmt: skip
"""Layers whose place others can take after refitting or training: activations, products, pools."""


def left(adapted: Adapted) -> tuple[Left, ...]:
    """Ops of the middle that the target doesn't run, in the model's order."""
    graph = adapted.outcome.model.graph
    return tuple(
        Left(
            op=one.op,
            op_type=one.op_type,
            reason=one.reason,
            tried=one.tried,
            scenario=2 if one.op_type in REFITTED else 4,
            remedy=_remedy(graph, graph.op[one.op]),
        )
        for one in adapted.blocking
    )


def _remedy(graph: Graph, op: Op) -> str:
    host = "or run it on the host in the middle of the model"
    if op.op_type not in REFITTED:
        return f"write a custom op, {host}"
    layer = "layer" if macs(graph, op) else "activation or pool"
    return f"another {layer}, with parameters refitted or trained anew; {host}"
