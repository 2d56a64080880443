"""Whether a workload's apps fit together: names, cascades, turns."""

from difflib import get_close_matches
from typing import TYPE_CHECKING

from hetsched.dispatch import POLICIES
from hetsched.workload.fields import refuse_unless

if TYPE_CHECKING:
    from hetsched.workload.model import Workload

STATIC = "static"
"""The policy that needs `order`."""


def check_workload(workload: "Workload") -> None:
    """Check what only the whole workload shows.

    Raises:
        ValueError: naming the app or key, what is wrong and what would be accepted.
    """
    names = [app.name for app in workload.apps]
    refuse_unless(bool(names), "apps is empty: a workload needs at least one, as [[apps]]")
    for name in names:
        refuse_unless(names.count(name) == 1, f"two apps are named {name!r}: names must differ")
    refuse_unless(workload.duration_ns > 0, "duration must be above 0, as '60s'")
    refuse_unless(workload.seed >= 0, f"seed {workload.seed} must be 0 or more")
    _check_policy(workload, names)
    _check_cascades(workload, names)


def _check_policy(workload: "Workload", names: list[str]) -> None:
    known = (*POLICIES, STATIC)
    fits = workload.policy in known
    refuse_unless(fits, f"policy {workload.policy!r} is unknown: take one of {', '.join(known)}")
    for name in workload.order:
        refuse_unless(name in names, f"order names {_unknown(name, names)}")
    fits = workload.policy != STATIC or bool(workload.order)
    refuse_unless(fits, "policy static needs order: the apps in the order of their turns")


def _check_cascades(workload: "Workload", names: list[str]) -> None:
    before = {app.name: app.after.app for app in workload.apps if app.after is not None}
    for name, origin in before.items():
        fits = origin in names
        refuse_unless(fits, f"app {name!r} comes after {_unknown(origin, names)}")
    for name in before:
        seen = [name]
        while seen[-1] in before:
            seen.append(before[seen[-1]])
            closed = seen.index(seen[-1]) < len(seen) - 1
            ring = " after ".join(repr(each) for each in seen)
            refuse_unless(not closed, f"cascade without a beginning: {ring}")


def _unknown(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"app {name!r}, which isn't there: {hint}apps are {', '.join(names)}"
