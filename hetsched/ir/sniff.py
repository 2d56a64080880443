"""Telling files of other frameworks from ONNX, and naming the converter."""

from pathlib import Path

from hetsched.errors import ModelError


def reject_foreign(path: Path) -> None:
    """Refuse what can't be an ONNX file.

    Raises:
        ModelError: in one line, with the tool that makes ONNX of it where there is one.
    """
    if not path.exists():
        raise ModelError(f"{path} doesn't exist: give an ONNX file or zoo:NAME")
    if path.is_dir():
        raise ModelError(f"{path} is a directory: give an ONNX file")
    if path.stat().st_size == 0:
        raise ModelError(f"{path} is empty: give an ONNX file")
