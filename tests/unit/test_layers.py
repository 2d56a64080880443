"""Imports point downward, third-party types stop at their doors: lazy imports count too."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import hetsched

PACKAGE = Path(hetsched.__file__).parent

ORDER = (
    ("errors", "quantity", "data", "logs", "zoo"),
    ("ir",),
    ("soc",),
    ("backends",),
    ("convert",),
    ("cost",),
    ("place",),
    ("plan",),
    ("dispatch",),
    ("workload",),
    ("trace",),
    ("stages",),
    ("runtime", "sim"),
    ("report",),
    ("testing",),
    ("service",),
    ("cli",),
    ("__main__",),
)
"""Layers from the bottom; a layer imports only from itself and from layers before it."""

DOORS = {
    "onnx": ("ir/", "convert/", "zoo/weights.py"),
    "onnx_ir": ("ir/", "convert/"),
    "onnxscript": ("ir/", "convert/"),
    "onnxslim": ("ir/", "convert/"),
    "ortools": ("place/cpsat/",),
    "onnxruntime": ("backends/",),
    "pyopencl": ("backends/",),
    "typer": ("cli/",),
    "rich": ("cli/", "report/"),
    "psutil": ("soc/", "backends/", "cost/", "runtime/"),
}
"""Third-party package to the folders and files that may import it."""

REPORT_SEES = {"errors", "quantity", "plan", "trace", "report"}
"""A report is made from what a plan or a trace says, never by asking the layers that made it."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Dotted names of everything that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            if node.module == "hetsched":
                yield from (f"hetsched.{alias.name}" for alias in node.names)
            else:
                yield node.module


def layer_of(path: Path) -> str | None:
    """Folder or file at the package's top that a file belongs to; None for hetsched/__init__.py."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return None if first == "__init__" else first


def place_of(layer: str) -> int:
    return next(place for place, names in enumerate(ORDER) if layer in names)


def test_every_layer_has_its_place() -> None:
    found = {layer_of(path) for path in modules()} - {None}
    known = {name for names in ORDER for name in names}
    assert found <= known, f"add {found - known} to ORDER"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_downward(path: Path) -> None:
    layer = layer_of(path)
    if layer is None:
        return  # the package's own names load lazily, from any layer
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "hetsched" or parts[1:2] in ([], ["_core"], ["__version__"]):
            continue
        target = parts[1]
        same = target == layer
        assert same or place_of(target) < place_of(layer) or _beside(target, layer), (
            f"{layer} imports {name}, which is not below it"
        )
        if layer == "report":
            assert target in REPORT_SEES, f"report imports {name}"


def _beside(target: str, layer: str) -> bool:
    """The bottom layer's files may use each other, zoo last."""
    bottom = ORDER[0]
    return target in bottom and layer in bottom and bottom.index(target) < bottom.index(layer)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_third_parties_stop_at_their_doors(path: Path) -> None:
    inside = path.relative_to(PACKAGE).as_posix()
    for name in imported(path):
        doors = DOORS.get(name.partition(".")[0])
        assert doors is None or inside.startswith(doors), f"{inside} imports {name}"
