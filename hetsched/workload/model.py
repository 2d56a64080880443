"""What a workload is: the structs are the layout of a workload file, key for key.

Times are integers of nanoseconds here and text (`"33ms"`) in the file; rates are per second.
"""

from itertools import pairwise
from typing import Literal, TypeAlias

from hetsched.dispatch import Admission, Full
from hetsched.quantity import Origin
from hetsched.workload.arrivals import Arrivals, Periodic
from hetsched.workload.fields import Ns, Struct, field, refuse_unless
from hetsched.workload.units import UnitCourse
from hetsched.workload.variation import Variation

SCHEMA = 1
Objective: TypeAlias = Literal["latency", "throughput", "energy"]


class Chain(Struct, frozen=True, kw_only=True):
    """A model that is only known as a list of layers, see `hetsched.ir.chain`.

    Attributes:
        file: CSV with the columns model, layer, type, N, K, C, Y, X, R, S, stride_y, stride_x.
        model: which rows of it; all where left out.
        seed: of the random weights that the chain gets.
    """

    file: str
    model: str | None = None
    seed: int = 0


class HostStage(Struct, frozen=True, kw_only=True):
    """Work on the host's CPU before or after the model: decoding, non-maximum suppression.

    Attributes:
        name: for people.
        time_ns: how long it takes.
        origin: where that number comes from.
        source: what was measured or read.
    """

    name: str
    time_ns: Ns = field(name="time")
    origin: Origin
    source: str

    def __post_init__(self) -> None:
        """Refuse a number without a source.

        Raises:
            ValueError: naming the stage.
        """
        refuse_unless(bool(self.name.strip()), "a host stage has no name")
        said = bool(self.source.strip())
        refuse_unless(said, f"host stage {self.name!r}: source is empty: where is its time from?")


class After(Struct, frozen=True, kw_only=True):
    """A cascade: a request comes when one of another app's has been served.

    Attributes:
        app: whose requests trigger it.
        probability: that one does.
        count: how many requests it is then, at once: one per text line that a detector finds.
        deadline: `origin`: it has to end by the deadline of the request at the cascade's beginning;
            `own`: its own deadline counts from its arrival.
    """

    app: str
    probability: float = 1.0
    count: int = 1
    deadline: Literal["origin", "own"] = "origin"

    def __post_init__(self) -> None:
        """Check the probability.

        Raises:
            ValueError: naming it.
        """
        fits = 0 < self.probability <= 1
        refuse_unless(fits, f"probability {self.probability:g} must be above 0 and at most 1")
        refuse_unless(1 <= self.count <= 100, f"count {self.count} must be 1 to 100")


class Change(Struct, frozen=True, kw_only=True):
    """The load from some time on.

    Attributes:
        at_ns: since the start.
        scale: times the declared rate; 0 for no requests at all.
    """

    at_ns: Ns = field(name="at")
    scale: float

    def __post_init__(self) -> None:
        """Check the scale.

        Raises:
            ValueError: naming it.
        """
        refuse_unless(0 <= self.scale < 1e6, f"scale {self.scale:g} must be from 0 to a million")


class Span(Struct, frozen=True, kw_only=True):
    """A time in which an app is there: `{ from = "10s", to = "20s" }`."""

    from_ns: Ns = field(name="from")
    to_ns: Ns = field(name="to")

    def __post_init__(self) -> None:
        """Check the order.

        Raises:
            ValueError: when it ends before it begins.
        """
        refuse_unless(self.from_ns < self.to_ns, "a span's `to` must come after its `from`")


class Score(Struct, frozen=True, kw_only=True):
    """Parameters of XRBench's score; without them only latency and drops are scored.

    Attributes:
        k_per_ms: steepness of the real-time term around the deadline.
        energy_max_mj: a request that takes this much energy scores nothing.
        source: where the two come from.
    """

    k_per_ms: float
    energy_max_mj: float | None = None
    source: str

    def __post_init__(self) -> None:
        """Refuse a number without a source.

        Raises:
            ValueError: naming the parameter.
        """
        refuse_unless(self.k_per_ms > 0, f"k_per_ms {self.k_per_ms:g} must be above 0")
        most = self.energy_max_mj
        refuse_unless(most is None or most > 0, f"energy_max_mj {most} must be above 0")
        refuse_unless(bool(self.source.strip()), "source is empty: say where k and Emax come from")


class App(Struct, frozen=True, kw_only=True):
    """A declared stream of requests.

    Attributes:
        name: unique in the workload.
        plan: a plan file; else it is planned from `model` or `chain`.
        model: `zoo:NAME`, or an ONNX file.
        chain: layers of a model whose ONNX file isn't at hand.
        shapes: input shapes to freeze.
        objective: of its plan; the workload's where left out.
        rate: requests per second, one every 1 / rate: short for periodic arrivals.
        arrivals: when requests come.
        after: the app is triggered by another one instead.
        deadline_ns: since a request's arrival; None for none.
        priority: for the policy `priority`.
        weight: for the policy `weighted-fair`.
        late: `drop` what can't meet its deadline any more, or `run` it all the same.
        timeout_ns: a request that takes longer is cancelled, its caller has gone; None for never.
        capacity: how many requests may wait for their first stage.
        full: what happens when they are that many.
        admission: which requests are let in.
        pre: host stages before the model.
        post: host stages after it.
        load: changes of its own load, beside the workload's.
        active: when it is there; always where left out.
        variation: of its stages' times from run to run; none where left out.
    """

    name: str
    plan: str | None = None
    model: str | None = None
    chain: Chain | None = None
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    objective: Objective | None = None
    rate: float | None = None
    arrivals: Arrivals | None = None
    after: After | None = None
    deadline_ns: Ns | None = field(name="deadline", default=None)
    priority: int = 0
    weight: float = 1.0
    late: Literal["drop", "run"] = "drop"
    timeout_ns: Ns | None = field(name="timeout", default=None)
    capacity: int | None = None
    full: Full = "reject"
    admission: Admission = "all"
    pre: tuple[HostStage, ...] = ()
    post: tuple[HostStage, ...] = ()
    load: tuple[Change, ...] = ()
    active: tuple[Span, ...] = ()
    variation: Variation | None = None

    def __post_init__(self) -> None:
        """Check what one app says about itself.

        Raises:
            ValueError: naming the app, the key and what would be accepted.
        """
        refuse_unless(bool(self.name.strip()), "an app has no name")
        try:
            self._check()
        except ValueError as error:
            raise ValueError(f"app {self.name!r}: {error}") from None

    def _check(self) -> None:
        given = [n for n in ("plan", "model", "chain") if getattr(self, n) is not None]
        refuse_unless(len(given) == 1, _one_of("plan, model, chain", given))
        given = [n for n in ("rate", "arrivals", "after") if getattr(self, n) is not None]
        refuse_unless(len(given) == 1, _one_of("rate, arrivals, after", given))
        refuse_unless(
            self.rate is None or self.rate > 0,
            f"rate {self.rate} must be above 0, in requests per second",
        )
        refuse_unless(
            self.deadline_ns is None or self.deadline_ns > 0, "deadline must be above 0, as '33ms'"
        )
        refuse_unless(
            self.timeout_ns is None or self.timeout_ns > 0, "timeout must be above 0, as '100ms'"
        )
        fits = 0.001 <= self.weight <= 1e9
        refuse_unless(fits, f"weight {self.weight:g} must be from 0.001 to 1e9")
        fits = self.capacity is None or self.capacity > 0
        refuse_unless(fits, f"capacity {self.capacity} must be 1 or more")
        for shape in self.shapes.values():
            refuse_unless(all(dim >= 0 for dim in shape), f"shapes has a negative one: {shape}")
        _check_order("load", [change.at_ns for change in self.load])
        _check_order("active", [at for span in self.active for at in (span.from_ns, span.to_ns)])

    @property
    def pattern(self) -> Arrivals | None:
        """Its arrivals, None for an app that another one triggers."""
        return Periodic(rate=self.rate) if self.rate is not None else self.arrivals


class Workload(Struct, frozen=True, kw_only=True):
    """A set of apps with arrival patterns.

    Attributes:
        schema: version of this layout.
        name: short, for people.
        title: for people.
        notes: what is assumed, and where the rest comes from.
        policy: the default; a command's `--policy` wins.
        order: for the policy `static`: apps in the order of their turns.
        duration_ns: how long requests come, by default.
        seed: of everything that is random, by default.
        objective: of plans that are made.
        planning: `alone`, each app as if it had the SoC for itself; or `joint`, each app's plan
            chosen so that the busiest unit is least busy, see `hetsched.workload.joint`.
        impossible: `refuse` a deadline that no plan can meet, or `run` it: every request will be
            late or dropped.
        load: changes of all apps' load together.
        score: parameters of XRBench's score.
        units: what happens to units of the SoC meanwhile, by name.
        apps: at least one.
    """

    schema: int = SCHEMA
    name: str
    title: str = ""
    notes: tuple[str, ...] = ()
    policy: str = "edf"
    order: tuple[str, ...] = ()
    duration_ns: Ns = field(name="duration", default=Ns(60_000_000_000))
    seed: int = 0
    objective: Objective = "latency"
    planning: Literal["alone", "joint"] = "alone"
    impossible: Literal["refuse", "run"] = "refuse"
    load: tuple[Change, ...] = ()
    score: Score | None = None
    units: dict[str, UnitCourse] = field(default_factory=dict)
    apps: tuple[App, ...]

    def __post_init__(self) -> None:
        """Check that the apps fit together.

        Raises:
            ValueError: naming the app, the key and what would be accepted.
        """
        from hetsched.workload.checks import check_workload

        refuse_unless(self.schema == SCHEMA, f"schema {self.schema} is not {SCHEMA}, the one read")
        check_workload(self)
        _check_order("load", [change.at_ns for change in self.load])

    def app(self, name: str) -> App:
        """The app of that name.

        Raises:
            KeyError: when there is none.
        """
        for app in self.apps:
            if app.name == name:
                return app
        raise KeyError(name)


def carried_deadline(workload: Workload, app: App) -> tuple[int | None, list[str]]:
    """The deadline that an app's requests carry, and the apps of the cascade that it counts from.

    Those come in the order in which they run, without the app itself; none where it has its own.
    """
    before: list[str] = []
    at = app
    while at.after is not None and at.after.deadline == "origin":
        at = workload.app(at.after.app)
        before.insert(0, at.name)
    return at.deadline_ns, before


def _one_of(accepted: str, given: list[str]) -> str:
    seen = " and ".join(given) if given else "none of them"
    return f"give exactly one of {accepted}; it has {seen}"


def _check_order(key: str, times: list[Ns]) -> None:
    rises = all(before < after for before, after in pairwise(times))
    refuse_unless(rises, f"{key}: times must rise from one entry to the next")
