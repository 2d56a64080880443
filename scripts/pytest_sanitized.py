"""Run tests with a sanitized build of the native core in place of the installed one.

    LD_PRELOAD=libasan.so:... python scripts/pytest_sanitized.py FOLDER TEST...
    LD_PRELOAD=libtsan.so:... python scripts/pytest_sanitized.py FOLDER --racy

FOLDER holds the `_core` module of a CMake build with HETSCHED_SANITIZE. `--racy` has two threads
race in there, which the thread sanitizer must tell of.
"""

import importlib.util
import sys
import threading
from pathlib import Path

import pytest


def load_core(folder: Path) -> None:
    """Make `hetsched._core` the one in the folder.

    Raises:
        SystemExit: when the folder doesn't hold exactly one.
    """
    found = [*folder.glob("_core*.so")]
    if len(found) != 1:
        sys.exit(f"{folder} should hold one _core*.so, has {len(found)}")
    spec = importlib.util.spec_from_file_location("hetsched._core", found[0])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hetsched._core"] = module
    spec.loader.exec_module(module)
    import hetsched

    hetsched._core = module  # what the import system would do
    print(f"native core: {found[0]}")


def race() -> None:
    """What a thread sanitizer must tell of."""
    import hetsched

    threads = [threading.Thread(target=hetsched._core.race) for _ in range(2)]  # type: ignore[attr-defined]  # in its build only
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    load_core(Path(sys.argv[1]))
    if sys.argv[2:] == ["--racy"]:
        race()
        sys.exit(0)
    sys.exit(pytest.main(["-p", "no:cacheprovider", *sys.argv[2:]]))
