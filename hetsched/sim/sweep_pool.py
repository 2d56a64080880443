"""Where a sweep's points are simulated: processes of this machine, or a Dask cluster's workers."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from hetsched.errors import HetschedError, WorkloadError
from hetsched.sim.sweep import Task, run_task

AHEAD = 4
"""So many tasks per worker are under way: enough to keep it busy, few enough to stop soon."""


def run_local(
    todo: Iterable[Task],
    jobs: int | None = None,
    work: Callable[[Task], tuple[str, str]] = run_task,
) -> Iterator[tuple[str, str]]:
    """Simulate on this machine's cores; (key, result) in the order in which they are done.

    Args:
        todo: taken as workers become free.
        jobs: processes; one per core that this process may use where left out, none for 1.
        work: what is done with each.

    Raises:
        WorkloadError: when a worker process dies.
    """
    jobs = jobs or len(os.sched_getaffinity(0))
    if jobs == 1:
        yield from map(work, todo)
        return
    # Forking a process with threads may lock up the child.
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        under_way: set[Future[tuple[str, str]]] = set()
        try:
            for task in todo:
                under_way.add(pool.submit(work, task))
                while len(under_way) >= AHEAD * jobs:
                    done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                    yield from (each.result() for each in done)
            while under_way:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                yield from (each.result() for each in done)
        except BrokenProcessPool as error:
            raise WorkloadError(
                "a worker process died, as if killed or out of memory: what is done is kept; run "
                "the same sweep again and it goes on from there"
            ) from error
        finally:
            for each in under_way:
                each.cancel()


def run_on_cluster(
    todo: Iterable[Task],
    address: str,
    work: Callable[[Task], tuple[str, str]] = run_task,
    timeout_s: float = 20.0,
) -> Iterator[tuple[str, str]]:
    """Simulate on the workers of a Dask scheduler; a dead worker's tasks go to the others.

    Args:
        todo: each is handed over as soon as it is there; the scheduler balances them.
        address: `tcp://host:port`.
        work: what is done with each.
        timeout_s: for reaching the scheduler.

    Raises:
        WorkloadError: when it can't be reached, is lost, or a task has taken several workers down.
    """
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=timeout_s, set_as_default=False)
    except (OSError, ValueError) as error:
        raise WorkloadError(
            f"no Dask scheduler answers at {address}: {error}; `dask scheduler` starts one, and "
            "`dask worker ADDRESS` a worker"
        ) from error
    with client:
        under_way = distributed.as_completed(loop=client.loop)
        for task in todo:  # made one by one: what is done meanwhile is handed on at once
            under_way.add(client.submit(work, task, key=task.key, pure=False))
            while under_way.has_ready():
                yield _result(next(under_way), address)
        for future in under_way:
            yield _result(future, address)


def _result(future: Any, address: str) -> tuple[str, str]:
    try:
        key, result = future.result()
    except HetschedError:
        raise
    except Exception as error:  # whatever a worker or the network came to
        raise WorkloadError(
            f"a point failed on the cluster at {address}: {type(error).__name__}: {error}; what is "
            "done is kept, and the same sweep goes on from there"
        ) from error
    future.release()
    return key, result


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise WorkloadError(
            "--cluster needs dask.distributed: pip install 'hetsched[cluster]'"
        ) from error
    return distributed
