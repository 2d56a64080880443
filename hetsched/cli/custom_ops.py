"""`hetsched --ops FILE.py COMMAND`: custom ops from a Python file that the user names."""

import runpy
from pathlib import Path

from hetsched.errors import ModelError


def register_from(path: Path) -> None:
    """Run a file that registers ops.

    Raises:
        ModelError: when it can't be run, or registers nothing.
    """
    from hetsched.ir.custom import registered

    if not path.is_file():
        raise ModelError(f"--ops {path}: there is no such file")
    before = dict(registered())
    try:
        runpy.run_path(str(path))
    except Exception as error:
        raise ModelError(f"--ops {path} failed: {type(error).__name__}: {error}") from error
    if dict(registered()) == before:
        raise ModelError(f"--ops {path} registers nothing: call hetsched.ir.custom.register")
