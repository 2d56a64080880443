"""Writing a model that is split between a target and the host."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hetsched.convert.adapt import Adapted
from hetsched.convert.host_code import HostCode, HostFiles, host_code
from hetsched.errors import ModelError, OutputExistsError
from hetsched.ir.constants import constant
from hetsched.ir.extract import save_part, save_whole


def host_files(output: Path) -> HostFiles:
    """Names beside the main model, `det.onnx`: `det.tail.onnx`, `det_host.py` and so on."""
    stem = output.name.removesuffix(".onnx")
    return HostFiles(
        main=output.name,
        head=f"{stem}.head.onnx",
        tail=f"{stem}.tail.onnx",
        constants=f"{stem}_host.npz",
        code=f"{stem}_host.py",
    )


def save_adapted(adapted: Adapted, output: Path, *, force: bool = False) -> tuple[Path, ...]:
    """Write the main model, and what the host needs where it has something to do.

    All files are made first and then moved into place, the main model last.

    Args:
        adapted: what `adapt` returned.
        output: the main model's file.
        force: replace files that exist.

    Returns:
        The files written, the main model first.

    Raises:
        OutputExistsError: naming a file that exists, when `force` isn't set.
        ModelError: when a file can't be written.
    """
    writers = list(_writers(adapted, output))
    for path, _ in writers:
        check_free(path, force=force)
    try:
        with tempfile.TemporaryDirectory(prefix=".hetsched-", dir=output.parent) as folder:
            for path, write in writers:
                write(Path(folder) / path.name)
            made = sorted(Path(folder).iterdir(), key=lambda path: path.name == output.name)
            for file in made:
                file.replace(output.parent / file.name)
    except OSError as error:
        raise ModelError(f"can't write {output}: {error.strerror or error}") from error
    others = sorted(file.name for file in made if file.name != output.name)
    return (output, *(output.parent / name for name in others))


def check_free(path: Path, *, force: bool) -> None:
    """Refuse to replace a model file, or its weights beside it.

    Raises:
        OutputExistsError: naming the file.
    """
    for file in (path, path.with_name(path.name + ".data")):
        if file.exists() and not force:
            raise OutputExistsError(f"{file} exists: give another name, or --force to replace it")


def _writers(adapted: Adapted, output: Path) -> Iterator[tuple[Path, Callable[[Path], None]]]:
    model, parts = adapted.whole, adapted.whole_parts
    if parts.is_whole:
        yield output, lambda path: save_whole(model, path)
        return
    files, folder = host_files(output), output.parent
    yield output, lambda path: save_part(model, parts.main, parts.main_outputs, path)
    if parts.head:
        yield folder / files.head, lambda p: save_part(model, parts.head, parts.head_outputs, p)
    if parts.tail:
        yield folder / files.tail, lambda p: save_part(model, parts.tail, parts.tail_outputs, p)
    code = code_of(adapted, files)
    if code.constants:
        yield folder / files.constants, lambda path: _save_constants(path, code)
    yield folder / files.code, lambda path: _save_text(path, code.text)


def code_of(adapted: Adapted, files: HostFiles) -> HostCode:
    """The host's side as Python."""
    model, parts = adapted.outcome.model, adapted.parts
    ops = (*parts.head, *parts.tail)
    read = {name for op in ops for name in model.graph.op[op].reads} & model.graph.constants
    return host_code(
        model.graph,
        parts,
        None if adapted.packed is None else adapted.packed.layout,
        files,
        {name: constant(model, name) for name in sorted(read)},
        f"{model.name} for {adapted.target.name}",
    )


def _save_constants(path: Path, code: HostCode) -> None:
    arrays: dict[str, Any] = dict(code.constants)
    np.savez(path, **arrays)


def _save_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
