"""Measuring one model on one kind of unit: what the store knows already isn't measured again."""

import tempfile
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from hetsched.backends.ort_profile import MAX_EVENTS, EmptyStage, ProfilePair, RunTime
from hetsched.cost.bands import Band, band, group_times
from hetsched.cost.host import Cluster
from hetsched.cost.measure import Progress, Turns, hand_offs, on_cpus, repeat, take_turns, work_ns
from hetsched.cost.measure_edges import can_make_up
from hetsched.cost.measure_load import ENOUGH, Load, calm, load, reference
from hetsched.cost.measure_part import Part, part, sweeper, whole
from hetsched.cost.measure_prepared import Prepared, prepare
from hetsched.cost.measured_assemble import assembled, entries, now
from hetsched.cost.measured_pieces import Key, Piece, key_of
from hetsched.cost.store_records import DISPATCH, HAND_OFF, Entry, Measurement
from hetsched.errors import BackendError, CostError, ModelError
from hetsched.ir.model import Model
from hetsched.quantity import Origin

DTYPE = "float32"
EMPTY_RUNS = 400
HAND_OFF_RUNS = 400
WARM_UP_RUNS = 50

READING = 0.1
"""Share of the budget that is left for reading the profiler's records."""

LEAST_WORK = 0.25
"""Share of a whole that its groups have at least: of a model that, run again and again, takes less
than a dispatch with cold caches."""

MOST_IN_PART = 0.7
"""A part with a larger share of the nodes isn't worth its preparation: all are measured."""

Lookup = Callable[[Collection[str]], Sequence[Entry]]
"""Finds what the store knows of some signatures on the unit."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What measuring a model on a unit came to.

    Attributes:
        measurement: of the model, with a part per group.
        fresh: entries for the store; none where it knew all.
        pieces: how many pieces the model has: groups, and changes of layout between kernels.
        reused: how many of them the store knew.
        error: half the 95% confidence interval of the runs' median, relative to it; None without
            runs.
        boundary_ns: what of the model's time is changes of layout.
        load: what other programs did meanwhile; None without runs.
        interrupted: the user ended it; what was measured until then is here.
    """

    measurement: Measurement
    fresh: tuple[Entry, ...]
    pieces: int
    reused: int
    error: float | None
    boundary_ns: int
    load: Load | None
    interrupted: bool


def measure_model(
    model: Model,
    cluster: Cluster,
    *,
    dispatch_ns: int,
    budget_s: float,
    threads: int = 1,
    known: Lookup | None = None,
    progress: Progress | None = None,
) -> Measured:
    """Measure those of a model's groups that aren't known yet.

    The model is optimised whole, as the backend does it; the optimised graph is profiled node by
    node, and the nodes' times go to the groups of ops that they stand for. The groups are scaled so
    that they and one dispatch add up to the plain time of the whole. Where most groups are known,
    only the nodes of the others run, and the same holds for that part.

    Args:
        model: with at least one op.
        cluster: the units' cores.
        dispatch_ns: what a stage without work takes there.
        budget_s: wall time, in which a few runs are made even if it is too short. Where only a part
            runs, its share of that.
        threads: of each run.
        known: what was measured before; None where nothing was on such a unit.
        progress: told the share that is done.

    Raises:
        CostError: when ONNX Runtime can't run the model here, or no input data can be made up.
        KeyboardInterrupt: when the user ends it before there is anything worth keeping.
    """
    started = monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="hetsched-") as folder, on_cpus(cpus(cluster)):
            prepared, found = _prepared(model, threads, Path(folder), known)
            return _Work(model, prepared, cluster, dispatch_ns).run(
                found, started, budget_s * (1 - READING), progress
            )
    except (BackendError, ModelError) as error:
        raise CostError(
            f"{model.name} can't be measured on this machine with made-up inputs: {error}"
        ) from error


def measure_dispatch(cluster: Cluster, threads: int = 1) -> Measurement:
    """Time of a stage that does nothing, after one that left its data in the caches.

    With warm caches it would be less than half of that, which no dispatch between stages sees.
    """
    with on_cpus(cpus(cluster)):
        empty, sweep = EmptyStage(threads), sweeper(cluster.caches.private_bytes)

        def run() -> RunTime:
            sweep()
            return empty.run()

        runs = repeat(run, times=EMPTY_RUNS, warm_up=WARM_UP_RUNS)
    return _fixed(DISPATCH, band(work_ns(runs)))


def measure_hand_off(here: Sequence[int], there: Sequence[int]) -> Measurement:
    """Time from one core's thread to another's.

    Args:
        here: CPUs of the one core.
        there: CPUs of the other.
    """
    times = hand_offs(here, there, times=HAND_OFF_RUNS, warm_up=WARM_UP_RUNS)
    return _fixed(HAND_OFF, band(times))


def cpus(cluster: Cluster) -> list[int]:
    """Of all its cores: a run uses as many as it has threads."""
    return [cpu for core in cluster.cores for cpu in core.cpus]


class _Work:
    def __init__(
        self, model: Model, prepared: Prepared, cluster: Cluster, dispatch_ns: int
    ) -> None:
        self._model = model
        self._prepared = prepared
        self._cluster = cluster
        self._dispatch_ns = dispatch_ns

    def run(
        self,
        found: list[Band | None],
        started: float,
        budget_s: float,
        progress: Progress | None,
    ) -> Measured:
        pieces = self._prepared.pieces
        wanted = _wanted(found)
        if not wanted:
            return self._result(found, (), None, None)
        chosen = self._part(wanted)
        bands, spread, turns = self._measure(chosen, started, budget_s, progress)
        measured = sorted({at for at in chosen.piece_of_node if at is not None})
        for at in measured:
            found[at] = bands[at]
        same = {pieces[at].key: bands[at] for at in measured}
        for at in wanted:
            found[at] = found[at] or same[pieces[at].key]
        fresh = entries([(pieces[at], bands[at]) for at in measured], self._model.name)
        is_whole = len(measured) == sum(1 for piece in pieces if piece.nodes)
        return self._result(found, fresh, turns, spread if is_whole else None)

    def _part(self, wanted: Sequence[int]) -> Part:
        if not _is_part(self._prepared, wanted):
            return whole(self._prepared)
        try:
            return part(self._prepared, _different(self._prepared, wanted))
        except BackendError:  # what crosses its edges is no tensor, say
            return whole(self._prepared)

    def _measure(
        self, chosen: Part, started: float, budget_s: float, progress: Progress | None
    ) -> tuple[list[Band], Band, Turns]:
        folder = self._prepared.folder
        pair = ProfilePair(chosen.path, chosen.feeds, folder, self._prepared.threads)
        nodes = sum(1 for at in chosen.piece_of_node if at is not None)
        share = max(1, nodes) / max(1, len(self._prepared.file.nodes))
        turns = take_turns(
            _Swept(pair, self._sweep_bytes(chosen)) if chosen.rest_bytes else pair,
            budget_s=max(0.0, started + budget_s * _of_budget(share) - monotonic()),
            max_profiled=MAX_EVENTS // max(1, len(chosen.piece_of_node)),
            progress=progress,
            reference=reference(),
            share=share,
        )
        kernels = pair.finish(len(turns.profiled))
        spread = band(work_ns(turns.plain, turns.slow))
        others = len(self._prepared.pieces)
        owner = [chosen.piece_of_node[node] for node in kernels.nodes]
        times = group_times(
            kernels.kernel_ns[_undisturbed(turns)],
            [others if at is None else at for at in owner],
            others + 1,
            max(spread.latency_ns - self._dispatch_ns, round(LEAST_WORK * spread.latency_ns)),
        )
        return list(times.groups[:others]), spread, turns

    def _sweep_bytes(self, chosen: Part) -> int:
        """What the rest of the model would push out of the caches."""
        caches = self._cluster.caches
        return min(chosen.rest_bytes + 2 * caches.private_bytes, 2 * caches.shared_bytes)

    def _result(
        self,
        found: Sequence[Band | None],
        fresh: tuple[Entry, ...],
        turns: Turns | None,
        spread: Band | None,
    ) -> Measured:
        pieces = self._prepared.pieces
        bands = [each for each in found if each is not None]
        measurement = assembled(
            self._model, self._prepared, list(zip(pieces, bands, strict=True)), self._dispatch_ns
        )
        if spread is not None:
            measurement = replace(
                measurement,
                runs=spread.runs,
                latency_ns=spread.latency_ns,
                low_ns=spread.low_ns,
                high_ns=spread.high_ns,
            )
        with_work = sum(1 for piece in pieces if piece.nodes)
        new = {key_of(entry) for entry in fresh}
        measured = sum(1 for piece in pieces if piece.nodes and piece.key in new)
        return Measured(
            measurement=measurement,
            fresh=fresh,
            pieces=with_work,
            reused=with_work - measured,
            error=None if turns is None else turns.error,
            boundary_ns=sum(
                each.latency_ns for piece, each in zip(pieces, bands, strict=True) if piece.boundary
            ),
            load=None if turns is None else load(turns.plain, turns.reference_ns, turns.block),
            interrupted=turns is not None and turns.interrupted,
        )


def _prepared(
    model: Model, threads: int, folder: Path, known: Lookup | None
) -> tuple[Prepared, list[Band | None]]:
    """The optimised model, and what is known of its pieces.

    Where something may be known, first without its weights: often that is enough.
    """
    if known is not None:
        structure = folder / "structure"
        structure.mkdir()
        prepared = prepare(model, threads, structure, hollow=True)
        found = _known(prepared.pieces, known)
        wanted = _wanted(found)
        if not wanted or (_is_part(prepared, wanted) and can_make_up(prepared, wanted)):
            return prepared, found
    full = folder / "full"
    full.mkdir()
    prepared = prepare(model, threads, full)
    return prepared, _known(prepared.pieces, known or (lambda _: ()))


def _wanted(found: Sequence[Band | None]) -> list[int]:
    return [at for at, bands in enumerate(found) if bands is None]


def _of_budget(share: float) -> float:
    """What a part gets of the whole's time: its share, and of that a tenth goes to what follows."""
    return 1.0 if share >= 1.0 else share * (1 - READING)


def _different(prepared: Prepared, wanted: Sequence[int]) -> list[int]:
    """Of equal pieces the first."""
    firsts: dict[Key, int] = {}
    for at in wanted:
        firsts.setdefault(prepared.pieces[at].key, at)
    return sorted(firsts.values())


def _is_part(prepared: Prepared, wanted: Sequence[int]) -> bool:
    nodes = sum(len(prepared.pieces[at].nodes) for at in _different(prepared, wanted))
    return nodes <= MOST_IN_PART * len(prepared.file.nodes)


class _Swept:
    """A pair of which each run finds other data in the caches."""

    def __init__(self, pair: ProfilePair, size_bytes: int) -> None:
        self._pair = pair
        self._sweep = sweeper(size_bytes)

    def plain(self) -> RunTime:
        self._sweep()
        return self._pair.plain()

    def profiled(self) -> RunTime:
        self._sweep()
        return self._pair.profiled()


def _known(pieces: Iterable[Piece], known: Lookup) -> list[Band | None]:
    """What the store has per piece; nothing to measure counts as known to take no time."""
    some = list(pieces)
    stored: dict[Key, Entry] = {
        key_of(entry): entry for entry in known([piece.key.signature for piece in some])
    }
    nothing = Band(latency_ns=0, low_ns=0, high_ns=0, runs=0)
    return [
        _band(stored[piece.key]) if piece.key in stored else None if piece.nodes else nothing
        for piece in some
    ]


def _band(entry: Entry) -> Band:
    return Band(
        latency_ns=entry.latency_ns, low_ns=entry.low_ns, high_ns=entry.high_ns, runs=entry.runs
    )


def _undisturbed(turns: Turns) -> list[int]:
    """Positions of the calm profiled runs, of all where these are few."""
    for good in (calm(turns.profiled, turns.slow), calm(turns.profiled)):
        if len(good) >= ENOUGH:
            return list(good)
    return list(range(len(turns.profiled)))


def _fixed(kind: str, spread: Band) -> Measurement:
    return Measurement(
        kind=kind,
        digest="",
        measured_at=now(),
        origin=Origin.MEASURED,
        dtype=DTYPE,
        runs=spread.runs,
        latency_ns=spread.latency_ns,
        low_ns=spread.low_ns,
        high_ns=spread.high_ns,
    )
