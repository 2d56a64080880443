"""No test is skipped silently, and full counts run only when asked for."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"

TESTS = """
import pytest

def test_runs():
    pass

@pytest.mark.skip(reason="no such device")
def test_skips():
    pass

@pytest.mark.xfail(reason="known", strict=True)
def test_fails_as_expected():
    assert False

@pytest.mark.full
def test_counts():
    pass
"""
WHOLE_FILE = "import pytest\npytest.skip('whole file', allow_module_level=True)\n"


def run(folder: Path, source: str, excuses: str = "{}", **environment: str) -> tuple[int, str]:
    """Exit code and output of pytest over one file under this project's conftest."""
    conftest = CONFTEST.read_text().replace("str] = {}", f"str] = {excuses}", 1)
    (folder / "conftest.py").write_text(conftest)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    full: counts\n")
    (folder / "test_it.py").write_text(source)
    kept = {k: v for k, v in os.environ.items() if not re.match("CI$|HETSCHED_|PYTEST_", k)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=kept | environment,
    )
    return done.returncode, done.stdout


def test_a_skip_is_told(tmp_path: Path) -> None:
    code, out = run(tmp_path, TESTS)
    assert code == 0
    assert "1 passed, 1 skipped, 1 deselected, 1 xfailed" in out
    assert "NOT RUN test_it.py::test_skips: no such device" in out


@pytest.mark.parametrize("name", ["CI", "HETSCHED_NO_SKIP"])
def test_a_skip_fails_where_all_should_run(name: str, tmp_path: Path) -> None:
    code, out = run(tmp_path, TESTS, **{name: "1"})
    assert code == 1
    assert "1 passed, 1 deselected, 1 xfailed, 1 error" in out
    assert "test_it.py::test_skips should run here, but was skipped: " in out


def test_a_skipped_file_fails_too(tmp_path: Path) -> None:
    code, out = run(tmp_path, WHOLE_FILE, CI="1")
    assert code != 0
    assert "should run here, but was skipped" in out


def test_an_excused_skip_passes_with_its_reason(tmp_path: Path) -> None:
    excuses = '{"test_it.py::test_skips": "needs a device"}'
    code, out = run(tmp_path, TESTS, excuses, CI="1")
    assert code == 0
    assert "NOT RUN test_it.py::test_skips: needs a device" in out


def test_full_counts_run_when_asked_for(tmp_path: Path) -> None:
    code, out = run(tmp_path, TESTS, HETSCHED_FULL="1")
    assert code == 0
    assert "2 passed, 1 skipped, 1 xfailed" in out
