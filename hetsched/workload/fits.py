"""Whether a workload can be served at all: by any plan, on a SoC that does nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from hetsched.errors import WorkloadError
from hetsched.quantity import format_ns
from hetsched.soc.profile import Profile
from hetsched.workload.model import App, HostStage, Workload, carried_deadline
from hetsched.workload.planning import Planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A deadline that can't be met, not even on an idle SoC.

    Attributes:
        app: its name.
        deadline_ns: as asked for.
        needs_ns: the least that it takes.
        message: all of that in one line.
    """

    app: str
    deadline_ns: int
    needs_ns: int
    message: str


def check_fits(workload: Workload, profile: Profile, planned: Sequence[Planned]) -> tuple[str, ...]:
    """Refuse what can't be served; what will be late although a plan could do it is told.

    Args:
        workload: what is asked for.
        profile: the SoC.
        planned: its apps with their plans.

    Returns:
        One line for each app whose deadlines can't be met, where the workload says to run it all
        the same.

    Raises:
        WorkloadError: naming the app and by how much its deadline is too short.
    """
    late = too_late(workload, profile, planned)
    if late and workload.impossible == "refuse":
        raise WorkloadError(f'{late[0].message}; `impossible = "run"` runs it all the same')
    return tuple(each.message for each in late)


def too_late(workload: Workload, profile: Profile, planned: Sequence[Planned]) -> tuple[Late, ...]:
    """Apps whose deadline is shorter than the least that any plan can take."""
    by_name = {each.app.name: each for each in planned}
    found = []
    for each in planned:
        app = workload.app(each.app.name)
        deadline_ns, before = carried_deadline(workload, app)
        if deadline_ns is None:
            continue
        path = [*(by_name[name] for name in before), each]
        needs_ns = sum(least_ns(one) for one in path)
        if needs_ns > deadline_ns:
            found.append(_late(app, profile, deadline_ns, needs_ns, path))
    return tuple(found)


def least_ns(planned: Planned) -> int:
    """The least that a request takes on an idle SoC: host stages, and the bound of any plan.

    The bound is a latency plan's; another plan that was made here is compared with nothing less
    than its own longest stage, and one that was given, with what it takes itself.
    """
    plan = planned.plan
    if not planned.made:
        model_ns = plan.latency_ns
    elif plan.objective.name == "latency":
        model_ns = plan.objective.bound
    else:
        model_ns = max((part.end_ns - part.start_ns for part in plan.subgraphs), default=0)
    return host_ns(planned.app.pre) + model_ns + host_ns(planned.app.post)


def host_ns(stages: Sequence[HostStage]) -> int:
    """Time of some host stages, one after the other."""
    return sum(stage.time_ns for stage in stages)


def _late(
    app: App, profile: Profile, deadline_ns: int, needs_ns: int, path: Sequence[Planned]
) -> Late:
    if path[-1].made:
        what = f"no plan on {profile.name} takes less than {format_ns(needs_ns)}"
    else:
        what = f"its plan takes {format_ns(needs_ns)} on an idle {profile.name}"
    if len(path) > 1:
        what += f", all of {' -> '.join(repr(each.app.name) for each in path)} together"
    message = (
        f"app {app.name!r}: deadline {format_ns(deadline_ns)} is "
        f"{format_ns(needs_ns - deadline_ns)} too short: {what}"
    )
    return Late(app=app.name, deadline_ns=deadline_ns, needs_ns=needs_ns, message=message)
