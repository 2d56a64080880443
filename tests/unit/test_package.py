"""What is in the wheel and the sdist, and that an install from the wheel works."""

import ast
import email
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import hetsched
from hetsched import _core

ROOT = Path(__file__).parents[2]
STUB = Path(hetsched.__file__).with_name("_core.pyi")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as `pip install .` does it, with the build tools at hand."""
    folder = tmp_path_factory.mktemp("dist")
    options = ["--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--quiet"]
    build_dir = f"--config-settings=build-dir={ROOT / 'build' / 'wheel-test'}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        *options,
        build_dir,
        "-w",
        str(folder),
        str(ROOT),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("hetsched-*.whl")
    return path


def _is_source(path: Path) -> bool:
    return path.is_file() and path.suffix not in (".pyc", ".so")


def test_the_wheel_carries_what_the_package_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, suffix in (("profiles", ".toml"), ("profiles", ".md"), ("partitions", ".json")):
        here = {p.relative_to(ROOT).as_posix() for p in (ROOT / folder).rglob(f"*{suffix}")}
        assert {f"hetsched/_data/{name}" for name in here} <= names
    kernels = {path.name for path in (ROOT / "native" / "opencl").glob("*.cl")}
    assert kernels
    assert {f"hetsched/_data/opencl/{name}" for name in kernels} <= names
    package = ROOT / "hetsched"
    ours = {p.relative_to(ROOT).as_posix() for p in package.rglob("*") if _is_source(p)}
    assert ours <= names
    assert any(name.startswith("hetsched/_core.") and name.endswith(".so") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_carries_nothing_else(wheel: Path) -> None:
    for name in zipfile.ZipFile(wheel).namelist():
        assert name.split("/")[0] in ("hetsched", f"hetsched-{hetsched.__version__}.dist-info")
        assert not name.endswith((".cpp", ".hpp", ".pyc"))


def test_the_version_is_the_packages(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    assert email.message_from_bytes(archive.read(metadata))["Version"] == hetsched.__version__


def test_an_install_finds_its_data_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    # -I and the first place on the path: the checkout and an editable install are out of reach.
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in type(f).__module__]\n"
        "import hetsched, hetsched._core as core; print(hetsched.__file__); print(core.__file__)\n"
        "from hetsched.cli import main; main(['profiles'])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )
    lines = done.stdout.splitlines()
    assert all(Path(line).is_relative_to(tmp_path) for line in lines[:2]), lines[:2]
    assert any("helio-g90" in line for line in lines[2:])


def test_the_sdist_builds_alone(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "build",
        "--sdist",
        "--no-isolation",
        "-o",
        str(tmp_path),
        str(ROOT),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = tmp_path.glob("hetsched-*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"pyproject.toml", "CMakeLists.txt", "LICENSE", "README.md", "native/bindings.cpp"}
    needed |= {p.relative_to(ROOT).as_posix() for p in (ROOT / "native").rglob("*.[ch]pp")}
    needed |= {p.relative_to(ROOT).as_posix() for p in (ROOT / "profiles").iterdir()}
    assert needed <= names
    assert not {name for name in names if name.startswith(("build/", ".venv/", "dist/"))}


def _public(names: set[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def test_the_stub_names_what_the_native_core_has() -> None:
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    stubbed = {
        node.name: node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }
    assert _public(set(stubbed)) == _public(set(dir(_core)))
    for name, node in stubbed.items():
        if not isinstance(node, ast.ClassDef):
            continue
        members = {
            *(n.name for n in node.body if isinstance(n, ast.FunctionDef)),
            *(
                n.target.id
                for n in node.body
                if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
            ),
        }
        assert _public(members) == _public(set(vars(getattr(_core, name)))), name
