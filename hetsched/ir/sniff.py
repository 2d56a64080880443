"""Telling files of other frameworks from ONNX, and naming the converter."""

import zipfile
from pathlib import Path

from hetsched.errors import ModelError

_TORCH = ("a PyTorch file", "torch.onnx.export")
_TFLITE = ("a TensorFlow Lite file", "python -m tf2onnx.convert --tflite FILE")
_GRAPH_DEF = ("a TensorFlow graph", "python -m tf2onnx.convert --graphdef FILE")
_SAVED = ("a TensorFlow SavedModel", "python -m tf2onnx.convert --saved-model DIR")
_KERAS = ("a Keras file", "tf2onnx.convert.from_keras, or model.export to ONNX in Keras 3")
_CAFFE = ("a Caffe model", "caffe2onnx")
_COREML = ("a Core ML model", "onnxmltools.convert_coreml")
_NCNN = ("an ncnn model", "the framework it was trained in (ncnn has no way back)")
_ORT = ("ONNX Runtime's own format", "the ONNX file it was made from")
_PADDLE = ("a PaddlePaddle model", "paddle2onnx")
_MXNET = ("an MXNet model", "mxnet.onnx.export_model")
_OPENVINO = ("an OpenVINO model", "the framework it was trained in (OpenVINO has no way back)")
_SKLEARN = ("a Python pickle", "torch.onnx.export for PyTorch, skl2onnx for scikit-learn")
_SAFETENSORS = ("a file of weights alone", "torch.onnx.export (or optimum-cli export onnx)")

_BY_SUFFIX = {
    ".pt": _TORCH, ".pth": _TORCH, ".pt2": _TORCH, ".ckpt": _TORCH, ".torchscript": _TORCH,
    ".tflite": _TFLITE, ".lite": _TFLITE, ".pb": _GRAPH_DEF, ".pbtxt": _GRAPH_DEF,
    ".h5": _KERAS, ".hdf5": _KERAS, ".keras": _KERAS,
    ".caffemodel": _CAFFE, ".prototxt": _CAFFE, ".mlmodel": _COREML, ".mlpackage": _COREML,
    ".param": _NCNN, ".ort": _ORT, ".pdmodel": _PADDLE, ".pdiparams": _PADDLE,
    ".pkl": _SKLEARN, ".pickle": _SKLEARN, ".joblib": _SKLEARN, ".params": _MXNET,
    ".xml": _OPENVINO, ".safetensors": _SAFETENSORS,
}  # fmt: skip
"""Formats by suffix: what the file is, and what makes ONNX of it."""

_HEAD_BYTES = 4096


def reject_foreign(path: Path) -> None:
    """Refuse what can't be an ONNX file, by what is in it.

    Raises:
        ModelError: in one line, with the tool that makes ONNX of it where there is one.
    """
    if path.is_dir():
        raise ModelError(_directory(path))
    if not path.exists():
        raise ModelError(f"{path} doesn't exist: give an ONNX file or zoo:NAME")
    if not path.is_file():
        raise ModelError(f"{path} is no regular file: give an ONNX file")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise ModelError(f"can't read {path}: {error.strerror or error}") from error
    if not head:
        raise ModelError(f"{path} is empty: give an ONNX file")
    found = _by_content(path, head)
    if found is not None:
        raise ModelError(foreign(path, found))


def suffix_hint(path: Path) -> str:
    """The message for a file that didn't parse: by its suffix when that says more."""
    found = _BY_SUFFIX.get(path.suffix.lower())
    if found is not None:
        return foreign(path, found)
    return f"{path} is truncated or no ONNX model: give a complete ONNX file"


def foreign(path: Path, found: tuple[str, str]) -> str:
    """The message for a file of another framework."""
    return f"{path} is {found[0]}, not ONNX: convert it with {found[1]}"


def _directory(path: Path) -> str:
    if (path / "saved_model.pb").exists():
        return foreign(path, _SAVED)
    if path.suffix.lower() in _BY_SUFFIX:
        return foreign(path, _BY_SUFFIX[path.suffix.lower()])
    return f"{path} is a directory: give the ONNX file in it"


def _by_content(path: Path, head: bytes) -> tuple[str, str] | None:
    suffix = _BY_SUFFIX.get(path.suffix.lower())
    if head.startswith(b"PK\x03\x04"):
        return _zip(path) or suffix or ("a zip archive", "unzip, and give the ONNX file in it")
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _KERAS
    if head[4:8] == b"TFL3":
        return _TFLITE
    if head[4:8] == b"ORTM":
        return _ORT
    if head.startswith(b"7767517"):
        return _NCNN
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return suffix or _SKLEARN
    return _text(head)


def _zip(path: Path) -> tuple[str, str] | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return None
    if any(name.endswith(("data.pkl", "constants.pkl")) for name in names):
        return _TORCH
    return _KERAS if "model.weights.h5" in names else None


def _text(head: bytes) -> tuple[str, str] | None:
    if head.lstrip().startswith(b"<?xml") and b"<net" in head:
        return _OPENVINO
    if b"\0" not in head and b"layer" in head and (b"bottom:" in head or b"top:" in head):
        return _CAFFE
    return None
