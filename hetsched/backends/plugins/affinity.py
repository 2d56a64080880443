"""Keeping threads where they were: some engines move those that call them.

OpenVINO remembers the CPU mask of the thread that first used it, and gives it to every thread that
it has run something on. Seen with onnxruntime-ep-openvino 1.8.1.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def process_affinity() -> Iterator[None]:
    """Let the calling thread run where the process's first thread may, and move it back."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, os.sched_getaffinity(os.getpid()))
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)
