"""What `hetsched convert` prints for people."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hetsched.convert.adapt import Adapted
    from hetsched.convert.remaining import Left
    from hetsched.convert.rewrite import Outcome, Rewrite
    from hetsched.runtime.verify import Verified

WIDTH = 80
LISTED = 12
"""A replacement of more ops is counted by op type."""


def lines(adapted: "Adapted", verified: "Verified | None", files: Sequence[Path]) -> Iterator[str]:
    """The report, line by line."""
    from hetsched.convert.remaining import left

    outcome = adapted.outcome
    yield f"{outcome.model.name} for {adapted.target.name}: {outcome.blocked} ops blocked"
    yield from _rewrites(outcome)
    yield from _host(adapted)
    yield from _remaining(left(adapted), adapted)
    if verified is not None:
        yield from _wrapped(
            f"verified: max relative error {verified.max_rel_error:.3g}, bound {verified.bound:g} "
            "(whole model against the original file, this machine)"
        )
    for path in files:
        yield f"written to {path}"


def _rewrites(outcome: "Outcome") -> Iterator[str]:
    groups: dict[tuple[str, tuple[str, ...], tuple[str, ...], str], list[Rewrite]] = {}
    for one in outcome.rewrites:
        key = (one.op_type, one.rules, one.made, one.exactness)
        groups.setdefault(key, []).append(one)
    for (op_type, rules, made, exactness), members in groups.items():
        error = max(max(one.certificate.max_abs_error, default=0.0) for one in members)
        new = _made(made)
        by = ", ".join(dict.fromkeys(rules))
        yield from _indented(f"  {len(members)} {op_type} became {new}  (rules: {by})")
        told = f"{exactness}; certified{_on_data(members)}: max absolute error {error:.3g}"
        yield f"    {told}"


def _on_data(members: "Sequence[Rewrite]") -> str:
    """How many of the replacements were run on calibration data too."""
    count = sum(1 for one in members if one.certificate.calibration)
    if not count:
        return ""
    return f" ({'all' if count == len(members) else count} on calibration data too)"


def _made(op_types: tuple[str, ...]) -> str:
    """Op types in their order; many of them by how often each occurs, the most frequent first."""
    if len(op_types) <= LISTED:
        return ", ".join(op_types) or "nothing"
    counts = Counter(op_types).most_common()
    return f"{len(op_types)} ops: " + ", ".join(f"{count} {kind}" for kind, count in counts)


def _host(adapted: "Adapted") -> Iterator[str]:
    parts, graph = adapted.parts, adapted.outcome.model.graph
    share = parts.host_macs / parts.macs if parts.macs else 0.0
    for name, when, ops in (("head", "before", parts.head), ("tail", "after", parts.tail)):
        if not ops:
            continue
        types = Counter(graph.op[op].op_type for op in ops).most_common()
        told = ", ".join(f"{op_type} {count}" for op_type, count in types)
        yield from _wrapped(f"the host does the {name} {when} it: {told}")
    if parts.head or parts.tail:
        yield f"  {share:.2%} of the model's multiply-accumulates"
    if adapted.packed is not None:
        layout = adapted.packed.layout
        names = ", ".join(segment.name for segment in layout.segments)
        yield from _wrapped(
            f"one output, {layout.tensor}: {layout.dtype} of shape {list(layout.shape)}, "
            f"which holds {names}"
        )


def _remaining(left: "Sequence[Left]", adapted: "Adapted") -> Iterator[str]:
    outcome = adapted.outcome
    if not left:
        if not outcome.blocked:
            yield "nothing to convert"
        elif adapted.parts.is_whole:
            yield "nothing blocks any more"
        else:
            yield "nothing blocks any more; the host has its part"
        return
    yield f"{len(left)} ops still block:"
    groups: dict[tuple[str, str], list[Left]] = {}
    for one in left:
        groups.setdefault((one.op_type, one.reason), []).append(one)
    for (op_type, reason), members in groups.items():
        yield from _indented(f"  {len(members)} {op_type}, as {members[0].op}: {reason}")
        for rule, why in members[0].tried:
            yield from _indented(f"    {rule}: {why}")
        if not members[0].tried:
            yield "    no rule replaces it"
        yield from _indented(
            f"    scenario {members[0].scenario}, for a human: {members[0].remedy}"
        )


def _indented(line: str) -> list[str]:
    """Wrapped; what goes on is indented by two more than the line."""
    further = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, WIDTH, subsequent_indent=further, break_on_hyphens=False)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
