"""Fetching, with real pip on a folder of made-up wheels in place of an index."""

import hashlib
import sys
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from hetsched.errors import ZooError
from hetsched.zoo import catalog
from hetsched.zoo.catalog import Entry
from hetsched.zoo.fetch import cached_path, fetch

MODEL = b"weights"
ENTRY = Entry(
    what="made up",
    package="madeup-models",
    version="1.2",
    file="madeup/model.onnx",
    file_sha256=hashlib.sha256(MODEL).hexdigest(),
    file_bytes=len(MODEL),
    licence="MIT",
    shapes={"x": (1, 2)},
    weights="trained",
    sha256=hashlib.sha256(MODEL).hexdigest(),
    bytes=len(MODEL),
)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes wheels from, an empty cache, and a zoo of one model."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _use(monkeypatch, ENTRY)
    return folder


def _use(monkeypatch: pytest.MonkeyPatch, entry: Entry) -> None:
    monkeypatch.setattr(catalog, "entries", lambda: {"madeup": entry})


def _make_wheel(folder: Path, files: Mapping[str, bytes]) -> Path:
    """A wheel that depends on something that doesn't exist, for a Python that is long gone."""
    info = "madeup_models-1.2.dist-info"
    metadata = (
        b"Metadata-Version: 2.1\nName: madeup-models\nVersion: 1.2\n"
        b"Requires-Python: <3\nRequires-Dist: there-is-no-such-package\n"
    )
    wheel = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    path = folder / "madeup_models-1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        contents = {**files, f"{info}/METADATA": metadata, f"{info}/WHEEL": wheel}
        for name, content in contents.items():
            archive.writestr(name, content)
        archive.writestr(f"{info}/RECORD", "")
    return path


def test_only_the_model_file_arrives(index: Path, tmp_path: Path) -> None:
    _make_wheel(index, {"madeup/model.onnx": MODEL, "madeup/__init__.py": b"raise SystemExit"})
    path = fetch("madeup")
    assert path == cached_path("madeup")
    assert path.read_bytes() == MODEL
    assert [p for p in (tmp_path / "cache").rglob("*") if p.is_file()] == [path]


def test_a_fetched_model_needs_no_index(index: Path) -> None:
    wheel = _make_wheel(index, {"madeup/model.onnx": MODEL})
    first = fetch("madeup")
    wheel.unlink()
    assert fetch("madeup") == first


def test_a_truncated_file_is_fetched_again(index: Path) -> None:
    _make_wheel(index, {"madeup/model.onnx": MODEL})
    fetch("madeup").write_bytes(MODEL[:3])
    assert fetch("madeup").read_bytes() == MODEL


def test_the_wheels_digest_is_checked(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _make_wheel(index, {"madeup/model.onnx": MODEL})
    _use(monkeypatch, msgspec.structs.replace(ENTRY, package_sha256="0" * 64))
    with pytest.raises(
        ZooError, match=r"madeup_models-1\.2-py3-none-any\.whl has sha256 .* pinned"
    ):
        fetch("madeup")


def test_the_files_digest_is_checked(index: Path) -> None:
    _make_wheel(index, {"madeup/model.onnx": b"weightz"})
    with pytest.raises(ZooError, match=r"madeup/model\.onnx of madeup-models has sha256 .* pinned"):
        fetch("madeup")
    assert not cached_path("madeup").exists()


def test_a_wheel_without_the_file_is_refused(index: Path) -> None:
    _make_wheel(index, {"madeup/other.onnx": MODEL})
    with pytest.raises(ZooError, match=r"doesn't hold 'madeup/model\.onnx'"):
        fetch("madeup")


@pytest.mark.usefixtures("index")
def test_an_unreachable_package_is_one_line() -> None:
    with pytest.raises(
        ZooError, match=r"can't download madeup-models==1\.2: ERROR: No matching"
    ) as c:
        fetch("madeup")
    assert "\n" not in str(c.value)


@pytest.mark.usefixtures("index")
def test_a_python_without_pip_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(ZooError, match=r"has no pip .* ensurepip"):
        fetch("madeup")


def test_a_cache_that_is_a_file_is_named(
    index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _make_wheel(index, {"madeup/model.onnx": MODEL})
    (tmp_path / "blocked").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "blocked"))
    with pytest.raises(ZooError, match=r"can't write .*XDG_CACHE_HOME"):
        fetch("madeup")


def test_two_may_fetch_at_once(index: Path) -> None:
    _make_wheel(index, {"madeup/model.onnx": MODEL})
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(fetch, ["madeup", "madeup"])
    assert first == second
    assert [p.name for p in first.parent.iterdir()] == ["madeup.onnx"]


@pytest.mark.parametrize("name", catalog.names())
def test_every_model_arrives_as_pinned(name: str) -> None:
    digest = hashlib.sha256(fetch(name).read_bytes()).hexdigest()
    assert digest == catalog.entry(name).sha256
