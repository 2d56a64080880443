"""A plan for every app of a workload: read from its file, or made and kept by digest."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec

from hetsched import __version__
from hetsched.data import cache_dir
from hetsched.errors import HetschedError, WorkloadError
from hetsched.ir.model import Model
from hetsched.place.problem import OBJECTIVES
from hetsched.plan.files import check_profile, encode_plan, load_model_for, load_plan
from hetsched.plan.model import Plan
from hetsched.soc.profile import Profile
from hetsched.workload.model import App, Workload

MAX_KEPT = 2048
"""Those used longest ago go first. A plan is a few KB."""


CHOICES = (*OBJECTIVES, "joint", "band", "whole")
"""How apps without a plan file get their plans: each the best for one objective; those that go
together best; Band's subgraphs; each model on one unit, the units that go together best."""

OTHERS = ("band", "whole")
"""Choices that nobody searches for, and that a plan file gives way to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An app with its plan.

    Attributes:
        app: what was asked for.
        plan: for the profile.
        model: the plan's.
        made: whether the plan was made here, not read from the app's plan file.
    """

    app: App
    plan: Plan
    model: Model
    made: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to search for a plan.

    Attributes:
        gap: at which it counts as optimal.
        time_limit_s: for one search.
        seed: of the search.
    """

    gap: float = 0.01
    time_limit_s: float = 10.0
    seed: int = 0


def plan_apps(
    workload: Workload,
    profile: Profile,
    *,
    choice: str | None = None,
    effort: Effort | None = None,
    told: Callable[[str, float], None] = lambda _name, _share: None,
) -> tuple[Planned, ...]:
    """A plan for every app, in the workload's order.

    Args:
        workload: whose apps.
        profile: the SoC.
        choice: one of `CHOICES`; what the apps and the workload say where left out.
        effort: of the search.
        told: app's name and what share of it is done.

    Raises:
        WorkloadError: naming the app that can't be planned, and why; or the choice.
    """
    found = plan_alone(workload, profile, choice=choice, effort=effort, told=told)
    if choice == "whole":
        return _whole(workload, profile, found)
    if is_joint(workload, choice):
        from hetsched.workload.joint import choices_together

        choices = choices_together(workload, profile, found, effort or Effort())
        return choices.planned(choices.starts[0])
    return found


def is_joint(workload: Workload, choice: str | None) -> bool:
    """Whether apps are planned together."""
    return choice == "joint" or (choice is None and workload.planning == "joint")


def plan_alone(
    workload: Workload,
    profile: Profile,
    *,
    choice: str | None = None,
    effort: Effort | None = None,
    told: Callable[[str, float], None] = lambda _name, _share: None,
) -> tuple[Planned, ...]:
    """As `plan_apps`, each app as if it had the SoC for itself."""
    if choice is not None and choice not in CHOICES:
        raise WorkloadError(f"plans {choice!r} are unknown: take one of {', '.join(CHOICES)}")
    effort = effort or Effort()
    found = []
    for app in workload.apps:
        told(app.name, 0.0)
        objective = choice if choice in OBJECTIVES else app.objective or workload.objective
        try:
            found.append(_planned(app, profile, objective, choice, effort))
        except HetschedError as error:
            raise WorkloadError(f"app {app.name!r}: {error}") from error
        told(app.name, 1.0)
    return tuple(found)


def _whole(workload: Workload, profile: Profile, planned: Sequence[Planned]) -> tuple[Planned, ...]:
    from hetsched.workload.joint import best_together
    from hetsched.workload.others import whole_plans

    options = [list(whole_plans(each.model, profile).values()) for each in planned]
    return best_together(workload, planned, options)


def _planned(
    app: App, profile: Profile, objective: str, choice: str | None, effort: Effort
) -> Planned:
    if app.plan is not None:
        plan = load_plan(app.plan)
        check_profile(plan, profile)
        model = load_model_for(plan, app.plan)
        if choice not in OTHERS:
            return Planned(app=app, plan=plan, model=model, made=False)
    else:
        model = load_app_model(app)
    if choice in OTHERS:
        plan = _as_others(choice, model, profile)
        return Planned(app=app, plan=plan, model=model, made=False)
    return Planned(
        app=app, plan=kept_plan(model, profile, objective, effort), model=model, made=True
    )


def _as_others(choice: str, model: Model, profile: Profile) -> Plan:
    from hetsched.workload.others import band_plan, whole_plans

    if choice == "band":
        return band_plan(model, profile)
    plans = whole_plans(model, profile).values()
    if not plans:
        raise WorkloadError(f"no unit of {profile.name} runs all of it")
    return min(plans, key=lambda plan: plan.latency_ns)


def load_app_model(app: App) -> Model:
    """The model that an app names.

    Raises:
        ModelError: when it can't be loaded.
        ZooError: when the zoo has no such model, or it can't be fetched.
    """
    if app.chain is not None:
        changed_ns = Path(app.chain.file).stat().st_mtime_ns if Path(app.chain.file).exists() else 0
        return _chain(app.chain.file, app.chain.model, app.chain.seed, changed_ns)
    from hetsched.ir.load import load

    return load(app.model or "", shapes=app.shapes or None)


@lru_cache(maxsize=64)
def _chain(file: str, model: str | None, seed: int, _changed_ns: int) -> Model:
    """Building hundreds of layers takes a while, and sweeps ask for the same ones again."""
    from hetsched.ir.chain import chain_model  # heavy

    return chain_model(file, model, seed)


def kept_plan(model: Model, profile: Profile, objective: str, effort: Effort) -> Plan:
    """A plan from the cache; made and kept where it isn't there yet.

    Args:
        model: to be planned.
        profile: the SoC.
        objective: `latency`, `throughput` or `energy`.
        effort: of the search.

    Raises:
        PlacementError: when no placement exists.
    """
    place = _place(model, profile, [objective, effort.gap, effort.time_limit_s, effort.seed])
    with suppress(HetschedError):
        found = load_plan(place)
        with suppress(OSError):
            os.utime(place)
        return _named(found, model)
    from hetsched.plan.build import Request, make  # heavy

    request = Request(
        objective=objective, gap=effort.gap, time_limit_s=effort.time_limit_s, seed=effort.seed
    )
    made = make(model, profile, request).plan
    _keep(place, made)
    return made


def _named(plan: Plan, model: Model) -> Plan:
    """The same model may be found elsewhere, or go by another name."""
    named = msgspec.structs.replace(plan.model, name=model.name, ref=model.ref)
    return msgspec.structs.replace(plan, model=named)


def _place(model: Model, profile: Profile, asked: list[str | float | int]) -> Path:
    key = [__version__, _code(), model.sha256, model.prepared_sha256, profile.sha256, asked]
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()
    return cache_dir() / "plans" / f"{digest}.json"


@lru_cache(maxsize=1)
def _code() -> str:
    """Digest of the code that makes plans: other code may make other ones."""
    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for layer in ("convert", "cost", "place", "plan", "soc"):
        for path in sorted((package / layer).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _keep(place: Path, plan: Plan) -> None:
    """Failing to keep it is no error."""
    with suppress(OSError):
        folder = place.parent
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".new", delete=False) as file:
            file.write(encode_plan(plan).encode())
        Path(file.name).replace(place)
        entries = sorted(folder.glob("*.json"), key=lambda entry: entry.stat().st_mtime_ns)
        for entry in entries[:-MAX_KEPT]:
            entry.unlink(missing_ok=True)


def without_alternatives(plan: Plan) -> Plan:
    """The plan with each subgraph on its unit and nowhere else."""
    parts = tuple(msgspec.structs.replace(part, alternatives=()) for part in plan.subgraphs)
    return msgspec.structs.replace(plan, subgraphs=parts)


def is_bounded(planned: Planned) -> bool:
    """Whether somebody has searched for something better than its plan."""
    return planned.plan.objective.bound > 0
