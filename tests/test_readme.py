"""What README.md shows is what happens: its Python runs, its commands exist, its links lead on."""

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from hetsched.cli import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def fenced(text: str, language: str) -> list[str]:
    """Contents of the fenced blocks in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_python_runs() -> None:
    blocks = fenced(README, "python")
    assert blocks
    for block in blocks:
        subprocess.run([sys.executable, "-W", "error", "-c", block], check=True)


@cache
def help_of(*command: str) -> str:
    asked = [sys.executable, "-m", "hetsched", *command, "--help"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout


def help_for(words: list[str]) -> str:
    """The help that a command's options must be in: its subcommand's where it has them."""
    shown = help_of(words[0])
    return help_of(*words[:2]) if "COMMAND [ARGS]" in shown and len(words) > 1 else shown


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_commands_and_options_exist(page: Path) -> None:
    for block in fenced(page.read_text(encoding="utf-8"), "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] != ["hetsched"] or words[1].startswith("-"):
                continue
            assert words[1] in COMMANDS, line
            shown = help_for(words[1:])
            for option in (word for word in words[2:] if word.startswith("-")):
                assert option in shown, f"{page.name}: {line}: no option {option}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
