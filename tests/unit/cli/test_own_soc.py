"""docs/own-soc.md, tried literally."""

import re
import shlex
from pathlib import Path

import pytest

from hetsched.cli import main
from hetsched.data import data_dir
from hetsched.soc.catalog import names, profile

GUIDE = data_dir("profiles").parent / "docs" / "own-soc.md"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


def commands() -> list[list[str]]:
    lines = "".join(blocks("console")).splitlines()
    return [shlex.split(line.removeprefix("$ hetsched ")) for line in lines]


def code(command: list[str]) -> int:
    with pytest.raises(SystemExit) as stop:
        main(command)
    return int(stop.value.code or 0)


def fill_in(path: Path, block: str) -> None:
    """Replace the lines of the file that set the same keys, commented ones too."""
    text = path.read_text(encoding="utf-8")
    for line in block.splitlines():
        key = line.partition(" =")[0]
        pattern = rf"^(# )?{key} = .*$" if key != "title" else r'^title = "4x some core"$'
        text, count = re.subn(pattern, line, text, count=1, flags=re.MULTILINE)
        assert count == 1, key
    path.write_text(text, encoding="utf-8")


def test_the_walk_of_the_guide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """New, show, plan; after the edits: calibrate, check, show."""
    monkeypatch.chdir(tmp_path)
    unit, rows, _ = blocks("toml")
    todo = [command for command in commands() if command[0] != "plan"]
    assert [command[0] for command in todo] == ["profiles"] * 2 + ["calibrate"] * 2 + ["profiles"]
    for command in todo[:2]:
        assert code(command) == 0
    fill_in(Path("my-soc.toml"), unit)
    fill_in(Path("my-soc.toml"), rows)
    Path("my.csv").write_text(blocks("csv")[0], encoding="utf-8")
    for command in todo[2:]:
        assert code(command) == 0, capsys.readouterr().err
    capsys.readouterr()
    record = profile("my-soc.toml").unit("cpu").calibration["float32"]
    assert record.models == 10
    assert record.loo_median is not None
    assert record.loo_median < 0.2


def test_the_guides_last_snippet_names_a_unit_that_exists() -> None:
    like = re.search(r'profile = "(.*)", unit = "(.*)", dtype = "(.*)"', blocks("toml")[2])
    assert like is not None
    name, unit, dtype = like.groups()
    assert dtype in profile(name).unit(unit).rates


def test_the_page_of_reach_has_every_profile() -> None:
    reach = (GUIDE.parent / "reach.md").read_text(encoding="utf-8")
    for name in names():
        row = [line for line in reach.splitlines() if re.search(rf"[| ]{name}[, ]", line)]
        units = [unit.name for unit in profile(name).units]
        text = " ".join(row)
        for unit in units:
            kinds = ("cpu units", "all")
            assert unit in text or any(kind in text for kind in kinds), f"{name} {unit}"
