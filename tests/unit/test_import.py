"""`import hetsched` and `hetsched --help` stay light."""

import subprocess
import sys

import pytest

HEAVY = ("onnx", "onnx_ir", "onnxruntime", "onnxscript", "ortools", "pyopencl")


def loaded_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after running `code`."""
    script = f"{code}\nimport sys\nprint('MODULES', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("MODULES"))
    return {name.partition(".")[0] for name in line.split()[1:]}


HELP = "from hetsched.cli import main\ntry:\n    main(['{}'])\nexcept SystemExit:\n    pass"


@pytest.mark.parametrize(
    "code",
    [
        "import hetsched",
        "import hetsched.errors, hetsched.quantity, hetsched.zoo.fetch",
        HELP.format("--help"),
        HELP.format("zoo"),
    ],
    ids=["import", "zoo.fetch", "--help", "zoo"],
)
def test_heavy_packages_stay_out(code: str) -> None:
    assert loaded_after(code).isdisjoint(HEAVY)


def test_every_public_name_loads() -> None:
    script = "import hetsched\nfor name in hetsched.__all__:\n    getattr(hetsched, name)"
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


@pytest.mark.parametrize("before", ["", "hs.Runtime", "import hetsched.plan.build"])
def test_plan_can_be_called_whatever_was_imported_before(before: str) -> None:
    script = (
        f"import hetsched as hs\n{before}\n"
        "made = hs.plan(hs.load('zoo:ppocr-cls'), hs.profile('helio-g90'), seed=1)\n"
        "assert isinstance(made, hs.Plan) and made.options.seed == 1"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


def test_an_unknown_name_is_an_attribute_error() -> None:
    import hetsched

    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = hetsched.nonsense
