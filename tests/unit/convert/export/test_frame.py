"""The folder appears whole or not at all; parts are checked before anything is written."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from hetsched.convert.export.frame import export
from hetsched.convert.export.part import Part, make_part, whole, with_constants
from hetsched.convert.export.report import REPORT, Report
from hetsched.convert.export.target import Job, Target, find, names
from hetsched.errors import ExportError, ModelError, OutputExistsError
from hetsched.ir.graph import Graph
from hetsched.ir.load import load
from hetsched.ir.model import Model

from .models import two_branches


def target(**changes: object) -> Target:
    """One that writes a file per part and proves nothing."""

    def write(job: Job) -> Report:
        parts = []
        for part in job.report.parts:
            (job.folder / f"{part.name}.txt").write_text("\n".join(sorted(job.values)))
            parts.append(msgspec.structs.replace(part, files=(f"{part.name}.txt",)))
        return msgspec.structs.replace(job.report, parts=tuple(parts))

    def refusals(model: Model, part: Part) -> Mapping[str, str]:
        return {}

    def readme(report: Report) -> Sequence[str]:
        return ("Use it well.",)

    made = Target(name="fake", writes="text", refusals=refusals, write=write, readme=readme)
    for name, value in changes.items():
        object.__setattr__(made, name, value)
    return made


def test_a_model_becomes_one_part(tmp_path: Path) -> None:
    model = load(two_branches(tmp_path / "m.onnx"))
    report = export(model, target(), tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "README.md",
        "model.txt",
        REPORT,
    ]
    assert msgspec.json.decode((tmp_path / "out" / REPORT).read_bytes(), type=Report) == report
    assert [port.name for port in report.outputs] == ["y", "r"]
    text = (tmp_path / "out" / "README.md").read_text()
    assert "| x | float32 | 1x3x8x8 |" in text
    assert "- not at all\n" in text
    assert "Use it well." in text
    assert (tmp_path / "out" / "model.txt").read_text().split() == ["r", "x", "y"]


def test_parts_are_run_in_order(tmp_path: Path) -> None:
    model = load(two_branches(tmp_path / "m.onnx"))
    parts = [
        make_part(model.graph, "s0", ["conv"], ["c"], "apu"),
        make_part(model.graph, "s1", ["left", "right", "add"], ["y", "r"], "cpu"),
    ]
    report = export(model, target(), tmp_path / "out", parts=parts, source="m.plan.json")
    assert [(p.name, p.unit, p.ops) for p in report.parts] == [("s0", "apu", 1), ("s1", "cpu", 3)]
    assert [port.name for port in report.parts[1].inputs] == ["c"]
    with pytest.raises(ExportError, match=r"part s1 reads 'c', which no part before makes"):
        export(model, target(), tmp_path / "o2", parts=parts[::-1])
    assert not (tmp_path / "o2").exists()


def test_a_failing_target_leaves_nothing(tmp_path: Path) -> None:
    model = load(two_branches(tmp_path / "m.onnx"))

    def fails(job: Job) -> Report:
        (job.folder / "half").write_text("half")
        raise ExportError("the tool's own message")

    with pytest.raises(ExportError, match="the tool's own message"):
        export(model, target(write=fails), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_what_fails_leaves_the_earlier_export(tmp_path: Path) -> None:
    model = load(two_branches(tmp_path / "m.onnx"))
    export(model, target(), tmp_path / "out")

    def fails(job: Job) -> Report:
        raise ExportError("no")

    with pytest.raises(ExportError, match="no"):
        export(model, target(write=fails), tmp_path / "out", force=True)
    assert (tmp_path / "out" / "model.txt").is_file()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.onnx", "out"]


def test_a_folder_that_exists_is_refused(tmp_path: Path) -> None:
    model = load(two_branches(tmp_path / "m.onnx"))
    out = tmp_path / "out"
    export(model, target(), out)
    (out / "stale").write_text("")
    with pytest.raises(OutputExistsError, match=r"out exists: give another name, or --force"):
        export(model, target(), out)
    export(model, target(), out, force=True)
    assert not (out / "stale").exists()


def test_force_replaces_nothing_but_exports(tmp_path: Path) -> None:
    model = load(two_branches(tmp_path / "m.onnx"))
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("all of it")
    with pytest.raises(OutputExistsError, match=r"holds no report\.json"):
        export(model, target(), tmp_path / "precious", force=True)
    assert (tmp_path / "precious" / "thesis.txt").is_file()


def test_a_missing_parent_is_named(tmp_path: Path) -> None:
    model = load(two_branches(tmp_path / "m.onnx"))
    with pytest.raises(ExportError, match=r"there is no folder .*/nowhere"):
        export(model, target(), tmp_path / "nowhere" / "out")


def test_refused_ops_are_named_with_a_way_out(tmp_path: Path) -> None:
    model = load(two_branches(tmp_path / "m.onnx"))

    def refusals(model: Model, part: Part) -> Mapping[str, str]:
        return {name: "it has none" for name in part.ops if name in ("right", "add")}

    choosy = target(refusals=refusals, convert_to="tnn")
    with pytest.raises(
        ExportError,
        match=r"fake can't take Sigmoid as right and 1 more: it has none; `hetsched convert "
        r".*m.onnx --framework tnn -o OUT.onnx` may replace what blocks",
    ):
        export(model, choosy, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_single_output_targets_refuse_more(tmp_path: Path) -> None:
    model = load(two_branches(tmp_path / "m.onnx"))
    with pytest.raises(
        ExportError, match=r"fake takes 1 output per part, model has 2: y, r; .* --single-output"
    ):
        export(model, target(max_outputs=1), tmp_path / "out")


def test_constants_that_are_outputs_get_a_part_of_their_own(tmp_path: Path) -> None:
    graph = load(two_branches(tmp_path / "m.onnx")).graph
    parts = whole(graph)
    assert with_constants(graph, parts) == parts
    weights = next(iter(graph.constants))
    odd = Graph(
        ops=graph.ops, tensors=graph.tensors, inputs=graph.inputs,
        outputs=(*graph.outputs, weights), constants=graph.constants,
    )  # fmt: skip
    assert with_constants(odd, parts)[-1].outputs == (weights,)


def test_unknown_ops_are_refused(tmp_path: Path) -> None:
    graph = load(two_branches(tmp_path / "m.onnx")).graph
    with pytest.raises(ModelError, match="no op 'nope'"):
        make_part(graph, "s0", ["nope"], [])


def test_targets_are_found_by_their_file() -> None:
    assert "onnx" in names()
    assert all(find(name).name == name for name in names())
    with pytest.raises(ExportError, match=r"unknown target 'onx': did you mean 'onnx'\? known are"):
        find("onx")


def test_the_report_is_json_that_anything_reads(tmp_path: Path) -> None:
    model = load(two_branches(tmp_path / "m.onnx"))
    export(model, target(), tmp_path / "out")
    data = json.loads((tmp_path / "out" / REPORT).read_text())
    assert data["schema"] == 1
    assert data["parts"][0]["inputs"][0]["shape"] == [1, 3, 8, 8]
