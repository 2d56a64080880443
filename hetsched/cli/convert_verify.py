"""Comparing a converted model with the original: the files that would be written, run."""

import runpy
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hetsched.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hetsched.backends.base import HostValue
    from hetsched.convert.adapt import Adapted
    from hetsched.ir.model import Model
    from hetsched.runtime.verify import Verified


def verified(model: "Model", adapted: "Adapted") -> "Verified":
    """Compare the original file with the converted model on made-up inputs.

    Op by op: optimised, ONNX Runtime's own roundings would hide those of the rewrites. Where the
    host has a part, the written files are run as its code runs them, which is optimised.

    Raises:
        RunError: when they differ by more than their arithmetic allows.
    """
    from hetsched.backends.reference import reference_outputs
    from hetsched.ir.sample import samples
    from hetsched.runtime.verify import verify

    inputs = samples(model.graph)
    with tempfile.TemporaryDirectory(prefix="hetsched-") as folder:
        actual = _outputs(adapted, inputs, Path(folder) / "converted.onnx")
    expected = reference_outputs(model.path, inputs, optimize=False)
    found = verify(model.graph, expected, actual)
    if not found.passed:
        raise RunError(
            f"nothing was written: output {found.output!r} of the converted model differs by "
            f"{found.max_rel_error} relative to its range, bound {found.bound:g}"
        )
    return found


def _outputs(
    adapted: "Adapted", inputs: "Mapping[str, HostValue]", path: Path
) -> "Mapping[str, HostValue]":
    from hetsched.backends.ort.session import ORT_ERRORS, reason
    from hetsched.backends.reference import reference_outputs
    from hetsched.convert.hosted import host_files, save_adapted

    save_adapted(adapted, path)
    if adapted.whole_parts.is_whole:
        return reference_outputs(path, inputs, optimize=False)
    run = runpy.run_path(str(path.parent / host_files(path).code))["run"]
    try:
        made: Mapping[str, HostValue] = run(dict(inputs))
    except ORT_ERRORS as error:
        raise RunError(
            f"nothing was written: the converted model can't be run: {reason(error)}"
        ) from error
    return made
