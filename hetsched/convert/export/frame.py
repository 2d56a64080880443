"""What every export does: check, split, run, write a folder that appears whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np

from hetsched import __version__
from hetsched.convert.export.part import Part, whole, with_constants
from hetsched.convert.export.prove import bound_for
from hetsched.convert.export.readme import readme
from hetsched.convert.export.report import REPORT, PartReport, Report
from hetsched.convert.export.target import Job, Target, port
from hetsched.convert.export.tools import Tools
from hetsched.convert.export.trace import trace
from hetsched.errors import ExportError, OutputExistsError
from hetsched.ir.extract import save_part
from hetsched.ir.model import Model


def export(
    model: Model,
    target: Target,
    folder: Path,
    *,
    parts: Sequence[Part] = (),
    source: str | None = None,
    force: bool = False,
    tools: Tools | None = None,
) -> Report:
    """Write a model, or parts of it, for a target into a new folder.

    Args:
        model: loaded.
        target: see `hetsched.convert.export.target.find`.
        folder: must not exist; its parent must.
        parts: of a plan, in the order of running; the whole model when there are none.
        source: what the report names as exported; the model by default.
        force: replace a folder that an export wrote.
        tools: environments of the target's own tools.

    Raises:
        OutputExistsError: when the folder exists and may not be replaced.
        ExportError: when the target can't take the model, its tool fails, or its numbers are wrong.
        ModelError: when no data can be made up for the model's inputs.
    """
    check_folder(folder, force=force)
    graph = model.graph
    chosen = with_constants(graph, parts or whole(graph))
    _refuse(model, target, chosen)
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    with tempfile.TemporaryDirectory(prefix="hetsched-") as work:
        try:
            draft.mkdir()
            files = _split(model, chosen, Path(work))
            job = Job(
                model=model,
                parts=chosen,
                files=files,
                values=trace(graph, chosen, files),
                folder=draft,
                report=_report(model, target, chosen, source or model.ref),
                tools=tools or Tools(),
                bound=bound_for(graph),
            )
            report = target.write(job)
            _describe(report, target, draft)
            _put(draft, folder)
        except OSError as error:
            raise ExportError(f"{folder} can't be written: {error.strerror or error}") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return report


def check_folder(folder: Path, *, force: bool) -> None:
    """Refuse a folder that is there, or that can't be made; before the work, not after it.

    Raises:
        OutputExistsError: when it exists; `force` lets an earlier export be replaced.
        ExportError: when its parent doesn't exist.
    """
    if not folder.parent.is_dir():
        raise ExportError(f"{folder} can't be made: there is no folder {folder.parent}")
    if not folder.exists() and not folder.is_symlink():
        return
    if not force:
        raise OutputExistsError(
            f"{folder} exists: give another name, or --force to replace an earlier export"
        )
    if not (folder / REPORT).is_file():
        raise OutputExistsError(
            f"{folder} exists and holds no {REPORT}: --force replaces earlier exports only, give "
            f"another name"
        )


def _refuse(model: Model, target: Target, parts: Sequence[Part]) -> None:
    """Stop before anything is written where the target can't take an op or that many outputs."""
    for part in parts:
        refused = target.refusals(model, part)
        if refused:
            name, why = next(iter(refused.items()))
            op = model.graph.op[name]
            more = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
            raise ExportError(
                f"{target.name} can't take {op.op_type} as {name}{more}: {why}"
                f"{_advice(model, target)}"
            )
        if target.max_outputs is not None and len(part.outputs) > target.max_outputs:
            raise ExportError(
                f"{target.name} takes {target.max_outputs} output per part, {part.name} has "
                f"{len(part.outputs)}: {', '.join(part.outputs)}; `hetsched convert {model.ref} "
                f"--framework {target.convert_to or 'F'} --single-output -o OUT.onnx` packs them "
                f"into one, with the host's part beside"
            )


def _advice(model: Model, target: Target) -> str:
    if target.convert_to is None:
        return ""
    return (
        f"; `hetsched convert {model.ref} --framework {target.convert_to} -o OUT.onnx` may "
        f"replace what blocks"
    )


def _split(model: Model, parts: Sequence[Part], work: Path) -> Mapping[str, Path]:
    files = {part.name: work / f"{part.name}.onnx" for part in parts}
    for part in parts:
        save_part(model, part.ops, part.outputs, files[part.name])
    return files


def _report(model: Model, target: Target, parts: Sequence[Part], source: str) -> Report:
    graph = model.graph
    return Report(
        hetsched=__version__,
        target=target.name,
        model=model.name,
        sha256=model.sha256,
        source=source,
        inputs=tuple(port(graph, name, target) for name in graph.inputs),
        outputs=tuple(port(graph, name, target) for name in graph.outputs),
        parts=tuple(
            PartReport(
                name=part.name,
                unit=part.unit,
                ops=len(part.ops),
                files=(),
                inputs=tuple(port(graph, name, target) for name in part.inputs),
                outputs=tuple(port(graph, name, target) for name in part.outputs),
            )
            for part in parts
        ),
    )


def _describe(report: Report, target: Target, folder: Path) -> None:
    text = msgspec.json.format(msgspec.json.encode(report), indent=2).decode()
    (folder / REPORT).write_text(text + "\n", encoding="utf-8")
    (folder / "README.md").write_text(readme(report, target.readme(report)), encoding="utf-8")


def _put(draft: Path, folder: Path) -> None:
    """Make the draft the folder; what was there goes away only once the draft is in its place."""
    if not folder.exists():
        draft.rename(folder)
        return
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    folder.rename(old)
    try:
        draft.rename(folder)
    except OSError:
        with suppress(OSError):
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def sample_arrays(job: Job) -> dict[str, np.ndarray]:
    """The sample as an .npz holds it: `i0`, `i1`, ... and `o0`, `o1`, ..., in the model's order."""
    graph = job.model.graph
    arrays = {f"i{index}": job.values[name] for index, name in enumerate(graph.inputs)}
    arrays.update((f"o{index}", job.values[name]) for index, name in enumerate(graph.outputs))
    return arrays
