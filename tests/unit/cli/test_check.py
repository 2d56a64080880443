"""`hetsched check`: its table, its details, its exit codes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hetsched.cli import main
from hetsched.cli.check_text import blocker_lines, common_summary, grouped, matrix_lines
from hetsched.convert.capability_finding import Finding, Kind
from hetsched.convert.check import Blocker, Verdict
from tests.unit.cli.models import write_model


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error of `hetsched check ...`."""
    with pytest.raises(SystemExit) as stop:
        main(["check", *words])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A convolution, Relu, HardSigmoid, Tan."""
    return str(write_model(tmp_path / "m.onnx", "Relu", "HardSigmoid", "Tan"))


def fits(text: str) -> bool:
    return max(len(line) for line in text.splitlines()) <= 80


def test_without_a_target_a_table_of_all(capsys: pytest.CaptureFixture[str], model: str) -> None:
    code, out, _ = run(capsys, model)
    assert code == 0
    assert fits(out)
    assert out.startswith("m: 4 ops\nframework      backend            runs blocks unknown")
    assert "               apu                   2      2       0  HardSigmoid 1, Tan 1" in out
    assert "snpe           converter" in out


def test_a_backend_in_detail(capsys: pytest.CaptureFixture[str], model: str) -> None:
    code, out, _ = run(capsys, model, "--framework", "mace", "--backend", "apu")
    assert code == 3
    assert fits(out)
    lines = out.splitlines()
    assert lines[0] == "m on mace apu: 2 of 4 ops run, 2 block, 0 unknown"
    assert lines[2].startswith("    1  HardSigmoid          1         MACE apu: activation HARD")
    assert lines[4].startswith("    1  Tan                  3         MACE converter: Tan not")
    assert "Scenario 1: replace it by supported ops" in out
    assert "Scenario 3: cut it off" in out
    assert "Scenario 4" not in out


def test_nothing_blocks(capsys: pytest.CaptureFixture[str], model: str) -> None:
    code, out, _ = run(capsys, model, "--framework", "onnxruntime", "--backend", "cpu")
    assert (code, out) == (0, "m on onnxruntime cpu: 4 of 4 ops run, 0 block, 0 unknown\n")


def test_unknown_is_not_supported(capsys: pytest.CaptureFixture[str], model: str) -> None:
    code, out, _ = run(capsys, model, "--framework", "snpe", "--backend", "converter")
    assert code == 3
    assert "Unknown: the table is incomplete" in out
    assert fits(out)


def test_a_framework(capsys: pytest.CaptureFixture[str], model: str) -> None:
    code, out, _ = run(capsys, model, "--framework", "mace")
    assert code == 3  # MACE's converter lets no Tan in
    assert fits(out)
    assert " ".join(out.split()).startswith(
        "m on mace: of 4 ops, 1 block on every backend, 0 more are not known to run on any"
    )


def test_a_profile_and_its_units(capsys: pytest.CaptureFixture[str], model: str) -> None:
    code, out, _ = run(capsys, model, "--profile", "helio-g90")
    assert code == 0
    assert fits(out)
    assert out.startswith("m on helio-g90: each of 4 ops runs on some unit\n")
    code, out, _ = run(capsys, model, "--profile", "helio-g90", "--unit", "apu")
    assert code == 3
    assert "2 of 4 ops run, 2 block" in out
    assert "converted to int8" in out.replace("\n", " ")


def test_for_machines(capsys: pytest.CaptureFixture[str], model: str) -> None:
    code, out, _ = run(capsys, model, "--framework", "mace", "--backend", "apu", "--json")
    assert code == 3
    content = json.loads(out)
    assert content["model"]["ops"] == 4
    assert content["blocks"] is True
    (target,) = content["targets"]
    assert target["blocking"] == {"HardSigmoid": 1, "Tan": 1}
    assert (target["runs"], target["blocked"], target["unknown"]) == (2, 2, 0)
    assert [(b["op"], b["kind"], b["scenario"]) for b in content["blockers"]] == [
        ("hardsigmoid", "blocked", 1),
        ("tan", "blocked", 3),
    ]
    code, out, _ = run(capsys, model, "--json")
    assert code == 0
    assert json.loads(out)["blocks"] is None


def test_wrong_use(capsys: pytest.CaptureFixture[str], model: str) -> None:
    assert run(capsys, model, "--backend", "apu")[0] == 2
    assert run(capsys, model, "--unit", "apu")[0] == 2
    code, _, err = run(capsys, model, "--framework", "maec")
    assert code == 1
    assert err.startswith("error: unknown framework 'maec': did you mean 'mace'?")
    assert err.count("\n") == 1
    code, _, err = run(capsys, model, "--profile", "helio-g90", "--unit", "apu0")
    assert code == 1
    assert "no unit 'apu0': did you mean 'apu'?" in err
    assert run(capsys, "missing.onnx")[0] == 1


def verdict(*findings: tuple[str, Kind], dtype: str | None = None, unit: str = "") -> Verdict:
    """With ops `Type.0, Type.1, ...` that are refused."""
    names = [f"{op_type}.{index}" for index, (op_type, _) in enumerate(findings)]
    return Verdict(
        framework="tnn",
        backend="cpu-x86-openvino",
        unit=unit,
        dtype=dtype,
        ops=len(findings) + 1,
        findings={
            name: Finding(framework="tnn", backend="b", kind=kind, reason="no")
            for name, (_, kind) in zip(names, findings, strict=True)
        },
        types={name: name.partition(".")[0] for name in names},
    )


def test_rows_of_the_matrix() -> None:
    types = ("BatchNormalization", "BatchNormalization", "Sub")
    many: list[tuple[str, Kind]] = [(op_type, "blocked") for op_type in types]
    lines = list(
        matrix_lines(
            [
                verdict(),
                verdict(("Erf", "unknown"), dtype="float16"),
                verdict(*many, dtype="int8"),
            ]
        )
    )
    assert lines == [
        "framework      backend            runs blocks unknown  converted to; what blocks",
        "tnn            cpu-x86-openvino      1      0       0",
        "               cpu-x86-openvino      1      0       1  float16",
        "               cpu-x86-openvino      1      3       0  int8; ...",
    ]


def test_rows_of_units() -> None:
    (head, row) = matrix_lines([verdict(unit="npu")])
    assert head.startswith("unit           ops of")
    # The framework and backend are cut to the column.
    assert row == "npu            tnn cpu-x86-op...     1      0       0"


def blocker(op: str, reason: str, scenario: int | None = 4, kind: Kind = "blocked") -> Blocker:
    return Blocker(
        op=op, op_type="Conv", kind=kind, reason=reason, scenario=scenario, remedy="do it"
    )


def test_alike_blockers_are_counted() -> None:
    found = grouped([blocker("a", "'x' too big"), blocker("b", "no"), blocker("c", "'y' too big")])
    assert [(count, first.op) for count, first in found] == [(2, "a"), (1, "b")]
    # Out of reach: the op type doesn't matter.
    far = blocker("d", "far", None)
    found = grouped([far, replace(far, op="e", op_type="Relu")])
    assert [(count, first.op_type) for count, first in found] == [(2, "(any)")]


def test_long_names_keep_their_end() -> None:
    text = "\n".join(blocker_lines([blocker("x" * 90 + "/Conv_7", "no")]))
    assert fits(text)
    assert "…" in text
    assert "xxx/Conv_7" in text


def test_details_are_exact() -> None:
    found = [
        blocker("a", "dilation 1 only, not (2, 2)"),
        blocker("b", "it says nothing", None, "unknown"),
        blocker("c", "TNN doesn't reach this unit", None),
    ]
    assert list(blocker_lines(found)) == [
        "count  op                   scenario  why; what helps; an example",
        "    1  Conv                 4         dilation 1 only, not (2, 2); do it; as a",
        "    1  Conv                 unknown   it says nothing; do it; as b",
        "    1  (any)                none      TNN doesn't reach this unit; do it; as c",
        "",
        "Scenario 4: implement it as a custom op, or run it on the host in between.",
        "Unknown: the table is incomplete, or it names a condition that isn't checked.",
        "Plans keep such ops off the unit.",
    ]
    assert list(blocker_lines([])) == []


def test_summary_counts_unknown_apart() -> None:
    found = [blocker("a", "no"), blocker("b", "?", None, "unknown")]
    assert common_summary(found, 9, "m", "tnn", units=False) == (
        "m on tnn: of 9 ops, 1 block on every backend, 1 more are not known to run on any"
    )
