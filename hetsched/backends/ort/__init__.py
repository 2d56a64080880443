"""ONNX Runtime's CPU provider as a backend."""

from hetsched.backends.ort.backend import OrtBackend

__all__ = ["OrtBackend"]
