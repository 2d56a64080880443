"""The README of an export: what is there, how it was proven, how to use it."""

from collections.abc import Iterable, Sequence

from hetsched.convert.export.report import (
    REPORT,
    STRUCTURE,
    PartReport,
    Port,
    Proof,
    Report,
    dims_text,
)


def readme(report: Report, usage: Sequence[str]) -> str:
    """The whole text.

    Args:
        report: finished.
        usage: the target's own lines.
    """
    lines = [
        f"# {report.model} for {report.target}",
        "",
        f"Written by hetsched {report.hetsched} from {report.source}, "
        f"model sha256 {report.sha256[:16]}.",
        "",
        "## Inputs and outputs",
        "",
        *_table("input", report.inputs),
        "",
        *_table("output", report.outputs),
        "",
        "## Parts, in the order of running",
        "",
        *_parts(report.parts),
        "",
        "## How it was proven",
        "",
        *(f"- {line}" for line in proofs(report)),
        "",
        *usage,
    ]
    notes = [*report.notes, *(f"{p.name}: {note}" for p in report.parts for note in p.notes)]
    if notes:
        lines += ["", "## Notes", "", *(f"- {note}" for note in notes)]
    lines += ["", f"`{REPORT}` holds all of this for programs."]
    return "\n".join(lines) + "\n"


def proofs(report: Report) -> list[str]:
    """One line per proof: the whole, then the parts; parts that say the same share a line."""
    found: dict[str, list[str]] = {}
    if report.proof is not None:
        found[_proof(report.proof)] = ["the whole, part by part"]
    for part in report.parts:
        if part.proof is not None:
            found.setdefault(_proof(part.proof), []).append(part.name)
    return [f"{_few(names)}: {text}" for text, names in found.items()] or ["not at all"]


def _proof(proof: Proof) -> str:
    if proof.method == STRUCTURE:
        return f"{STRUCTURE}: {proof.by}"
    return (
        f"{proof.method} ({proof.by}): max absolute error {proof.max_abs_error:.3g}, "
        f"max relative error {proof.max_rel_error:.3g}, bound {proof.bound:g}"
    )


def _few(names: Sequence[str]) -> str:
    shown = 4
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _table(what: str, ports: Iterable[Port]) -> list[str]:
    rows = [f"| {what} | dtype | shape |", "|---|---|---|"]
    return rows + [f"| {p.name} | {p.dtype} | {dims_text(p.shape)} |" for p in ports]


def _there(port: Port) -> str:
    """A tensor with its name and shape in the target's file, where those differ."""
    name = "" if port.target_name in (None, port.name) else f" {port.target_name}"
    shape = "" if port.target_shape is None else f" {dims_text(port.target_shape)}"
    return f"{port.name} (here{name}{shape})" if name or shape else port.name


def _parts(parts: Iterable[PartReport]) -> list[str]:
    rows = ["| part | unit | ops | files | reads | makes |", "|---|---|---|---|---|---|"]
    for part in parts:
        reads, makes = (", ".join(map(_there, ports)) for ports in (part.inputs, part.outputs))
        rows.append(
            f"| {part.name} | {part.unit or ''} | {part.ops} | {', '.join(part.files)} | {reads} "
            f"| {makes} |"
        )
    return rows
