"""Values of a model's constants."""

import numpy as np

from hetsched.errors import ModelError
from hetsched.ir.model import Model


def constant(model: Model, name: str) -> np.ndarray:
    """The value of a constant, as `InferenceSession.run` would hand it out: text as `str` objects.

    Raises:
        ModelError: when the model has no constant of that name.
    """
    if name not in model.graph.constants:
        raise ModelError(f"the model has no constant {name!r}")
    stored = model.onnx().graph.initializers[name].const_value
    assert stored is not None, f"constant {name!r} has no value"
    array: np.ndarray = stored.numpy()
    if model.graph.tensors[name].dtype != "string":
        return array
    texts = [item.decode() if isinstance(item, bytes) else item for item in array.reshape(-1)]
    return np.array(texts, dtype=object).reshape(array.shape)
