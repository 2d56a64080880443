"""A plan's subgraphs measured whole, as they run: compiled together, one after the other.

Summed costs of groups leave out what only shows in a stage: which values find the cache warm, what
the backend does differently at a cut. So the stages themselves are timed, in the plan's order.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from time import monotonic

from hetsched.backends.base import (
    Backend,
    Buffer,
    Executable,
    HostValue,
    StageSpec,
    is_emulated,
)
from hetsched.backends.ort import OrtBackend
from hetsched.backends.ort_profile import RunTime, timed
from hetsched.cost.bands import Band, band, relative_error
from hetsched.cost.measure import Progress, on_cpus, pin, work_ns
from hetsched.cost.measure_load import MIN_ROUNDS
from hetsched.errors import BackendError, CostError, ModelError
from hetsched.ir.model import Model
from hetsched.ir.sample import samples

SETTLED = 0.01
WARM_UP_ROUNDS = 3
MAX_BLOCK = 50
BLOCK_NS = 20_000_000
"""Rounds in a row, at most so many and for about so long."""


def measure_stages(
    model: Model,
    stages: Sequence[StageSpec],
    cpus: Sequence[Sequence[int]],
    *,
    threads: int,
    budget_s: float,
    backend: Backend | None = None,
    progress: Progress | None = None,
) -> tuple[Band, ...]:
    """Time of each stage, its dispatch included.

    Args:
        model: whose ops they are.
        stages: in an order in which they can run.
        cpus: per stage, the CPUs of its unit.
        threads: of each run.
        budget_s: wall time for running; some rounds run whatever it is.
        backend: that compiles them; by default one with the user's cache, where a run finds them.
        progress: told the share that is done.

    Raises:
        CostError: when the stages can't run here, no input data can be made up, or the backend only
            emulates its hardware.
    """
    if backend is not None and is_emulated(backend):
        raise CostError(f"backend {backend.name!r} emulates its hardware: its times enter no cost")
    units = [tuple(row) for row in cpus]
    every = sorted({cpu for row in units for cpu in row})
    try:
        with on_cpus(every), _workers(units) as workers:
            compiled = (backend or OrtBackend(threads=threads)).compile(model, stages)
            chain = _Chain(model, compiled, [workers[unit] for unit in units], threads)
            return _bands(chain, budget_s, progress)
    except (BackendError, ModelError) as error:
        raise CostError(f"{model.name}: a subgraph can't be measured here: {error}") from error


@contextmanager
def _workers(units: Sequence[tuple[int, ...]]) -> Iterator[Mapping[tuple[int, ...], Executor]]:
    """A thread per unit, kept on its CPUs, as a runtime has them."""
    with ExitStack() as stack:
        yield {
            unit: stack.enter_context(
                ThreadPoolExecutor(1, "hetsched-stage", initializer=pin, initargs=(unit,))
            )
            for unit in dict.fromkeys(units)
        }


class _Chain:
    """Stages that hand their values on, from made-up inputs that the model takes."""

    def __init__(
        self,
        model: Model,
        compiled: Sequence[Executable],
        workers: Sequence[Executor],
        threads: int,
    ) -> None:
        self._compiled = compiled
        self._workers = workers
        self._threads = threads
        self._alone = len({id(worker) for worker in workers}) == 1
        *others, last = (samples(model.graph, whole=number) for number in (None, 1, 0))
        for feeds in others:
            self._feeds: Mapping[str, HostValue] = feeds
            with suppress(BackendError):
                self.run()
                return
        self._feeds = last
        self.run()

    def run(self) -> list[RunTime]:
        if self._alone:
            return self._workers[0].submit(self._run_all).result()
        values: dict[str, Buffer | HostValue] = dict(self._feeds)
        return [
            worker.submit(self._stage, at, values).result()
            for at, worker in enumerate(self._workers)
        ]

    def _run_all(self) -> list[RunTime]:
        values: dict[str, Buffer | HostValue] = dict(self._feeds)
        return [self._stage(at, values) for at in range(len(self._compiled))]

    def _stage(self, at: int, values: dict[str, Buffer | HostValue]) -> RunTime:
        stage = self._compiled[at]
        made, run = timed(lambda: stage.run(values), self._threads)
        values.update(zip(stage.outputs, made, strict=True))
        return run


def _bands(chain: _Chain, budget_s: float, progress: Progress | None) -> tuple[Band, ...]:
    started = monotonic()
    warm = [sum(run.work_ns for run in chain.run()) for _ in range(WARM_UP_ROUNDS)]
    block = max(1, min(MAX_BLOCK, BLOCK_NS // max(1, min(warm))))
    rounds: list[list[RunTime]] = []
    while True:
        # In a row: looking at the times after each round would show the next one cold caches.
        rounds.extend([chain.run() for _ in range(block)])
        spent = (monotonic() - started) / budget_s if budget_s > 0 else 1.0
        if progress is not None:
            progress(min(1.0, spent))
        if len(rounds) < MIN_ROUNDS:
            continue
        totals = [sum(run.work_ns for run in row) for row in rounds]
        if spent >= 1.0 or relative_error(totals) <= SETTLED:
            columns = zip(*rounds, strict=True)
            return tuple(band(work_ns(column)) for column in columns)
