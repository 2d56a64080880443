"""TensorFlow Lite: a .tflite file per part, made by onnx2tf and run by LiteRT."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from hetsched.convert.export import tflite_tool as tool
from hetsched.convert.export.part import Part
from hetsched.convert.export.prove import prove
from hetsched.convert.export.report import RUN, PartReport, Port, Report
from hetsched.convert.export.target import Job, Target
from hetsched.errors import ExportError
from hetsched.ir.model import Model


def refusals(model: Model, part: Part) -> Mapping[str, str]:
    """None that is known before onnx2tf has looked at it."""
    del model, part
    return {}


def write(job: Job) -> Report:
    """Convert each part and compare what LiteRT makes of it with ONNX Runtime."""
    job.tools.python(tool.KIT)  # what takes long, or isn't wanted, comes before any work
    parts = tuple(
        _write(job, part, report) for part, report in zip(job.parts, job.report.parts, strict=True)
    )
    return msgspec.structs.replace(job.report, parts=parts)


def _write(job: Job, part: Part, report: PartReport) -> PartReport:
    if not part.ops:
        raise ExportError(f"{', '.join(part.outputs)} is a constant: onnx2tf makes no model of it")
    file = f"{part.name}.tflite"
    with tempfile.TemporaryDirectory(prefix="hetsched-") as folder:
        work = Path(folder)
        source = tool.renamed(job.files[part.name], work, part.inputs, part.outputs)
        kept = [source.inputs[p.name] for p in report.inputs if tool.channels_last(p.dims) is None]
        made = tool.convert(source, kept, job.tools)
        given = {source.inputs[each]: job.values[each] for each in part.inputs}
        found = tool.run(made, given, work, job.tools)
        shutil.move(made, job.folder / file)
    wanted = {source.outputs[each]: job.values[each] for each in part.outputs}
    there = tool.matched(found, wanted)
    turned = {name: tool.turned(found[there[name]], array) for name, array in wanted.items()}
    outputs = {
        there[name]: _output(port, there[name], found, turned[name][1])
        for port, name in zip(report.outputs, wanted, strict=True)
    }
    return msgspec.structs.replace(
        report,
        files=(file,),
        inputs=tuple(_input(port, source) for port in report.inputs),
        outputs=tuple(outputs[each] for each in found if each in outputs),
        proof=prove(
            f"part {part.name}", list(wanted.values()), [array for array, _ in turned.values()],
            bound=job.bound, method=RUN, by="LiteRT on this CPU, against ONNX Runtime",
        ),
    )  # fmt: skip


def _output(
    port: Port, name: str, found: Mapping[str, np.ndarray], order: tuple[int, ...] | None
) -> Port:
    shape = found[name].shape if order else None
    return msgspec.structs.replace(port, target_name=name, target_shape=shape, order=order)


def _input(port: Port, source: tool.Renamed) -> Port:
    last = tool.channels_last(port.dims)
    shape, order = last if last is not None else (None, None)
    return msgspec.structs.replace(
        port, target_name=source.inputs[port.name], target_shape=shape, order=order
    )


def readme(report: Report) -> Sequence[str]:
    """How to run a part."""
    first = report.parts[0]
    return (
        "## Running a part",
        "",
        "```python",
        "from ai_edge_litert.interpreter import Interpreter",
        "",
        f'net = Interpreter("{first.files[0]}")',
        "net.allocate_tensors()",
        "for detail in net.get_input_details():",
        '    net.set_tensor(detail["index"], ...)  # ' + ", ".join(map(_shape, first.inputs)),
        "net.invoke()",
        'made = {d["name"]: net.get_tensor(d["index"]) for d in net.get_output_details()}',
        "```",
        "",
        "Where the file has signatures, `net.get_signature_runner()` takes and gives tensors by "
        "the names in the table. Images are channels-last (NHWC). The outputs' order is the "
        "file's, as in the table, not the model's.",
    )


def _shape(port: Port) -> str:
    return f"{port.target_name}: {port.dtype} {list(port.target_shape or port.dims)}"


TARGET = Target(
    name="tflite", writes="a .tflite file per part",
    refusals=refusals, write=write, readme=readme, convert_to="tflite",
)  # fmt: skip
