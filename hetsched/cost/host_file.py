"""This machine as a profile file, with rates from what was measured on it."""

import json
from collections.abc import Iterator, Sequence

import msgspec

from hetsched.backends.ort_profile import runtime_version
from hetsched.cost.host_rates import DTYPE, Sample, host_rates, samples
from hetsched.cost.measured import Host, costs_on, host, table
from hetsched.cost.measured_links import Surroundings
from hetsched.cost.power import Power
from hetsched.cost.store import CostStore
from hetsched.ir.model import Model
from hetsched.quantity import Origin
from hetsched.soc.figure import Figure
from hetsched.soc.profile import Profile
from hetsched.soc.unit import Unit

_HEAD = """\
# Written by `hetsched measure --profile-out`: this machine, {title}.
# Its rates were fitted to the groups of ops that were measured here, and cost any model. For one
# that was measured itself, `--profile host` is nearer: it takes each group's own time.
"""


def measured_profile(
    models: Sequence[Model],
    store: CostStore,
    threads: int,
    around: Surroundings | None,
    name: str,
) -> Profile:
    """This machine with rates that reproduce what was measured.

    Args:
        models: measured ones: their groups are taken from the store, or measured now.
        store: that holds them.
        threads: cores per unit.
        around: power of a busy unit, where something told it.
        name: of the profile.

    Raises:
        CostError: when no model has arithmetic to learn from, or the store can't be used.
    """
    here = host(store, threads)
    found: dict[str, list[Sample]] = {unit.name: [] for unit in here.profile.units}
    for model in models:
        costs = table(here, costs_on(here, model, budget_s=0.0))
        for unit, rows in found.items():
            rows.extend(samples(model.graph, costs, unit))
    names = ", ".join(model.name for model in models)
    source = f"{runtime_version()} on this machine: {names}"
    power = around.power[0] if around is not None and around.power else None
    return Profile(
        name=name,
        title=here.profile.title,
        home=here.profile.home,
        units=tuple(_unit(unit, found, source, power) for unit in here.profile.units),
        links=here.profile.links,
        unknown=_unknown(here),
    )


def host_text(profile: Profile) -> str:
    """The profile as a file."""
    lines = [_HEAD.format(title=profile.title or profile.name)]
    lines += [f"schema = {profile.schema}", f"name = {json.dumps(profile.name)}"]
    lines += [f"title = {_value(profile.title)}", f"home = {_value(profile.home)}"]
    lines.append(f"unknown = {_value(profile.unknown)}")
    for unit in profile.units:
        lines += ["", "[[units]]", *_fields(unit, skip=("rates", "calibrate", "calibration"))]
        for dtype, rates in unit.rates.items():
            lines += ["", f"[units.rates.{dtype}]", *_fields(rates)]
    for link in profile.links:
        lines += ["", "[[links]]", *_fields(link)]
    return "\n".join(lines) + "\n"


def _unit(unit: Unit, found: dict[str, list[Sample]], source: str, power: Power | None) -> Unit:
    rates = {DTYPE: host_rates(found[unit.name], source)}
    if power is None:
        return msgspec.structs.replace(unit, rates=rates)
    figure = Figure(
        value=round(power.drawn_mw, 1),
        unit="mW",
        origin=Origin.MEASURED,
        source=f"{power.meter.kind} {power.meter.name}: busy less idle, {power.seconds:g} s each",
    )
    return msgspec.structs.replace(unit, rates=rates, power=figure, unknown=())


def _unknown(here: Host) -> tuple[str, ...]:
    return here.profile.unknown


def _fields(struct: msgspec.Struct, skip: Sequence[str] = ()) -> Iterator[str]:
    """A line per field that differs from its default."""
    for field in msgspec.structs.fields(struct):
        value = getattr(struct, field.name)
        if field.name not in skip and value is not None and value != field.default and value != ():
            yield f"{field.encode_name} = {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, Figure):
        return "{ " + ", ".join(_fields(value)) + " }"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)
