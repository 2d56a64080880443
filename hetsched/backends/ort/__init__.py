"""ONNX Runtime's CPU provider as a backend.

The backend is loaded on first use: other engines need no more than this folder's `session`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hetsched.backends.ort.backend import OrtBackend

__all__ = ["OrtBackend"]


def __getattr__(name: str) -> Any:
    if name != "OrtBackend":
        raise AttributeError(f"module 'hetsched.backends.ort' has no attribute {name!r}")
    from hetsched.backends.ort.backend import OrtBackend

    globals()[name] = OrtBackend
    return OrtBackend
