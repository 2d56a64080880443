"""An OpenCL device as a backend: one plain kernel per kind of op, float32.

`kernels/` says what an op becomes and `layout` where a stage's values lie, both without any device;
the other files are what pyopencl has to do for that.
"""

from hetsched.backends.opencl.backend import OpenCLBackend

__all__ = ["OpenCLBackend"]
