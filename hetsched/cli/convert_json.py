"""What `hetsched convert --json` prints."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hetsched.convert.adapt import Adapted
    from hetsched.convert.remaining import Left
    from hetsched.convert.rewrite import Rewrite
    from hetsched.runtime.verify import Verified


def content(
    adapted: "Adapted", verified: "Verified | None", files: tuple[Path, ...]
) -> dict[str, Any]:
    """One object: what was done, what is left for the host, what still blocks."""
    import msgspec

    from hetsched.convert.remaining import left

    outcome = adapted.outcome
    model = adapted.whole
    return {
        "schema": 1,
        "model": {"name": model.name, "sha256": model.sha256},
        "target": adapted.target.name,
        "ops": len(model.graph.ops),
        "blocked": outcome.blocked,
        "rewrites": [_rewrite(one) for one in outcome.rewrites],
        "host": _host(adapted),
        "remaining": [_remaining(one) for one in left(adapted)],
        "verified": None if verified is None else msgspec.to_builtins(verified),
        "output": str(files[0]) if files else None,
        "files": [str(path) for path in files],
    }


def _rewrite(one: "Rewrite") -> dict[str, Any]:
    return {
        "op": one.op,
        "op_type": one.op_type,
        "rules": one.rules,
        "scenario": one.scenario,
        "made": one.made,
        "exactness": one.exactness,
        "max_abs_error": one.certificate.max_abs_error,
        "max_rel_error": one.certificate.max_rel_error,
        "bound": one.certificate.bound,
        "inputs": one.certificate.inputs,
        "calibration_inputs": one.certificate.calibration,
    }


def _host(adapted: "Adapted") -> dict[str, Any] | None:
    parts = adapted.parts
    if adapted.whole_parts.is_whole:
        return None
    return {
        "head": parts.head,
        "tail": parts.tail,
        "share_of_macs": parts.host_macs / parts.macs if parts.macs else 0.0,
        "main_inputs": adapted.whole_parts.main_inputs,
        "main_outputs": adapted.whole_parts.main_outputs,
        "packed": _packed(adapted),
    }


def _packed(adapted: "Adapted") -> dict[str, Any] | None:
    import msgspec

    if adapted.packed is None:
        return None
    made: dict[str, Any] = msgspec.to_builtins(adapted.packed.layout)
    return made


def _remaining(one: "Left") -> dict[str, Any]:
    return {
        "op": one.op,
        "op_type": one.op_type,
        "reason": one.reason,
        "scenario": one.scenario,
        "remedy": one.remedy,
        "tried": [{"rule": rule, "why": why} for rule, why in one.tried],
    }
