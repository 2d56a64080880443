"""A shorter run of benchmarks/soak.py: nothing grows; and what that would notice."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import FULL

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
MIB = 2**20
SHORT = ("--minutes", "0.33", "--load", "0.5", "--apps", "silero-vad,ppocr-cls,squeezenet")
LONG = ("--minutes", "5", "--load", "0.9")


def test_nothing_grows() -> None:
    """In a process of its own: this one's memory has seen other tests."""
    command = [sys.executable, str(BENCHMARKS / "soak.py"), *(LONG if FULL else SHORT)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.splitlines()[-1] == "flat: no growth of memory, descriptors or threads"


@pytest.fixture
def soak(monkeypatch: pytest.MonkeyPatch) -> "ModuleType":
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import soak

    return soak


def course(soak: Any, **growing: float) -> list[Any]:
    """A hundred looks at a process of 100 MiB; what grows does so at every look."""
    usual = {"rss_bytes": 100 * MIB, "descriptors": 12, "threads": 8, "processor_s": 0}
    return [
        soak.Seen(
            at_s=number,
            **{name: value + int(growing.get(name, 0) * number) for name, value in usual.items()},
        )
        for number in range(100)
    ]


@pytest.mark.parametrize(
    ("growing", "says"),
    [
        ({}, None),
        ({"processor_s": 1}, None),
        # Over the 72 s from the first stretch's median to the last one's (looks 20 to 27, whose
        # low median is 23, and 92 to 99: 95): 72 x 20 KiB = 1.4 MiB, under 2% of 100 MiB.
        ({"rss_bytes": 20 * 1024}, None),
        # 72 x 40 KiB = 2.8 MiB; at look 23 it has grown to 100.9 MiB.
        ({"rss_bytes": 40 * 1024}, "memory grew by 2.8 MiB, more than 2% of 100.9 MiB"),
        ({"descriptors": 1 / 30}, "descriptors grew from 12 to 15"),
        ({"threads": 1 / 30}, "threads grew from 8 to 11"),
        ({"threads": 1 / 50}, None),  # 8 to 9: one that starts late
    ],
)
def test_growth_is_noticed(soak: Any, growing: dict[str, float], says: str | None) -> None:
    assert soak.faults(course(soak, **growing)) == ([] if says is None else [says])
