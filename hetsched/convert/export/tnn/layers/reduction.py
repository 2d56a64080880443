"""Reductions: whether dimensions stay, then the axes. ArgMaxOrMin: mode, axis, keep, last."""

from hetsched.convert.export.tnn.layer import Site

_KINDS = (
    "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
    "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare",
)  # fmt: skip
_SMALLEST, _LARGEST = 0, 1


def reduce(site: Site) -> None:
    """Axes as an attribute or a stored input; none are all of them."""
    rank = len(site.shape())
    given = site.attr("axes")
    if given is None and site.has(1):
        given = site.constant(1, "axes").reshape(-1)
    axes = range(rank) if given is None or not len(given) else given
    if not len(axes) or (
        given is not None and not len(given) and site.attr("noop_with_empty_axes", 0)
    ):
        axes = range(0)
    found = [site.axis(int(axis)) for axis in axes]
    site.add(site.op.op_type, int(site.attr("keepdims", 1)), *found)


def arg(site: Site) -> None:
    """ArgMax and ArgMin; TNN keeps the dimension, a Squeeze takes it away."""
    axis = site.axis(int(site.attr("axis", 0)))
    mode = _LARGEST if site.op.op_type == "ArgMax" else _SMALLEST
    last = int(site.attr("select_last_index", 0))
    if site.attr("keepdims", 1):
        site.add("ArgMaxOrMin", mode, axis, 1, last)
        return
    made = site.between()
    site.add("ArgMaxOrMin", mode, axis, 1, last, outputs=[made])
    site.add("Squeeze", 1, axis, inputs=[made])


CONVERTERS = {**dict.fromkeys(_KINDS, reduce), "ArgMax": arg, "ArgMin": arg}
