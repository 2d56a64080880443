"""Tool environments: found, refused, made, and their failures told in their own words."""

import logging
import sys
import venv
from pathlib import Path

import pytest

from hetsched.convert.export.tools import Kit, Tools
from hetsched.errors import ExportError

EMPTY = Kit(name="nothing", requirements=(), size="0 GB", modules=("json",))
MISSING = Kit(name="gizmo", requirements=("gizmo==1",), size="3 GB", modules=("gizmo_module",))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "hetsched" / "tools"


def bare(folder: Path) -> Path:
    venv.create(folder, with_pip=False)
    return folder


def test_a_given_environment_is_used(tmp_path: Path) -> None:
    folder = bare(tmp_path / "env")
    tools = Tools(given=folder)
    assert tools.python(EMPTY) == folder / "bin" / "python"
    assert tools.run(EMPTY, ["-c", "print(7)"], tmp_path) == "7\n"


def test_our_own_pins_are_not_the_tool_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONSTRAINT", "constraints.txt")
    tools = Tools(given=bare(tmp_path / "env"))
    script = "import os; print(os.environ.get('PIP_CONSTRAINT'))"
    assert tools.run(EMPTY, ["-c", script], tmp_path) == "None\n"


def test_a_relative_one_works_from_other_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(tmp_path / "env")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").mkdir()
    assert Tools(given=Path("env")).run(EMPTY, ["-c", "print(7)"], tmp_path / "work") == "7\n"


def test_a_given_environment_without_the_tool_is_refused(tmp_path: Path) -> None:
    folder = bare(tmp_path / "env")
    with pytest.raises(ExportError, match=r"env lacks gizmo: install gizmo==1 there"):
        Tools(given=folder).python(MISSING)
    with pytest.raises(ExportError, match=r"nowhere is no virtual environment"):
        Tools(given=tmp_path / "nowhere").find(EMPTY)


def test_none_is_made_when_that_is_asked_for(cache: Path) -> None:
    with pytest.raises(ExportError, match=r"gizmo isn't installed: leave out --no-tools .*3 GB"):
        Tools(make=False).python(MISSING)
    assert Tools(make=False).find(MISSING) is None
    assert not cache.exists()


def test_one_is_made_once_and_said_before(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # no pip and no network: an environment is made, its installing replaced by a file
    def create(folder: Path, *, with_pip: bool) -> None:
        assert with_pip
        bin_folder = folder / "bin"
        bin_folder.mkdir(parents=True)
        (bin_folder / "python").symlink_to(sys.executable)

    ran: list[list[str]] = []
    monkeypatch.setattr(venv, "create", create)
    monkeypatch.setattr(
        "hetsched.convert.export.tools._run",
        lambda command, _what, _folder: ran.append([str(word) for word in command[1:]]),
    )
    with caplog.at_level(logging.INFO, "hetsched"):
        first = Tools().python(MISSING)
    assert "gizmo isn't there yet: installing it into" in caplog.text
    assert "about 3 GB" in caplog.text
    assert Tools().python(MISSING) == first == Tools(make=False).find(MISSING)
    assert ran == [["-m", "pip", "install", "--quiet", "gizmo==1"]]
    assert first.is_relative_to(cache)


def test_a_failed_installation_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def create(folder: Path, *, with_pip: bool) -> None:
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").write_text("#!/bin/sh\necho no such package >&2\nexit 9\n")
        (folder / "bin" / "python").chmod(0o755)

    monkeypatch.setattr(venv, "create", create)
    with pytest.raises(
        ExportError, match=r"installing gizmo failed with exit code 9: no such package"
    ):
        Tools().python(MISSING)
    assert list(cache.iterdir()) == []


def test_a_tool_keeps_its_own_message(tmp_path: Path) -> None:
    script = "import sys; print('half done'); sys.exit('the layer is odd')"
    with pytest.raises(
        ExportError, match=r"nothing failed with exit code 1: half done \| the layer is odd"
    ):
        Tools(given=bare(tmp_path / "env")).run(EMPTY, ["-c", script], tmp_path)


def test_other_requirements_are_another_environment() -> None:
    other = Kit(name="gizmo", requirements=("gizmo==2",), size="3 GB", modules=())
    assert MISSING.folder() != other.folder()
