"""One way to refuse what can't be simulated."""

from math import isfinite

from hetsched.errors import SimError


def refuse_unless(fits: bool, message: str) -> None:
    """Raise unless something holds.

    Raises:
        SimError: with the message.
    """
    if not fits:
        raise SimError(message)


def check_number(value: float | None, name: str, *, positive: bool = False) -> None:
    """See that a number is one: finite, not negative. None passes: unknown.

    Raises:
        SimError: naming it and what would be accepted.
    """
    if value is None:
        return
    fits = isfinite(value) and (value > 0 if positive else value >= 0)
    refuse_unless(fits, f"{name} is {value:g}: give {'more than 0' if positive else '0 or more'}")
