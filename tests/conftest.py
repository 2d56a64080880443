"""What all tests share: fixed seeds, the `full` counts, and no silent skips.

* `HETSCHED_FULL=1` (or `-m full`) also runs what is marked `full`, and gives Hypothesis more
  examples; else those tests are deselected, not skipped.
* `HETSCHED_NO_SKIP=1` (or `CI`) turns a skip into a failure, unless ALLOWED_SKIPS explains it.
"""

import os
from collections.abc import Generator, Mapping

import pytest
from hypothesis import HealthCheck, settings

ALLOWED_SKIPS: Mapping[str, str] = {}
"""Start of a test's id to why it may be skipped, even where nothing may be skipped silently."""

FULL = os.environ.get("HETSCHED_FULL", "") not in ("", "0")
STRICT = any(
    os.environ.get(name, "") not in ("", "0", "false") for name in ("HETSCHED_NO_SKIP", "CI")
)

_COMMON = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("sample", _COMMON, max_examples=50)
settings.register_profile("full", _COMMON, max_examples=1000)
settings.load_profile("full" if FULL else "sample")

_skipped: dict[str, str] = {}


def _wants_full(config: pytest.Config) -> bool:
    return FULL or "full" in str(config.getoption("markexpr"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the full counts unless they were asked for."""
    if _wants_full(config):
        return
    left_out = [item for item in items if item.get_closest_marker("full")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("full")]


def _excuse(test: str) -> str | None:
    return next((why for start, why in ALLOWED_SKIPS.items() if test.startswith(start)), None)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    why = report.longrepr
    return str(why[2] if isinstance(why, tuple) else why).removeprefix("Skipped: ")


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make a failure of a skip that nothing explains, where skips aren't allowed."""
    if not STRICT or not report.skipped or hasattr(report, "wasxfail") or _excuse(report.nodeid):
        return
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid} should run here, but was skipped: {_reason(report)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look at every test's report."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Look at every file's report: a whole file may be skipped at its import."""
    report = yield
    _refuse_skip(report)
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what didn't run though nobody can help it."""
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped[report.nodeid] = _excuse(report.nodeid) or _reason(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say out loud what didn't run."""
    for test, reason in sorted(_skipped.items()):
        terminalreporter.write_line(f"NOT RUN {test}: {reason}")
