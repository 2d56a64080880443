"""Compiled parts on disk."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hetsched.backends.base import StageSpec
from hetsched.backends.ort import OrtBackend
from hetsched.backends.ort import optimize as optimize_module
from hetsched.backends.ort.cache import Cache, default_folder, host_key
from hetsched.errors import BackendError
from hetsched.ir.model import Model
from tests.unit.backends.tiny import array, conv_chain, feeds, run, stages


def split_in_two(model: Model) -> list[StageSpec]:
    return stages(model.graph, {op.name: int(op.name == "pool") for op in model.graph.ops})


def output(model: Model, backend: OrtBackend) -> np.ndarray:
    return array(run(backend.compile(model, split_in_two(model)), feeds(model))["y"])


def filled(size: int) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        (folder / "data").write_bytes(bytes(size))

    return fill


def test_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "hetsched" / "compiled"


def test_key_has_the_runtime_and_the_cpu() -> None:
    assert host_key().split()[0].count(".") == 2
    assert len(host_key()) > 20


def test_filled_once(tmp_path: Path) -> None:
    calls: list[Path] = []
    cache = Cache(tmp_path / "cache")
    first = cache.get("parts", ["a"], calls.append)
    assert cache.get("parts", ["a"], calls.append) == first
    assert cache.get("parts", ["b"], calls.append) != first
    assert len(calls) == 2
    assert sorted(cache.folder.iterdir()) == sorted({first, *cache.folder.glob("parts-*")})


def test_a_failed_fill_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise BackendError("no")

    cache = Cache(tmp_path / "cache")
    with pytest.raises(BackendError, match="no"):
        cache.get("parts", "a", fail)
    assert list(cache.folder.iterdir()) == []


def test_the_one_unused_for_longest_goes(tmp_path: Path) -> None:
    """Three folders of 100 bytes, room for 250: the oldest use decides, not the oldest folder."""
    cache = Cache(tmp_path / "cache", limit_bytes=250)
    one = cache.get("parts", 1, filled(100))
    two = cache.get("parts", 2, filled(100))
    os.utime(one, (1000, 1000))
    os.utime(two, (2000, 2000))
    cache.get("parts", 1, filled(100))  # used again: now `two` is the older one
    three = cache.get("parts", 3, filled(100))
    assert sorted(cache.folder.iterdir()) == sorted([one, three])


def test_the_newest_stays_whatever_its_size(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", limit_bytes=10)
    assert cache.get("parts", 1, filled(100)).is_dir()


def test_linked_files_count_once(tmp_path: Path) -> None:
    """200 bytes in two folders that share one file of 200: both fit into 250."""
    cache = Cache(tmp_path / "cache", limit_bytes=250)
    one = cache.get("region", 1, filled(200))
    cache.get("parts", 1, lambda folder: os.link(one / "data", folder / "data"))
    assert len(list(cache.folder.iterdir())) == 2


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackendError, match=r"can't (use|write to) .*file"):
        Cache(tmp_path / "file").get("parts", 1, filled(1))


def test_abandoned_folders_are_swept(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    old, young = cache.folder / "new-old", cache.folder / "new-young"
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (1000, 1000))
    cache.get("parts", 1, filled(1))
    assert not old.exists()
    assert young.exists()


def test_the_second_backend_optimises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = conv_chain(tmp_path)
    first = output(model, OrtBackend(cache_dir=tmp_path / "cache"))

    def fail(*_: object) -> None:
        raise AssertionError("optimised again")

    monkeypatch.setattr(optimize_module, "optimize_file", fail)
    assert np.array_equal(output(model, OrtBackend(cache_dir=tmp_path / "cache")), first)


def test_threads_and_stages_are_part_of_the_key(tmp_path: Path) -> None:
    model = conv_chain(tmp_path)
    cache = tmp_path / "cache"
    output(model, OrtBackend(cache_dir=cache))
    before = len(list(cache.glob("parts-*")))
    output(model, OrtBackend(threads=2, cache_dir=cache))
    assert len(list(cache.glob("parts-*"))) == before + 1


@pytest.mark.parametrize("file", ["part0.onnx", "parts.json", "weights.bin"])
@pytest.mark.parametrize("how", ["cut", "flip", "gone"])
def test_spoilt_entries_are_compiled_again(tmp_path: Path, file: str, how: str) -> None:
    model = conv_chain(tmp_path)
    cache = tmp_path / "cache"
    first = output(model, OrtBackend(cache_dir=cache))
    (path,) = cache.glob(f"parts-*/{file}")
    content = path.read_bytes()
    path.unlink()
    if how == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif how == "flip":
        path.write_bytes(content[:100] + bytes([content[100] ^ 0xFF]) + content[101:])
    assert np.array_equal(output(model, OrtBackend(cache_dir=cache)), first)


def test_a_spoilt_region_is_optimised_again(tmp_path: Path) -> None:
    model = conv_chain(tmp_path)
    cache = tmp_path / "cache"
    first = output(model, OrtBackend(cache_dir=cache))
    (region,) = cache.glob("region-*/model.onnx")
    region.write_bytes(b"spoilt")
    label = {op.name: int(op.name != "conv0") for op in model.graph.ops}
    label = {name: int(name in ("conv2", "bn2", "relu2", "pool")) for name in label}
    compiled = OrtBackend(cache_dir=cache).compile(model, stages(model.graph, label))
    assert np.array_equal(array(run(compiled, feeds(model))["y"]), first)


def test_many_at_once(tmp_path: Path) -> None:
    """Whoever comes first fills the folder; the others use it."""
    model = conv_chain(tmp_path)
    found: list[np.ndarray] = []

    def work() -> None:
        found.append(output(model, OrtBackend(cache_dir=tmp_path / "cache")))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(np.array_equal(each, found[0]) for each in found)
    assert not list((tmp_path / "cache").glob("new-*"))


def test_big_weights_are_optimised_in_a_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = conv_chain(tmp_path)
    wanted = output(model, OrtBackend(cache_dir=tmp_path / "here"))
    monkeypatch.setattr(optimize_module, "CHILD_BYTES", 1)
    assert np.array_equal(output(model, OrtBackend(cache_dir=tmp_path / "child")), wanted)
