"""Times that no unit can reach: refused, with the peak and the rate that they imply."""

from collections.abc import Iterable

from hetsched.cost.calibrate.features import Features
from hetsched.cost.calibrate.prior import peak_macs
from hetsched.cost.calibrate.rows import WINOGRAD
from hetsched.cost.importing.pieces import Piece
from hetsched.cost.importing.record import ImportedCost
from hetsched.errors import CostError
from hetsched.ir.features import op_features
from hetsched.ir.graph import Graph
from hetsched.ir.op_class import OpClass, op_class
from hetsched.soc.profile import Unit

_COMPUTES = frozenset(
    {OpClass.ELEMENTWISE, OpClass.NORMALIZATION, OpClass.POOL, OpClass.REDUCE, OpClass.SOFTMAX}
)


def known_peak(unit: Unit, dtype: str) -> float | None:
    """MAC/s that the unit can't exceed in a dtype, None where the profile doesn't say."""
    try:
        return peak_macs(unit, dtype)
    except CostError:
        return None


def check_pieces(graph: Graph, found: Iterable[Piece], unit: Unit, dtype: str) -> None:
    """See that no piece is faster than the unit could be.

    k x k convolutions may gain what Winograd's products save, and a time may be off by the tool's
    rounding. An op that computes without multiplying makes no more elements than its unit could
    multiply: each takes an instruction's lane, as a multiply-accumulate does.

    Raises:
        CostError: naming the row, its time, the peak and the rate that it would need.
    """
    peak = known_peak(unit, dtype)
    if peak is None:
        return
    for piece in found:
        features = [op_features(graph, graph.op[op]) for op in piece.ops]
        macs = sum(each.macs for each in features)
        spatial = sum(each.macs for each in features if each.op_class is OpClass.CONV_KXK)
        _check(piece.at, piece.latency_ns, piece.tick_ns, macs, spatial, peak, unit)
        _check_elements(piece, _most_elements(graph, piece.ops), peak, unit)


def _most_elements(graph: Graph, ops: Iterable[str]) -> int:
    """Of what the ops that compute make, the most that one does: fused, one may pass for all."""
    made = (
        sum(graph.tensors[name].elements or 0 for name in graph.op[op].writes)
        for op in ops
        if op_class(graph, graph.op[op]) in _COMPUTES
    )
    return max(made, default=0)


def _check_elements(piece: Piece, elements: int, peak: float, unit: Unit) -> None:
    least_ns = elements / peak * 1e9
    if piece.latency_ns + piece.tick_ns >= least_ns:
        return
    raise CostError(
        f"{piece.at}: {piece.latency_ns / 1e6:g} ms to make {elements:,} elements is beyond the "
        f"physical peak of unit {unit.name!r}, {_gmacs(peak / 1e9)}: one multiply-accumulate for "
        f"each would take {least_ns / 1e6:.3g} ms: is the time's unit of measure right, and the "
        f"unit? Nothing was imported"
    )


def check_network(row: ImportedCost, features: Features, unit: Unit, dtype: str) -> None:
    """As `check_pieces`, for a whole network.

    Raises:
        CostError: naming the row, its time, the peak and the rate that it would need.
    """
    peak = known_peak(unit, dtype)
    if peak is not None:
        macs, spatial = round(features.macs), round(features.spatial + features.winograd)
        _check(row.at, row.latency_ns, row.tick_ns, macs, spatial, peak, unit)


def _check(
    at: str, latency_ns: int, tick_ns: int, macs: int, spatial: int, peak: float, unit: Unit
) -> None:
    least_ns = (macs - spatial + spatial / WINOGRAD) / peak * 1e9
    if latency_ns + tick_ns >= least_ns:
        return
    rate = "no time at all" if not latency_ns else _gmacs(macs / latency_ns)
    raise CostError(
        f"{at}: {latency_ns / 1e6:g} ms for {macs / 1e6:.4g} million multiply-accumulates is "
        f"{rate}, beyond the physical peak of unit {unit.name!r}, {_gmacs(peak / 1e9)}, at "
        f"which it takes {least_ns / 1e6:.3g} ms: is the time's unit of measure right, and the "
        f"unit? Nothing was imported"
    )


def _gmacs(rate: float) -> str:
    """`138.2 GMAC/s`, `66,360 GMAC/s`."""
    return f"{rate:,.0f} GMAC/s" if rate >= 1e4 else f"{rate:.4g} GMAC/s"
