"""The same elements in another shape, order or dtype."""

from hetsched.convert.export.tnn.layer import DATA_TYPES, RefusedError, Site

_ONNX_ORDER = 0


def reshape(site: Site) -> None:
    """Reshape: first axis, how many (all), count, dimensions, order."""
    out = site.out_shape()
    site.add("Reshape", 0, -1, len(out), *out, _ONNX_ORDER)


def flatten(site: Site) -> None:
    """Flatten: axis."""
    axis = int(site.attr("axis", 1))
    if site.axis(axis, len(site.shape()) + 1) != 1:
        reshape(site)
        return
    site.add("Flatten", 1)


def permute(site: Site) -> None:
    """Transpose: count, order."""
    rank = len(site.shape())
    order = site.attr("perm", tuple(reversed(range(rank))))
    site.add("Permute", rank, *map(int, order))


def squeeze(site: Site) -> None:
    """Squeeze: count, axes."""
    axes = _axes(site)
    if axes is None:
        axes = [index for index, dim in enumerate(site.shape()) if dim == 1]
    found = sorted(site.axis(axis) for axis in axes)
    site.add("Squeeze", len(found), *found)


def unsqueeze(site: Site) -> None:
    """Unsqueeze: count, axes of the output."""
    rank = len(site.out_shape())
    found = sorted(site.axis(axis, rank) for axis in _axes(site) or [])
    site.add("Unsqueeze", len(found), *found)


def _axes(site: Site) -> list[int] | None:
    if site.has(1):
        return [int(axis) for axis in site.constant(1, "axes").reshape(-1)]
    given = site.attr("axes")
    return None if given is None else [int(axis) for axis in given]


def concat(site: Site) -> None:
    """Concat: axis."""
    inputs = [site.blob(index) for index in range(len(site.op.inputs))]
    site.add("Concat", site.axis(int(site.attr("axis")), len(site.out_shape())), inputs=inputs)


def cast(site: Site) -> None:
    """Cast: dtype."""
    to = site.graph.tensors[site.op.outputs[0]].dtype
    if to not in DATA_TYPES:
        raise RefusedError(f"it casts to {to}: TNN has {', '.join(DATA_TYPES)}")
    site.add("Cast", DATA_TYPES[to])


CONVERTERS = {
    "Reshape": reshape,
    "Flatten": flatten,
    "Transpose": permute,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Concat": concat,
    "Cast": cast,
}
