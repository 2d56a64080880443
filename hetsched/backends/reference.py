"""The whole model in a plain ONNX Runtime session: what a plan's numbers are compared with."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hetsched.backends.base import HostValue, StageSpec
from hetsched.backends.ort.session import make_session
from hetsched.backends.ort.stage import OrtExecutable, Port
from hetsched.errors import BackendError
from hetsched.ir.custom import needs_reference, registered


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
    if any(needs_reference(domain, name) for domain, name in registered()) and _has_custom(path):
        return _by_parts(path, inputs)
    try:
        session = make_session(path, threads=1, optimize=optimize)
    except BackendError as error:
        raise BackendError(f"ONNX Runtime can't load the unsplit model: {error}") from error
    whole = OrtExecutable(
        "the unsplit model",
        session,
        [Port(name=i.name, inner=i.name, kind=i.type) for i in session.get_inputs()],
        [Port(name=o.name, inner=o.name, kind=o.type) for o in session.get_outputs()],
    )
    made = whole.run(inputs)
    return {name: buffer.host() for name, buffer in zip(whole.outputs, made, strict=True)}


def _has_custom(path: Path) -> bool:
    from hetsched.ir.parts import read_nodes  # heavy

    return any(needs_reference(node.domain, node.op_type) for node in read_nodes(path).nodes)


def _by_parts(path: Path, inputs: Mapping[str, HostValue]) -> dict[str, HostValue]:
    """A model with custom ops as one stage: ONNX Runtime between them, their NumPy references."""
    from hetsched.backends.ort import OrtBackend
    from hetsched.ir.load import load  # heavy

    shapes = {name: value.shape for name, value in inputs.items() if isinstance(value, np.ndarray)}
    model = load(path, shapes=shapes)
    graph = model.graph
    spec = StageSpec(id="whole", ops=tuple(op.name for op in graph.ops), outputs=graph.outputs)
    (whole,) = OrtBackend().compile(model, [spec])
    made = dict(zip(whole.outputs, whole.run(inputs), strict=True))
    return {name: made[name].host() if name in made else inputs[name] for name in graph.outputs}
