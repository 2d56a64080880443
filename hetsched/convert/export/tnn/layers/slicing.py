"""Parts of a tensor, and more around it."""

import numpy as np

from hetsched.convert.export.tnn.layer import RefusedError, Site, buffer, number

_PAD_TYPES = {"constant": 0, "reflect": 1, "edge": 2}


def split(site: Site) -> None:
    """Split: axis, count, sizes, whether the sizes were given."""
    axis = site.axis(int(site.attr("axis", 0)))
    sizes = [site.shape(name)[axis] for name in site.op.outputs]
    site.add("SplitV", axis, len(sizes), *sizes, 1, outputs=site.op.outputs)


def slice_(site: Site) -> None:
    """Slice: count and begins, count and ends, count and axes, count and steps."""
    shape = site.shape()
    begins, ends = (_list(site, name, index) for name, index in (("starts", 1), ("ends", 2)))
    axes = _list(site, "axes", 3, list(range(len(begins))))
    steps = _list(site, "steps", 4, [1] * len(begins))
    if any(step < 1 for step in steps):
        raise RefusedError(f"its steps are {steps}: StridedSliceV2 goes forward")
    where = [site.axis(axis) for axis in axes]
    cut = [slice(*each).indices(shape[axis])
           for axis, *each in zip(where, begins, ends, steps, strict=True)]  # fmt: skip
    lists = ([c[0] for c in cut], [c[1] for c in cut], where, steps)
    site.add("StridedSliceV2", *(value for each in lists for value in (len(each), *each)))


def _list(site: Site, name: str, index: int, default: list[int] | None = None) -> list[int]:
    if site.has(index):
        return [int(value) for value in site.constant(index, name).reshape(-1)]
    return [int(value) for value in site.attr(name, default or ())]


def pad(site: Site) -> None:
    """Pad: rank, before each axis, after each axis, type, value."""
    rank = len(site.shape())
    mode = site.attr("mode", "constant")
    if mode not in _PAD_TYPES:
        raise RefusedError(f"its mode is {mode}: PadV2 has {', '.join(_PAD_TYPES)}")
    if site.has(3):
        raise RefusedError("it names axes: give the pads of all of them")
    pads = _list(site, "pads", 1)
    if len(pads) != 2 * rank or min(pads) < 0:
        raise RefusedError(f"its pads are {pads}: PadV2 only adds")
    value = float(site.attr("value", 0.0))
    if site.has(2):
        value = float(site.constant(2, "value").reshape(()))
    site.add("PadV2", rank, *pads, _PAD_TYPES[mode], value)


def gather(site: Site) -> None:
    """Gather: axis, whether the data is stored, whether the indices are."""
    axis = site.axis(int(site.attr("axis", 0)))
    data, indices = site.is_constant(0), site.is_constant(1)
    body = number(int(data))
    if data:
        body += buffer(site.constant(0, "data"))
    body += number(int(indices))
    if indices:
        found = site.constant(1, "indices").astype(np.int64)
        body += buffer(np.where(found < 0, found + site.shape()[axis], found))
    inputs = [site.blob(index) for index, stored in enumerate((data, indices)) if not stored]
    if not inputs:
        raise RefusedError("both of its inputs are stored")
    site.add("Gather", axis, int(data), int(indices), inputs=inputs, body=body)


CONVERTERS = {"Split": split, "Slice": slice_, "Pad": pad, "Gather": gather}
