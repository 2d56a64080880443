"""Work that the host does around a model: ready-made stages, and how stages cross to a process.

Each ready-made stage is a frozen object with parameters that is called with one value; the arrays
it takes and gives are in its docstring.
"""

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
