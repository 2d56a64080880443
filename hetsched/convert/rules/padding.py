"""What Pad adds where: shared by its rules."""

import numpy as np

from hetsched.convert.rules.rule import Site, known_shape, static_shape, stored


def reason(site: Site) -> str | None:
    """Why the pads aren't known, None where they are."""
    if static_shape(site.input(0)) is None:
        return "its shape isn't known"
    if site.parameter("pads", 1) is None:
        return "its pads aren't stored"
    axes = site.optional(3)
    return None if axes is None or stored(axes) is not None else "its axes aren't stored"


def mode_of(site: Site) -> str:
    """Constant, edge, reflect or wrap."""
    return str(site.attribute("mode", "constant"))


def pads_of(site: Site) -> list[tuple[int, int]]:
    """Per axis, how much is added before and after; what is negative is cut off."""
    rank, given = len(known_shape(site.input(0))), site.parameter("pads", 1)
    assert given is not None
    axes = site.optional(3)
    chosen = range(rank) if axes is None else [int(a) % rank for a in _flat(stored(axes))]
    before, after = np.split(np.asarray(given, np.int64), 2)
    found = [(0, 0)] * rank
    for axis, low, high in zip(chosen, before, after, strict=True):
        found[axis] = (int(low), int(high))
    return found


def _flat(array: np.ndarray | None) -> np.ndarray:
    assert array is not None
    return array.reshape(-1)


def fill(site: Site) -> np.ndarray | None:
    """What mode constant adds, None when it's only known at run time."""
    if not site.given("value", 2):
        return np.asarray(0)
    found = site.parameter("value", 2)
    return None if found is None else found.reshape(-1)[:1].reshape(())
