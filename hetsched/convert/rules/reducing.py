"""What a reduction goes over: shared by its rules."""

from hetsched.convert.rules.rule import Site, known_shape, static_shape


def axes_of(site: Site) -> list[int] | None:
    """Axes, none negative, sorted; None when shape or axes aren't known, or are none at all."""
    shape = static_shape(site.input(0))
    if shape is None or static_shape(site.output) is None or 0 in shape:
        return None
    given = site.parameter("axes", 1)
    if given is None and site.given("axes", 1):
        return None
    if given is not None and given.size:
        return sorted(int(axis) % len(shape) for axis in given)
    return None if site.attribute("noop_with_empty_axes", 0) else list(range(len(shape)))


def reason(site: Site) -> str | None:
    """Why its axes aren't known, None where they are."""
    return None if axes_of(site) else "its axes or its shape aren't known, or it reduces nothing"


def known_axes(site: Site) -> list[int]:
    """Axes of what a rule's check found known."""
    found = axes_of(site)
    assert found, f"{site.node.op_type} over {known_shape(site.input(0))}"
    return found
