"""Every example runs, with warnings as errors, and prints what its .out file holds."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = [*EXAMPLES.glob("*.py"), *EXAMPLES.glob("figures/figure*.py")]


@pytest.mark.parametrize("script", sorted(SCRIPTS), ids=lambda path: path.name)
def test_it_prints_what_is_stored(script: Path) -> None:
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == script.with_suffix(".out").read_text(encoding="utf-8")
