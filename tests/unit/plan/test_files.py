"""Plan files: what is written is read back, and what is wrong is refused in one clear line."""

from pathlib import Path

import msgspec
import pytest

from hetsched.errors import OutputExistsError, PlanError
from hetsched.plan.files import encode_plan, load_plan, save_plan

from .samples import sample_plan


def test_saving_and_loading_gives_the_same_plan(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    written = save_plan(sample_plan(), path)
    assert load_plan(path) == written == sample_plan()


def test_the_text_is_stable_and_keeps_shapes_on_one_line() -> None:
    text = encode_plan(sample_plan())
    assert text == encode_plan(msgspec.json.decode(text, type=type(sample_plan())))
    assert '"x": [1, 3, 8, 8]' in text


def test_a_model_path_becomes_relative_to_the_plans_folder(tmp_path: Path) -> None:
    plans, models = tmp_path / "plans", tmp_path / "models"
    plans.mkdir()
    models.mkdir()
    written = save_plan(sample_plan(str(models / "m.onnx")), plans / "p.json")
    assert written.model.ref == "../models/m.onnx"


def test_a_loaded_plan_finds_its_model_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plans").mkdir()
    save_plan(sample_plan(str(tmp_path / "models" / "m.onnx")), tmp_path / "plans" / "p.json")
    monkeypatch.chdir(tmp_path)
    assert load_plan("plans/p.json").model.ref == str(tmp_path.resolve() / "models" / "m.onnx")


def test_an_existing_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text("precious")
    with pytest.raises(OutputExistsError, match=r"exists.*--force"):
        save_plan(sample_plan(), path)
    assert path.read_text() == "precious"
    save_plan(sample_plan(), path, force=True)
    assert load_plan(path) == sample_plan()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="can't be written"):
        save_plan(sample_plan(), tmp_path / "no" / "p.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a plan"),
        (b"\x08\x07onnx", "is not a plan"),
        (b'{"schema": 2}', "has schema 2: this version reads schema 1"),
        (b'{"schema": 1, "wrong": 0}', "is not a plan: .*(wrong|missing)"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(content)
    with pytest.raises(PlanError, match=message):
        load_plan(path)


def test_an_unknown_key_is_named_with_the_accepted_ones(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    text = encode_plan(sample_plan()).replace('"accuracy"', '"acuracy"')
    path.write_text(text)
    with pytest.raises(PlanError, match=r"unknown key 'acuracy': accepted are .*accuracy"):
        load_plan(path)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    text = encode_plan(sample_plan()).encode()
    for size in range(0, len(text) - 2, 37):
        path.write_bytes(text[:size])
        with pytest.raises(PlanError):
            load_plan(path)
