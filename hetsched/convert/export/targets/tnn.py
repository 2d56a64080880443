"""TNN: a `.tnnproto` and a `.tnnmodel` per part."""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from hetsched.convert.export.part import Part
from hetsched.convert.export.prove import prove
from hetsched.convert.export.report import READ_BACK, STRUCTURE, PartReport, Port, Proof, Report
from hetsched.convert.export.target import Job, Target
from hetsched.convert.export.tnn import net as nets
from hetsched.convert.export.tnn import read_back
from hetsched.convert.export.tnn.files import write_files
from hetsched.errors import ExportError
from hetsched.ir.model import Model


def refusals(model: Model, part: Part) -> Mapping[str, str]:
    """Ops that have no TNN layer as they are."""
    return nets.refusals(model.graph, part, _reader(model))


def write(job: Job) -> Report:
    """Write each part's two files and have pnnx read them back where it can."""
    parts = tuple(
        _write(job, part, report) for part, report in zip(job.parts, job.report.parts, strict=True)
    )
    return msgspec.structs.replace(job.report, parts=parts)


def _write(job: Job, part: Part, report: PartReport) -> PartReport:
    if not part.ops:
        raise ExportError(
            f"{', '.join(part.outputs)} is a constant: a TNN model has no layer that makes it"
        )
    made = nets.build(job.model.graph, part, _reader(job.model))
    files = (f"{part.name}.tnnproto", f"{part.name}.tnnmodel")
    write_files(made, job.folder / files[0], job.folder / files[1])
    return msgspec.structs.replace(
        report,
        files=files,
        inputs=_renamed(report.inputs, made),
        outputs=_renamed(report.outputs, made),
        proof=_proof(job, part, made),
    )


def _proof(job: Job, part: Part, made: nets.Net) -> Proof:
    why = read_back.why_not(made)
    if why is not None:
        return Proof(method=STRUCTURE, by=why)
    if job.tools.find(read_back.KIT) is None and not job.tools.prove:
        size = read_back.KIT.size
        return Proof(method=STRUCTURE, by=f"--prove installs pnnx ({size}) and reads it back")
    expected = [job.values[name] for name in part.outputs]
    with tempfile.TemporaryDirectory(prefix="hetsched-") as work:
        proto = Path(work) / "part.tnnproto"
        for ending in (".tnnproto", ".tnnmodel"):
            shutil.copy(job.folder / f"{part.name}{ending}", proto.with_suffix(ending))
        try:
            actual = read_back.run(proto, job.values[part.inputs[0]], len(expected), job.tools)
        except ExportError as error:
            return Proof(method=STRUCTURE, by=f"{error}")
    return prove(
        f"part {part.name}", expected, actual, bound=job.bound, method=READ_BACK,
        by="pnnx and PyTorch, against ONNX Runtime",
    )  # fmt: skip


def _renamed(ports: Sequence[Port], made: nets.Net) -> tuple[Port, ...]:
    return tuple(msgspec.structs.replace(port, target_name=made.names[port.name]) for port in ports)


def _reader(model: Model) -> Callable[[str], np.ndarray]:
    initializers = model.onnx().graph.initializers

    def read(name: str) -> np.ndarray:
        stored = initializers[name].const_value
        assert stored is not None, name
        array: np.ndarray = stored.numpy()
        return array

    return read


def readme(report: Report) -> Sequence[str]:
    """How to use the files."""
    return (
        "## Using it",
        "",
        "Load a part's `.tnnproto` and `.tnnmodel` with `TNN::Init` (ModelType MODEL_TYPE_TNN), "
        "each part on its unit's device type; feed and fetch blobs by the names in the tables "
        f"above, {len(report.parts)} instance(s) in the order given. Data is NCHW, float32.",
        "",
        "The files were written by hetsched, not by TNN's own converter, and weren't run by TNN.",
    )


TARGET = Target(
    name="tnn", writes="a .tnnproto and a .tnnmodel per part",
    refusals=refusals, write=write, readme=readme, convert_to="tnn",
)  # fmt: skip
