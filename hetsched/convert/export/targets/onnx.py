"""ONNX files, one per part, with a runner that needs no hetsched."""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from hetsched.backends.reference import reference_outputs
from hetsched.convert.export.frame import sample_arrays
from hetsched.convert.export.part import Part
from hetsched.convert.export.prove import prove
from hetsched.convert.export.report import REPORT, RUN, Report
from hetsched.convert.export.runner import RUNNER
from hetsched.convert.export.target import Job, Target
from hetsched.errors import ExportError
from hetsched.ir.model import Model


def refusals(model: Model, part: Part) -> Mapping[str, str]:
    """Nothing: it is the model's own format."""
    del model, part
    return {}


def write(job: Job) -> Report:
    """Copy the parts' files, write the runner and a sample, and run it in a process of its own."""
    parts = []
    for part in job.report.parts:
        files = _copied(job.files[part.name], job.folder)
        parts.append(msgspec.structs.replace(part, files=files))
    report = msgspec.structs.replace(job.report, parts=tuple(parts))
    (job.folder / "run.py").write_text(RUNNER, encoding="utf-8")
    (job.folder / REPORT).write_bytes(msgspec.json.encode(report))
    inputs = {name: job.values[name] for name in job.model.graph.inputs}
    whole = reference_outputs(job.model.path, inputs, optimize=False)
    expected = [np.asarray(whole[name]) for name in job.model.graph.outputs]
    arrays = sample_arrays(job)
    arrays.update((f"o{index}", array) for index, array in enumerate(expected))
    np.savez(job.folder / "sample.npz", **arrays)  # type: ignore[arg-type] # no name is `file`
    proof = prove(
        "run.py in a process of its own", expected, _ran(job.folder, len(expected)),
        bound=job.bound, method=RUN, by="ONNX Runtime, op by op, against the unsplit model",
    )  # fmt: skip
    return msgspec.structs.replace(report, proof=proof)


def _copied(source: Path, folder: Path) -> tuple[str, ...]:
    """The file and, where its weights are beside it, those."""
    found = [path for path in (source, source.with_name(source.name + ".data")) if path.is_file()]
    for path in found:
        shutil.move(path, folder / path.name)
    return tuple(path.name for path in found)


def _ran(folder: Path, outputs: int) -> list[np.ndarray]:
    made = folder / ".made.npz"
    command = [sys.executable, "-I", "run.py", "--plain", "-o", made.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ExportError(f"nothing was written: run.py failed: {done.stderr.strip()}")
    with np.load(made) as stored:
        found = [stored[f"o{index}"] for index in range(outputs)]
    made.unlink()
    return found


def readme(report: Report) -> Sequence[str]:
    """How to run it."""
    first = report.inputs[0].name if report.inputs else "NAME"
    return (
        "## Running it",
        "",
        "```sh",
        "pip install onnxruntime numpy",
        "python run.py                      # the stored sample, compared",
        "python run.py --plain              # op by op, as it was proven",
        f"python run.py {first}=FILE.npy -o out.npz",
        "```",
        "",
        "`run.py` is short: copy its `run` into an application. `sample.npz` holds inputs (`i0`, "
        "`i1`, ...) and the unsplit model's outputs (`o0`, `o1`, ...).",
    )


TARGET = Target(
    name="onnx", writes="an ONNX file per part, a runner for ONNX Runtime",
    refusals=refusals, write=write, readme=readme, open_shapes=True,
)  # fmt: skip
