"""From a file to the prepared graph: shapes frozen and inferred, simplified, everything named."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx_ir as ir
import onnx_ir.passes.common as passes

from hetsched.errors import ModelError
from hetsched.ir.build import build_graph
from hetsched.ir.cache import Prepared
from hetsched.ir.digest import file_sha256, prepared_sha256
from hetsched.ir.freeze import freeze
from hetsched.ir.quiet import LIBRARY_ERRORS, one_line, quiet
from hetsched.ir.read import EXTERNAL_FILES, read
from hetsched.ir.steps import prepare


def prepare_file(path: Path, shapes: Mapping[str, Sequence[int]]) -> tuple[Prepared, ir.Model]:
    """Read a file and prepare its graph.

    Args:
        path: an ONNX file.
        shapes: a shape per input; needed for inputs with symbolic dimensions.

    Raises:
        ModelError: when the file can't be used: what is wrong and what would be accepted.
    """
    model = read(path)
    passes.RemoveInitializersFromInputsPass()(model)
    frozen = freeze(model, shapes)
    try:
        with quiet():
            prepare(model)
        graph = build_graph(model)
        prepared = prepared_sha256(model, graph)
    except LIBRARY_ERRORS as error:
        raise ModelError(f"{path} can't be prepared: {one_line(error)}") from error
    found = Prepared(
        sha256=file_sha256(path, model.meta[EXTERNAL_FILES]),
        shapes=frozen,
        graph=graph,
        prepared_sha256=prepared,
    )
    return found, model
