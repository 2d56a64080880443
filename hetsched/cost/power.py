"""Power, where the system tells it: energy counters, sensors, a battery that is being drained.

Nothing is invented: a machine without any of them has no meters, and its power stays unknown.

Source: Linux kernel documentation, admin-guide/pm/powercap.rst, hwmon/sysfs-interface.rst and
ABI/testing/sysfs-class-power.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter

SYS = Path("/sys")
_UV_UA_PER_UW = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One place where the system tells energy or power.

    Attributes:
        name: `package-0`, `cpu_power`, `BAT0`.
        kind: `rapl`, `hwmon` or `battery`.
        energy: file of a counter in microjoules; None where only power is told.
        wraps_at_uj: the counter's range; None where it doesn't say.
        power: gives the present power in microwatts, None when there is none just now.
    """

    name: str
    kind: str
    energy: Path | None = None
    wraps_at_uj: int | None = None
    power: Callable[[], float | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What a meter said while something ran.

    Attributes:
        meter: that said it.
        busy_mw: while it ran.
        idle_mw: before.
        seconds: of running.
    """

    meter: Meter
    busy_mw: float
    idle_mw: float
    seconds: float

    @property
    def drawn_mw(self) -> float:
        """What running added."""
        return max(0.0, self.busy_mw - self.idle_mw)


def meters(root: Path = SYS) -> tuple[Meter, ...]:
    """What this machine has that can be read, the most direct first."""
    return (*_rapl(root), *_hwmon(root), *_batteries(root))


def measure_power(
    meter: Meter, run: Callable[[], object], *, seconds: float, idle: Callable[[float], object]
) -> Power | None:
    """Power before and while something runs again and again; None when the meter fails.

    Args:
        meter: to be read.
        run: the work.
        seconds: of either.
        idle: waits some seconds.
    """
    before = _average_mw(meter, lambda: idle(seconds / 10), seconds)
    busy = _average_mw(meter, run, seconds)
    if before is None or busy is None:
        return None
    return Power(meter=meter, busy_mw=busy, idle_mw=before, seconds=seconds)


def _average_mw(meter: Meter, run: Callable[[], object], seconds: float) -> float | None:
    begin, first = perf_counter(), _energy_uj(meter)
    seen: list[float] = []
    end = monotonic() + seconds
    while monotonic() < end:
        run()
        now = None if meter.power is None else meter.power()
        if now is not None:
            seen.append(now / 1e3)
    last, elapsed = _energy_uj(meter), perf_counter() - begin
    if first is not None and last is not None:
        return _difference_uj(first, last, meter.wraps_at_uj) / elapsed / 1e3
    return median(seen) if seen else None


def _difference_uj(first: int, last: int, wraps_at_uj: int | None) -> int:
    """Between two readings of a counter that may have wrapped once."""
    if last < first and wraps_at_uj is not None:
        return last - first + wraps_at_uj
    return last - first


def _energy_uj(meter: Meter) -> int | None:
    return None if meter.energy is None else _number(meter.energy)


def _rapl(root: Path) -> list[Meter]:
    """Packages only: cores and memory are parts of them, or zones of their own below."""
    found = []
    for zone in sorted((root / "class/powercap").glob("*-rapl:*")):
        counter = zone / "energy_uj"
        if zone.name.count(":") == 1 and _number(counter) is not None:
            wraps = _number(zone / "max_energy_range_uj")
            name = _text(zone / "name") or zone.name
            found.append(Meter(name=name, kind="rapl", energy=counter, wraps_at_uj=wraps))
    return found


def _hwmon(root: Path) -> list[Meter]:
    found = []
    for chip in sorted((root / "class/hwmon").glob("hwmon*")):
        title = _text(chip / "name") or chip.name
        for path in sorted(chip.glob("energy*_input")):
            if _number(path) is not None:
                name = _label(path, title)
                found.append(Meter(name=name, kind="hwmon", energy=path))
        sensors = sorted([*chip.glob("power*_average"), *chip.glob("power*_input")])
        found += [
            Meter(name=_label(path, title), kind="hwmon", power=_reader(path))
            for path in sensors
            if _number(path) is not None
        ]
    return found


def _batteries(root: Path) -> list[Meter]:
    """Batteries tell what the whole device draws, and only while they are drained."""
    return [
        Meter(name=supply.name, kind="battery", power=partial(_battery_uw, supply))
        for supply in sorted((root / "class/power_supply").glob("*"))
        if _text(supply / "type") == "Battery" and _battery_uw(supply) is not None
    ]


def _battery_uw(supply: Path) -> float | None:
    if _text(supply / "status") != "Discharging":
        return None
    power = _number(supply / "power_now")
    if power is not None:
        return float(abs(power))
    volts, amperes = _number(supply / "voltage_now"), _number(supply / "current_now")
    if volts is None or amperes is None:
        return None
    return abs(volts * amperes) / _UV_UA_PER_UW


def _reader(path: Path) -> Callable[[], float | None]:
    def read() -> float | None:
        found = _number(path)
        return None if found is None else float(found)

    return read


def _label(path: Path, title: str) -> str:
    label = _text(path.with_name(path.name.rpartition("_")[0] + "_label"))
    return f"{title} {label or path.name.partition('_')[0]}"


def _number(path: Path) -> int | None:
    text = _text(path)
    try:
        return int(text)
    except ValueError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
