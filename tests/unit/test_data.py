"""Where data and cache lie."""

from pathlib import Path

import pytest

from hetsched.data import cache_dir, data_dir
from hetsched.errors import HetschedError


def test_profiles_are_found() -> None:
    assert (data_dir("profiles") / "helio-g90.toml").is_file()


def test_kernels_are_found() -> None:
    assert (data_dir("opencl") / "conv.cl").is_file()


def test_a_missing_folder_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("hetsched.data._PACKAGE", tmp_path / "hetsched")
    with pytest.raises(HetschedError, match="'profiles' is missing"):
        data_dir("profiles")


def test_installed_data_is_found_without_a_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "hetsched"
    (package / "_data" / "profiles").mkdir(parents=True)
    monkeypatch.setattr("hetsched.data._PACKAGE", package)
    assert data_dir("profiles") == package / "_data" / "profiles"


def test_the_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "hetsched"


@pytest.mark.parametrize("value", ["", "relative/path"])
def test_a_useless_xdg_value_is_ignored(
    value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "hetsched"
