"""What this machine's units have around them: links between their memories, and power meters."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from time import sleep

from hetsched.backends.opencl_links import Device, Transfers, devices
from hetsched.cost.bands import Band
from hetsched.cost.links import SIZES, LinkTimes, link_times, measure_copy, timed
from hetsched.cost.measure import on_cpus
from hetsched.cost.measure_load import reference
from hetsched.cost.measured import Host, host, unit_facts
from hetsched.cost.measured_assemble import now
from hetsched.cost.power import Power, measure_power, meters
from hetsched.cost.store import CostStore
from hetsched.cost.store_records import LINK, Measurement, Part
from hetsched.quantity import Origin

POWER_S = 1.0
"""How long power is averaged, idle and busy each."""

SETTLING_S = 0.2


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What was found.

    Attributes:
        links: between CPU units' memories, and to OpenCL devices.
        power: of one busy unit per meter; none where the system tells nothing.
    """

    links: tuple[LinkTimes, ...]
    power: tuple[Power, ...]


def surroundings(store: CostStore, threads: int) -> Surroundings:
    """Measure links and power; the links' times go into the store.

    Args:
        store: where they are kept.
        threads: cores per unit.

    Raises:
        CostError: when the store can't be used.
        BackendError: when an OpenCL device fails.
    """
    here = host(store, threads)
    units = [(core.unit, core.cpus) for cluster in here.clusters for core in cluster.cores]
    found = [*_between(here, units), *_to_devices(units[0])]
    for link in found:
        store.put(_measurement(link), unit_facts(here.clusters[0], threads))
    return Surroundings(links=tuple(found), power=_power(units[0][1]))


def _between(here: Host, units: list[tuple[str, tuple[int, ...]]]) -> Iterator[LinkTimes]:
    """From the first unit to its neighbour, and to the first unit of each other kind."""
    heads = [(cluster.cores[0].unit, cluster.cores[0].cpus) for cluster in here.clusters[1:]]
    for other in dict.fromkeys([*units[1:2], *heads]):
        yield measure_copy(units[0], other)


def _to_devices(home: tuple[str, tuple[int, ...]]) -> Iterator[LinkTimes]:
    for device in devices():
        with on_cpus(home[1]):
            yield from _to_device(home[0], device)


def _to_device(unit: str, device: Device) -> Iterator[LinkTimes]:
    """A write goes there, a read comes back; a map is either, without a copy where it can be."""
    actions = {size: Transfers(device, size).actions() for size in SIZES}
    for how in actions[SIZES[0]]:
        times = timed({size: actions[size][how] for size in SIZES})
        ends = (unit, device.name) if how.endswith("write") else (device.name, unit)
        yield link_times(*ends, how, times)


def _power(cpus: Collection[int]) -> tuple[Power, ...]:
    """Of one busy unit."""
    found = []
    with on_cpus(cpus):
        work = reference()
        for meter in meters():
            sleep(SETTLING_S)
            power = measure_power(meter, work, seconds=POWER_S, idle=sleep)
            if power is not None:
                found.append(power)
    return tuple(found)


def _measurement(link: LinkTimes) -> Measurement:
    whole = link.times[max(link.times)]
    return Measurement(
        kind=LINK,
        digest=f"{link.source} > {link.target} {link.how}",
        measured_at=now(),
        origin=Origin.MEASURED,
        dtype="bytes",
        runs=whole.runs,
        latency_ns=whole.latency_ns,
        low_ns=whole.low_ns,
        high_ns=whole.high_ns,
        title=f"{link.how} {link.source} > {link.target}",
        parts=tuple(_part(size, spread) for size, spread in link.times.items()),
    )


def _part(size: int, spread: Band) -> Part:
    return Part(
        name=f"{size} B",
        ops=(),
        latency_ns=spread.latency_ns,
        low_ns=spread.low_ns,
        high_ns=spread.high_ns,
    )
