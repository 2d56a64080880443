"""The whole model in a plain ONNX Runtime session: what a plan's numbers are compared with."""

from collections.abc import Mapping
from pathlib import Path

from hetsched.backends.base import HostValue
from hetsched.backends.ort.session import make_session
from hetsched.backends.ort.stage import OrtExecutable, Port


def reference_outputs(
    path: Path, inputs: Mapping[str, HostValue], *, optimize: bool = True
) -> dict[str, HostValue]:
    """Run an original model file unsplit, in one thread.

    Args:
        path: the ONNX file, as it came.
        inputs: by name; inputs of the file that have a stored value keep it.
        optimize: with all of ONNX Runtime's optimisations, else op by op.

    Returns:
        The outputs by name, in the file's order.

    Raises:
        BackendError: with ONNX Runtime's reason, when it can't load or run the file.
    """
    session = make_session(path, threads=1, optimize=optimize)
    whole = OrtExecutable(
        "the unsplit model",
        session,
        [Port(name=i.name, inner=i.name, kind=i.type) for i in session.get_inputs()],
        [Port(name=o.name, inner=o.name, kind=o.type) for o in session.get_outputs()],
    )
    made = whole.run(inputs)
    return {name: buffer.host() for name, buffer in zip(whole.outputs, made, strict=True)}
