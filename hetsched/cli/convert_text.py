"""What `hetsched convert` prints for people."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hetsched.convert.rewrite import Outcome, Remaining, Rewrite
    from hetsched.runtime.verify import Verified


def lines(
    outcome: "Outcome", target: str, verified: "Verified | None", output: Path | None
) -> Iterator[str]:
    """The report, line by line."""
    yield f"{outcome.model.name} for {target}: {outcome.blocked} ops blocked"
    yield from _rewrites(outcome)
    yield from _remaining(outcome)
    if verified is not None:
        yield (
            f"verified: max relative error {verified.max_rel_error:.3g}, bound {verified.bound:g} "
            "(whole model against the original file, this machine)"
        )
    if output is not None:
        yield f"written to {output}"


def _rewrites(outcome: "Outcome") -> Iterator[str]:
    groups: dict[tuple[str, tuple[str, ...], tuple[str, ...], str], list[Rewrite]] = {}
    for one in outcome.rewrites:
        key = (one.op_type, one.rules, one.made, one.exactness)
        groups.setdefault(key, []).append(one)
    for (op_type, rules, made, exactness), members in groups.items():
        error = max(max(one.certificate.max_abs_error, default=0.0) for one in members)
        new = ", ".join(made) or "nothing"
        yield f"  {len(members)} {op_type} became {new}  (rules: {', '.join(dict.fromkeys(rules))})"
        yield f"    {exactness}; certified: max absolute error {error:.3g}"


def _remaining(outcome: "Outcome") -> Iterator[str]:
    if not outcome.remaining:
        yield "nothing blocks any more" if outcome.blocked else "nothing to convert"
        return
    yield f"{len(outcome.remaining)} ops still block:"
    groups: dict[tuple[str, str], list[Remaining]] = {}
    for one in outcome.remaining:
        groups.setdefault((one.op_type, one.reason), []).append(one)
    for (op_type, reason), members in groups.items():
        yield f"  {len(members)} {op_type}, as {members[0].op}: {reason}"
        for rule, why in members[0].tried:
            yield f"    {rule}: {why}"
        if not members[0].tried:
            yield "    no rule replaces it"
