"""What Gather and Slice pick: shared by their rules."""

import numpy as np

from hetsched.convert.rules.rule import Site, known_shape, static_shape, stored

_INPUTS = ("starts", "ends", "axes", "steps")


def slice_reason(site: Site) -> str | None:
    """Why what a Slice picks isn't known, None where it is."""
    if static_shape(site.input(0)) is None:
        return "its shape isn't known"
    for index, name in enumerate(_INPUTS, start=1):
        if site.given(name, index) and site.parameter(name, index) is None:
            return f"its {name} aren't stored"
    return None


def slice_ranges(site: Site) -> dict[int, range]:
    """Axis to the places that a Slice picks along it."""
    shape = known_shape(site.input(0))
    starts, ends, axes, steps = (site.parameter(n, i) for i, n in enumerate(_INPUTS, start=1))
    assert starts is not None
    assert ends is not None
    count = len(starts)
    chosen = range(count) if axes is None else [int(axis) % len(shape) for axis in axes]
    strides = [1] * count if steps is None else [int(step) for step in steps]
    found = {}
    for axis, start, end, step in zip(chosen, starts, ends, strides, strict=True):
        size = shape[axis]
        last = int(end) if step > 0 or int(end) >= -size else -size - 1
        found[axis] = range(*slice(int(start), last, step).indices(size))
    return found


def gather_axis(site: Site) -> int:
    """The axis that a Gather picks along."""
    return int(site.attribute("axis", 0)) % len(known_shape(site.input(0)))


def gather_places(site: Site) -> np.ndarray | None:
    """Where a Gather picks, none negative, in the order of picking; None unless they are stored."""
    if static_shape(site.input(0)) is None or static_shape(site.output) is None:
        return None
    indices = stored(site.input(1))
    if indices is None or indices.size == 0:
        return None
    return np.asarray(indices.reshape(-1) % known_shape(site.input(0))[gather_axis(site)])


def runs(places: np.ndarray) -> list[tuple[int, int]]:
    """Start and end of each run of places that count up by 1."""
    breaks = np.flatnonzero(np.diff(places) != 1) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(places, breaks)]
