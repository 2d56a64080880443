"""Work that the host does around a model: ready-made stages, and how stages cross to a process.

Each ready-made stage is a frozen object with parameters that is called with one value; the arrays
it takes and gives are in its docstring. Names below load their module on first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hetsched.stages.boxes import SsdBoxes, YoloBoxes
    from hetsched.stages.classify import Ranked, Softmax, TopK
    from hetsched.stages.ctc import CtcGreedy, Text
    from hetsched.stages.image import Letterbox, Normalise, Resize
    from hetsched.stages.nms import Detection, Nms
    from hetsched.stages.onnx_file import OnnxFile
    from hetsched.stages.text_boxes import CropText, DbBoxes, TextBox

__all__ = [
    "CropText",
    "CtcGreedy",
    "DbBoxes",
    "Detection",
    "Letterbox",
    "Nms",
    "Normalise",
    "OnnxFile",
    "Ranked",
    "Resize",
    "Softmax",
    "SsdBoxes",
    "Text",
    "TextBox",
    "TopK",
    "YoloBoxes",
]

_HOMES = {
    "CropText": "text_boxes",
    "CtcGreedy": "ctc",
    "DbBoxes": "text_boxes",
    "Detection": "nms",
    "Letterbox": "image",
    "Nms": "nms",
    "Normalise": "image",
    "OnnxFile": "onnx_file",
    "Ranked": "classify",
    "Resize": "image",
    "Softmax": "classify",
    "SsdBoxes": "boxes",
    "Text": "ctc",
    "TextBox": "text_boxes",
    "TopK": "classify",
    "YoloBoxes": "boxes",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hetsched.stages' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"hetsched.stages.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
