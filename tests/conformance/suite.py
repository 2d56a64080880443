"""Runs cases and counts; `python -m tests.conformance.suite [KIND ...]` prints what it found."""

import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from hetsched.backends.ort import OrtBackend
from hetsched.runtime import RuntimeUnit
from tests.conformance.cases import KINDS, Case, cases
from tests.conformance.pipeline import UNITS, hetsched_failure, onnxruntime_failure

EXCEPTIONS = Path(__file__).with_name("exceptions.toml")


@cache
def exceptions() -> dict[str, str]:
    """Case to the reason why it can't pass with every op its own stage."""
    listed = tomllib.loads(EXCEPTIONS.read_text())
    return {f"{kind}/{name}": why for kind, rows in listed.items() for name, why in rows.items()}


@dataclass(slots=True)
class Counts:
    """What came of some cases.

    Attributes:
        total: cases seen.
        onnxruntime: cases that ONNX Runtime passes on its own.
        passed: of those, cases that pass here.
        excepted: of those, cases that fail as listed.
        wrong: what isn't as it should be: case to reason.
        refused: cases that ONNX Runtime doesn't pass: case to reason.
    """

    total: int = 0
    onnxruntime: int = 0
    passed: int = 0
    excepted: int = 0
    wrong: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"{self.total} cases: ONNX Runtime passes {self.onnxruntime}; of those "
            f"{self.passed} pass with every op its own stage, {self.excepted} fail as listed, "
            f"{len(self.wrong)} are wrong"
        )


def run_cases(chosen: Iterable[Case]) -> Counts:
    """Every case that ONNX Runtime passes must pass here, and every listed exception must fail."""
    counts = Counts()
    for case in chosen:
        run_case(case, counts)
    return counts


def run_case(case: Case, counts: Counts) -> None:
    """Run one case and count what came of it."""
    counts.total += 1
    alone = onnxruntime_failure(case)
    if alone is not None:
        counts.refused[case.id] = alone
        return
    counts.onnxruntime += 1
    with tempfile.TemporaryDirectory() as folder:
        backend = OrtBackend(cache_dir=Path(folder) / "cache")
        units = [RuntimeUnit(name=name, backend=backend) for name in UNITS]
        failure = hetsched_failure(case, Path(folder), units)
    _count(counts, case.id, failure, exceptions().get(case.id))


def _count(counts: Counts, case: str, failure: str | None, listed: str | None) -> None:
    if failure is None and listed is None:
        counts.passed += 1
    elif failure is None:
        counts.wrong[case] = f"passes, but is listed as an exception: {listed}"
    elif listed is None:
        counts.wrong[case] = failure
    else:
        counts.excepted += 1


def main() -> None:
    """Count per kind; what is wrong is told as it is found."""
    for kind in sys.argv[1:] or KINDS:
        counts = Counts()
        for case in cases(kind):
            run_case(case, counts)
            if case.id in counts.wrong:
                print(f"  {case.id}: {' '.join(counts.wrong[case.id].split())[:300]}", flush=True)
            if counts.total % 100 == 0:
                print(f"  {counts}", flush=True)
        print(f"{kind}: {counts}", flush=True)


if __name__ == "__main__":
    main()
