"""Plan files: saving, loading, and refusing a plan that belongs to something else."""

import os
import re
from pathlib import Path

import msgspec

from hetsched.errors import ModelError, OutputExistsError, PlanError
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.plan.model import SCHEMA, Plan
from hetsched.soc.keys import explain
from hetsched.soc.profile import Profile

ZOO_PREFIX = "zoo:"


def encode_plan(plan: Plan) -> str:
    """The plan as JSON that a person can read and diff: one value a line, in the structs' order."""
    text = msgspec.json.format(msgspec.json.encode(plan), indent=1).decode()
    return _one_line_lists(text) + "\n"


def _one_line_lists(text: str) -> str:
    """Put lists of plain values on one line each: a shape isn't four lines of a diff."""
    return re.sub(
        r"\[\s+((?:-?\d+,?\s*)+)\]",
        lambda m: "[" + ", ".join(m[1].split()).replace(",,", ",") + "]",
        text,
    )


def write_output(path: Path, text: str, *, force: bool) -> None:
    """Write a whole file or nothing.

    Raises:
        OutputExistsError: when the file exists and `force` isn't set.
        PlanError: when the folder can't be written to.
    """
    if path.exists() and not force:
        raise OutputExistsError(f"{path} exists: give another name, or --force to replace it")
    try:
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise PlanError(f"{path} can't be written: {error.strerror}") from error


def save_plan(plan: Plan, path: str | Path, *, force: bool = False) -> Plan:
    """Write a plan file; the model's path in it becomes relative to the file's folder.

    Returns:
        The plan as written.

    Raises:
        OutputExistsError: when the file exists and `force` isn't set.
        PlanError: when the folder can't be written to.
    """
    target = Path(path)
    ref = plan.model.ref
    if not ref.startswith(ZOO_PREFIX):
        ref = os.path.relpath(Path(ref).resolve(), target.parent.resolve())
    written = msgspec.structs.replace(plan, model=msgspec.structs.replace(plan.model, ref=ref))
    write_output(target, encode_plan(written), force=force)
    return written


def load_plan(path: str | Path) -> Plan:
    """Read a plan file; a relative path of the model, which starts at its folder, becomes absolute.

    Raises:
        PlanError: when it can't be read, isn't a plan, or was written in another schema.
    """
    source = Path(path)
    try:
        data = source.read_bytes()
    except OSError as error:
        raise PlanError(f"{source} can't be read: {error.strerror}") from error
    _check_schema(source, data)
    try:
        plan = msgspec.json.decode(data, type=Plan)
    except msgspec.DecodeError as error:
        raise PlanError(f"{source} is not a plan: {explain(Plan, str(error))}") from error
    if plan.model.ref.startswith(ZOO_PREFIX):
        return plan
    ref = os.path.normpath(source.resolve().parent / plan.model.ref)
    return msgspec.structs.replace(plan, model=msgspec.structs.replace(plan.model, ref=ref))


class _Schema(msgspec.Struct):
    schema: int


def _check_schema(source: Path, data: bytes) -> None:
    try:
        found = msgspec.json.decode(data, type=_Schema).schema
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PlanError(
            f"{source} is not a plan: {error}; `hetsched plan -o FILE` writes one"
        ) from error
    if found != SCHEMA:
        raise PlanError(f"{source} has schema {found}: this version reads schema {SCHEMA}")


def load_model_for(plan: Plan, plan_path: str | Path, model: str | Path | None = None) -> Model:
    """Load the model that a plan was made for.

    Args:
        plan: what `load_plan` returned.
        plan_path: the file it came from; a relative model path starts at its folder.
        model: where the model is now, when it has moved.

    Raises:
        PlanError: when the model, or what preparing it gave, isn't what the plan was made for.
        ModelError: when the model can't be loaded.
    """
    reference = str(model) if model is not None else plan.model.ref
    if model is None and not reference.startswith(ZOO_PREFIX):
        reference = str(Path(plan_path).resolve().parent / reference)
        if not Path(reference).exists():
            raise PlanError(
                f"the plan's model {reference} doesn't exist: name it with --model MODEL"
            )
    return as_planned(plan, load(reference, shapes=plan.model.shapes))


def as_planned(plan: Plan, model: Model) -> Model:
    """A plan's model with the plan's rewrites applied, if they aren't yet.

    Raises:
        PlanError: when the model, or what preparing and rewriting it gave, isn't what the plan was
            made for.
    """
    if not plan.rewrites or model.prepared_sha256 == plan.model.prepared_sha256:
        check_model(plan, model)
        return model
    _check_file(plan, model)
    from hetsched.convert.repeat import repeat  # heavy

    try:
        changed = repeat(model, [(op, one.steps) for one in plan.rewrites for op in one.ops])
    except ModelError as error:
        raise PlanError(f"the plan's rewrites can't be repeated: {error}: plan it again") from error
    check_model(plan, changed)
    return changed


def check_model(plan: Plan, model: Model) -> None:
    """Refuse another model.

    Raises:
        PlanError: naming both digests.
    """
    _check_file(plan, model)
    if model.prepared_sha256 != plan.model.prepared_sha256:
        raise PlanError(
            f"{model.ref} prepared by this installation has sha256 {model.prepared_sha256}, but "
            f"the plan of hetsched {plan.hetsched} has {plan.model.prepared_sha256}: plan it again"
        )


def _check_file(plan: Plan, model: Model) -> None:
    if model.sha256 != plan.model.sha256:
        raise PlanError(
            f"the plan is for model {plan.model.name} with sha256 {plan.model.sha256}, "
            f"but {model.ref} has {model.sha256}"
        )


def check_profile(plan: Plan, profile: Profile) -> None:
    """Refuse another profile, or another version of it.

    Raises:
        PlanError: naming both digests.
    """
    if (profile.name, profile.sha256) != (plan.profile.name, plan.profile.sha256):
        raise PlanError(
            f"the plan is for profile {plan.profile.name} with sha256 {plan.profile.sha256}, "
            f"but {profile.name} has {profile.sha256}"
        )
