"""A subgraph's copies, each as what nobody shares and what copies on the same link share."""

from collections.abc import Mapping
from dataclasses import dataclass

from hetsched.plan.model import Plan, Subgraph
from hetsched.soc.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy that a subgraph waits for.

    Attributes:
        link: index in the profile's links.
        size_bytes: how much is copied.
        fixed_ns: latency and conversion.
        shared_ns: bytes / bandwidth, as long as nobody else uses the link.
    """

    link: int
    size_bytes: int
    fixed_ns: int
    shared_ns: int


def copies_of(plan: Plan, profile: Profile, part: Subgraph, room_ns: int) -> tuple[Copy, ...]:
    """The plan's copies for a subgraph on its unit; none where they don't fit into its time.

    Args:
        plan: whose transfers.
        profile: the plan's.
        part: one of its subgraphs.
        room_ns: of the subgraph's time beside its dispatch.
    """
    links: Mapping[frozenset[str], int] = {
        frozenset(link.between): index for index, link in enumerate(profile.links)
    }
    found = []
    for each in plan.transfers:
        if each.subgraph != part.id:
            continue
        room_ns -= each.duration_ns
        index = links[frozenset((each.source, each.target))]
        bandwidth = profile.links[index].bandwidth
        shared = 0
        if bandwidth is not None:
            shared = round(each.size_bytes / bandwidth.base("bandwidth") * 1e9)
        shared = min(shared, each.duration_ns)
        found.append(
            Copy(
                link=index,
                size_bytes=each.size_bytes,
                fixed_ns=each.duration_ns - shared,
                shared_ns=shared,
            )
        )
    return tuple(found) if room_ns >= 0 else ()
