"""What tests of the runtime share."""

import threading
from collections.abc import Iterator

import pytest


@pytest.fixture
def no_thread_stays() -> Iterator[None]:
    """Every thread of hetsched's has ended when the test has."""
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("hetsched-")] == []
