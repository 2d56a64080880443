"""What a model's file says about itself beside the graph: labels, alphabets, versions."""

import onnx

from hetsched.ir.model import Model


def metadata(model: Model) -> dict[str, str]:
    """The file's metadata properties: `character` of PaddleOCR's recognisers, for one."""
    found = onnx.load(str(model.path), load_external_data=False)
    return {one.key: one.value for one in found.metadata_props}
