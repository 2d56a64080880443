"""This machine's CPU: its cores, which of them are equal, and what tells it from another.

Sessions of one thread are the default (several threads per session lose on a shared machine), so a
unit of the `host` profile is one physical core.
"""

import os
import platform
from collections.abc import Collection
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from hetsched.cost.store_records import Facts
from hetsched.errors import CostError

CPU_FOLDER = Path("/sys/devices/system/cpu")
CPU_INFO = Path("/proc/cpuinfo")
MAX_UNITS = 8
"""More units than that make planning slow and are no gain for one model."""

SAME_SPEED = 0.85
"""Cores at least this fast, relative to the fastest of a cluster, belong to it.

Source: one cluster's cores may differ by favoured-core boost (a few percent); a big and a little
cluster differ by more than that in capacity or top frequency.
"""

_IDENTITY = (
    "vendor_id", "cpu family", "model", "model name", "stepping",
    "CPU implementer", "CPU variant", "CPU part", "CPU revision",
)  # fmt: skip
_FEATURES = ("flags", "Features")


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """One physical core, or some that work on one stage together.

    Attributes:
        cpus: numbers of its logical CPUs that this process may use, ascending.
        speed: relative to other cores of the same machine: capacity, else top frequency, else 1.
        count: how many cores it is.
    """

    cpus: tuple[int, ...]
    speed: float
    count: int = 1

    @property
    def unit(self) -> str:
        """Name of the unit that it makes: `cpu0`, `cpu0-1` for two cores."""
        return f"cpu{self.cpus[0]}" + (f"-{self.cpus[-1]}" if self.count > 1 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caches:
    """Sizes of a core's caches.

    Attributes:
        private_bytes: of the largest that only this core uses.
        shared_bytes: of the largest.
    """

    private_bytes: int
    shared_bytes: int


UNKNOWN_CACHES = Caches(private_bytes=2**20, shared_bytes=16 * 2**20)
"""Where the system doesn't say: only decides how much is swept out between runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Equal cores: measured once for all.

    Attributes:
        cores: by CPU number.
        facts: what tells its hardware from another's.
        title: for people.
        caches: of each core.
    """

    cores: tuple[Core, ...]
    facts: Facts
    title: str
    caches: Caches = UNKNOWN_CACHES


def host_clusters(
    folder: Path = CPU_FOLDER, info: Path = CPU_INFO, allowed: Collection[int] | None = None
) -> tuple[Cluster, ...]:
    """The cores that this process may use, as clusters of equal ones, fastest first.

    Args:
        folder: the system's description of CPUs.
        info: the system's list of CPU features.
        allowed: logical CPUs; by default those of the process's affinity.
    """
    usable = sorted(_allowed() if allowed is None else allowed)
    cores = [_core(folder, group, usable) for group in _groups(folder, usable)]
    blocks = _blocks(info)
    return tuple(
        Cluster(
            cores=tuple(sorted(cluster, key=lambda core: core.cpus)),
            facts=_facts(blocks.get(cluster[0].cpus[0], {}), cluster),
            title=_title(blocks.get(cluster[0].cpus[0], {})),
            caches=_caches(folder / f"cpu{cluster[0].cpus[0]}" / "cache"),
        )
        for cluster in _clusters(cores)
    )


def in_teams(cluster: Cluster, threads: int) -> Cluster:
    """The same cores, as many together as there are threads in one run; what is left over rests.

    Raises:
        CostError: when there aren't that many.
    """
    cores = cluster.cores
    if not 1 <= threads <= len(cores):
        raise CostError(
            f"{threads} threads: {cluster.title} has {len(cores)} cores for this process: "
            f"take 1 to {len(cores)}"
        )
    if threads == 1:
        return cluster
    teams = [cores[at : at + threads] for at in range(0, len(cores) - threads + 1, threads)]
    return replace(
        cluster,
        cores=tuple(
            Core(
                cpus=tuple(sorted(cpu for core in team for cpu in core.cpus)),
                speed=min(core.speed for core in team),
                count=threads,
            )
            for team in teams
        ),
    )


def _caches(folder: Path) -> Caches:
    """Sizes from the system's description of a CPU's caches."""
    sizes = []
    for index in sorted(folder.glob("index*")):
        size = _read(index / "size")
        if size.endswith("K") and size[:-1].isdigit() and _read(index / "type") != "Instruction":
            users = len(_cpu_list(_read(index / "shared_cpu_list")))
            sizes.append((int(size[:-1]) * 1024, users))
    if not sizes:
        return UNKNOWN_CACHES
    fewest = min(users for _, users in sizes)
    return Caches(
        private_bytes=max(size for size, users in sizes if users == fewest),
        shared_bytes=max(size for size, _ in sizes),
    )


def _allowed() -> Collection[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return range(os.cpu_count() or 1)


def _groups(folder: Path, usable: list[int]) -> list[tuple[int, ...]]:
    """Logical CPUs of each core; each CPU is one where the system doesn't say."""
    found: dict[int, tuple[int, ...]] = {}
    for cpu in usable:
        siblings = _cpu_list(_read(folder / f"cpu{cpu}/topology/thread_siblings_list"))
        found[cpu] = tuple(sorted((siblings or {cpu}) & set(usable)))
    return sorted(set(found.values()))


def _core(folder: Path, cpus: tuple[int, ...], usable: list[int]) -> Core:
    """A core's speed comes from the same file for all CPUs, or else is 1."""
    for name in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        texts = {cpu: _read(folder / f"cpu{cpu}" / name) for cpu in usable}
        if all(text.isdigit() and int(text) > 0 for text in texts.values()):
            return Core(cpus=cpus, speed=float(texts[cpus[0]]))
    return Core(cpus=cpus, speed=1.0)


def _clusters(cores: list[Core]) -> list[list[Core]]:
    clusters: list[list[Core]] = []
    for core in sorted(cores, key=lambda core: (-core.speed, core.cpus)):
        if clusters and core.speed >= SAME_SPEED * clusters[-1][0].speed:
            clusters[-1].append(core)
        else:
            clusters.append([core])
    return clusters


def _facts(block: dict[str, str], cluster: list[Core]) -> Facts:
    """Identity and features from the system's list, and the cluster's speed."""
    features = " ".join(sorted(" ".join(block.get(key, "") for key in _FEATURES).split()))
    named = {key: block[key] for key in _IDENTITY if block.get(key)}
    return {
        "machine": platform.machine(),
        **named,
        "features": sha256(features.encode()).hexdigest(),
        "speed": round(max(core.speed for core in cluster)),
    }


def _title(block: dict[str, str]) -> str:
    return block.get("model name") or platform.processor() or platform.machine()


def _blocks(info: Path) -> dict[int, dict[str, str]]:
    """CPU number to its lines in the system's list."""
    found: dict[int, dict[str, str]] = {}
    for text in _read(info).split("\n\n"):
        pairs = (line.partition(":") for line in text.splitlines())
        block = {key.strip(): value.strip() for key, _, value in pairs}
        if block.get("processor", "").isdigit():
            found[int(block["processor"])] = block
    return found


def _cpu_list(text: str) -> set[int]:
    """`0-2,5` to {0, 1, 2, 5}."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            found.update(range(int(first), int(last or first) + 1))
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
