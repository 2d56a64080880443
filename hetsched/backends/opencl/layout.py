"""Where the values of a stage lie: whose memory is whose, and which memory serves twice."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hetsched.backends.opencl.kernels.launch import Launch


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Memory of a stage's values.

    Attributes:
        root: each value to the one whose memory it is; itself where that isn't another's.
        slot: root of each value that doesn't outlive a run, to the number of its memory.
        sizes_bytes: of those memories.
    """

    root: Mapping[str, str]
    slot: Mapping[str, int]
    sizes_bytes: tuple[int, ...]


def lay_out(
    launches: Sequence[Launch],
    views: Mapping[str, str],
    sizes_bytes: Mapping[str, int],
    lasting: Collection[str],
) -> Layout:
    """Give memory to what launches write, and use it again when its last reader is done.

    Args:
        launches: in the order in which they run, one after the other.
        views: value to the one whose memory it is.
        sizes_bytes: of every value that is written.
        lasting: values whose memory outlives a run, or comes from elsewhere.
    """
    root: dict[str, str] = {}
    for launch in launches:
        for name in (*launch.reads, launch.writes):
            root[name] = _root(views, name)
    for name in (*views, *lasting):
        root[name] = _root(views, name)
    kept = {root[name] for name in lasting}
    last = {
        root[name]: position
        for position, launch in enumerate(launches)
        for name in (*launch.reads, launch.writes)
    }
    slot: dict[str, int] = {}
    sizes: list[int] = []
    free: list[int] = []
    for position, launch in enumerate(launches):
        made = launch.writes
        if made not in slot and made not in kept:
            slot[made] = _take(free, sizes, sizes_bytes[made])
        touched = dict.fromkeys(root[name] for name in (*launch.reads, made))
        free += [slot[name] for name in touched if name in slot and last[name] == position]
    return Layout(root=root, slot=slot, sizes_bytes=tuple(sizes))


def _root(views: Mapping[str, str], name: str) -> str:
    while name in views:
        name = views[name]
    return name


def _take(free: list[int], sizes: list[int], wanted: int) -> int:
    """The free memory that fits best, else the largest made larger, else a new one."""
    if not free:
        sizes.append(wanted)
        return len(sizes) - 1
    fitting = [number for number in free if sizes[number] >= wanted]
    chosen = min(fitting, key=sizes.__getitem__) if fitting else max(free, key=sizes.__getitem__)
    free.remove(chosen)
    sizes[chosen] = max(sizes[chosen], wanted)
    return chosen
