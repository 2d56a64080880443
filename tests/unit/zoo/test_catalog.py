"""The catalog: complete, pinned, and helpful about wrong names."""

import re

import pytest

from hetsched.errors import ZooError
from hetsched.zoo import catalog


def test_names_are_in_the_catalogs_order() -> None:
    assert catalog.names()[:4] == ("ppocr-det", "ppocr-rec", "ppocr-cls", "silero-vad")
    assert len(catalog.names()) == 13


@pytest.mark.parametrize("name", catalog.names())
def test_everything_is_pinned(name: str) -> None:
    entry = catalog.entry(name)
    digests = [entry.file_sha256, entry.sha256, entry.package_sha256]
    # The onnx wheel differs per platform; there the model file's digest is the pin.
    assert (entry.package_sha256 is None) == (entry.package == "onnx")
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests if digest is not None)
    assert entry.version[0].isdigit()
    assert entry.licence in ("Apache-2.0", "MIT")
    if entry.weights == "trained":
        assert (entry.sha256, entry.bytes) == (entry.file_sha256, entry.file_bytes)


def test_shapes_are_by_input() -> None:
    assert catalog.entry("silero-vad").shapes == {"input": (1, 576), "state": (2, 1, 128)}


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("ppocr-dett", "did you mean 'ppocr-det'?"),
        ("Resnet50", "did you mean 'resnet50'?"),
        ("bert", "the zoo has ppocr-det, ppocr-rec"),
    ],
)
def test_an_unknown_name_gets_a_hint(wrong: str, hint: str) -> None:
    with pytest.raises(ZooError, match=re.escape(hint)) as caught:
        catalog.entry(wrong)
    assert repr(wrong) in str(caught.value)
