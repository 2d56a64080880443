"""docs/repairs.md is what `scripts/repair_table.py` writes: some of its cells are judged anew."""

import runpy
from pathlib import Path

import pytest

from hetsched.ir.load import load
from hetsched.zoo.catalog import names

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "repair_table.py"))
DOC, cells, code_of = SCRIPT["DOC"], SCRIPT["cells"], SCRIPT["code_of"]

SAMPLE = (("alexnet", "mace apu"), ("alexnet", "tnn cpu-arm"), ("squeezenet", "tflite nnapi"))

SMALL = ("alexnet", "zfnet512", "squeezenet", "silero-vad")


def table(page: Path) -> dict[tuple[str, str], str]:
    """(model, `framework backend`) to the cell's text."""
    rows = [line.strip("|").split("|") for line in page.read_text("utf-8").splitlines()]
    rows = [[cell.strip() for cell in row] for row in rows if len(row) > 3]
    head, _, *body = rows
    return {(model, row[1]): row[2 + at] for row in body for at, model in enumerate(head[2:])}


def test_every_model_and_backend_is_there() -> None:
    expected = {(model, f"{f} {b}") for model in names() for _, f, b in cells()}
    assert set(table(DOC)) == expected


@pytest.mark.parametrize(("model", "target"), SAMPLE)
def test_a_cell_is_what_convert_finds_now(model: str, target: str) -> None:
    framework, backend = target.split()
    assert code_of(load(f"zoo:{model}"), framework, backend) == table(DOC)[model, target]


@pytest.mark.full
def test_every_cell_of_small_models_is_what_convert_finds_now() -> None:
    page = table(DOC)
    wrong = []
    for model in SMALL:
        loaded = load(f"zoo:{model}")
        for _, framework, backend in cells():
            found = code_of(loaded, framework, backend)
            if found != page[model, f"{framework} {backend}"]:
                wrong.append((model, framework, backend, found))
    assert wrong == []
