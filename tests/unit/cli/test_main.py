"""The command line's frame: help, version, exit codes."""

import errno
import io
import re
import subprocess
import sys

import pytest
import typer

import hetsched
from hetsched import cli
from hetsched.cli import COMMANDS, main
from hetsched.errors import PlanError


def exit_code(*words: str) -> int:
    with pytest.raises(SystemExit) as exit_info:
        main(words)
    return int(exit_info.value.code or 0)


def test_help_lists_every_command_in_the_flows_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--help") == 0
    listed = re.findall(r"^  (\w+)  ", capsys.readouterr().out.split("Commands:")[1], re.MULTILINE)
    assert tuple(listed) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_commands_help_shows_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(command, "--help") == 0
    assert "hetsched " in capsys.readouterr().out.partition("Example")[2]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--version") == 0
    assert capsys.readouterr().out == f"hetsched {hetsched.__version__}\n"


@pytest.mark.parametrize("words", [("paln",), ("plan",), ("zoo", "--nonsense")])
def test_usage_errors_exit_with_2(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(*words) == 2
    assert "Usage:" in capsys.readouterr().err


def _replace_zoo(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail() -> None:
        raise error

    def register(app: typer.Typer) -> None:
        app.command("zoo")(fail)

    monkeypatch.setattr("hetsched.cli.zoo.register", register)


def test_a_refusal_is_one_line_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _replace_zoo(monkeypatch, PlanError("first\nsecond"))
    assert exit_code("zoo") == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "error: first second\n")


def test_ctrl_c_exits_with_130_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _replace_zoo(monkeypatch, KeyboardInterrupt())
    assert exit_code("zoo") == 130
    assert "Traceback" not in capsys.readouterr().err


def test_ctrl_c_while_loading_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(names: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "build_app", interrupted)
    assert exit_code("zoo") == 130


def test_output_that_has_no_room_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _replace_zoo(monkeypatch, OSError(errno.ENOSPC, "No space left on device"))
    assert exit_code("zoo") == 1
    told = capsys.readouterr().err
    assert told == "error: the output can't be written: No space left on device\n"


def test_other_failures_of_the_system_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    _replace_zoo(monkeypatch, OSError(errno.EMFILE, "Too many open files"))
    with pytest.raises(OSError, match="Too many open files"):
        main(["zoo"])


def test_names_that_the_terminal_cant_show_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii"))

    def register(app: typer.Typer) -> None:
        app.command("zoo")(lambda: print("sch\u00f6n"))

    monkeypatch.setattr("hetsched.cli.zoo.register", register)
    assert exit_code("zoo") == 0
    sys.stdout.flush()
    assert shown.getvalue() == rb"sch\xf6n" + b"\n"


def test_python_dash_m_is_the_same_command() -> None:
    command = [sys.executable, "-m", "hetsched", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"hetsched {hetsched.__version__}\n"
