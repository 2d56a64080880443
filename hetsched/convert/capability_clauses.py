"""Constraints whose words alone say what to check, whatever the framework and the op.

A constraint is a list of clauses, separated by `;`; a clause that no table has may be a list of
clauses separated by `,`. Each that a table has is checked; a row of status `partial` with one that
none has makes the op unknown, unless a checked one refuses it. Clauses that only say how an op is
done ("lowered to SLICE", "decomposed to MUL+ADD", "layer Softmax") need no check.

Source: the `constraint` column of the tables in `data/`.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from hetsched.convert.capability_clauses_bounds import BOUND_CLAUSES
from hetsched.convert.capability_clauses_general import GENERAL_CLAUSES
from hetsched.convert.capability_clauses_rare import RARE_CLAUSES
from hetsched.convert.capability_clauses_resize import RESIZE_CLAUSES
from hetsched.convert.capability_clauses_shapes import SHAPE_CLAUSES
from hetsched.convert.capability_clauses_stored import STORED_CLAUSES
from hetsched.convert.capability_clauses_windows import WINDOW_CLAUSES
from hetsched.convert.capability_predicate import PREFIX, predicate
from hetsched.convert.capability_rules import (
    Rule,
    Unsure,
    all_of,
    anything,
    one_output,
    stored_parameters,
)

CLAUSES: Mapping[str, Rule] = {
    **GENERAL_CLAUSES,
    **WINDOW_CLAUSES,
    **STORED_CLAUSES,
    **BOUND_CLAUSES,
    **SHAPE_CLAUSES,
    **RESIZE_CLAUSES,
    **RARE_CLAUSES,
}
"""Words of one clause to the rule that checks them."""

_HOW = ("lowered to ", "decomposed to ", "layer ", "MIL ")

# What ran here: all of an op's tests, perhaps in a narrower form. Where only some matched, which
# isn't in the table, and the op stays unknown.
_MEASURED: Mapping[re.Pattern[str], Rule] = {
    re.compile(r"(\d+)/\1 node tests match"): anything,
    re.compile(r"\d+ first output only"): one_output,
    re.compile(r"\d+ only with const parameters"): stored_parameters,
}


@lru_cache(maxsize=1024)
def clause_rule(constraint: str) -> Rule | None:
    """The rule behind some words, None when a part of them isn't known.

    Raises:
        CapabilityError: when words after `when:` are no predicate.
    """
    if constraint.startswith(PREFIX):
        return predicate(constraint.removeprefix(PREFIX).strip())
    found = dict(_clauses(constraint))
    rules = [rule for rule in found.values() if rule is not None]
    return all_of(*rules) if rules and len(rules) == len(found) else None


@lru_cache(maxsize=1024)
def known_part(constraint: str) -> Rule:
    """A rule that checks the known clauses of a constraint; the others leave it unsure.

    Raises:
        CapabilityError: as `clause_rule`.
    """
    whole = clause_rule(constraint)
    if whole is not None:
        return whole
    found = dict(_clauses(constraint))
    words = "; ".join(clause for clause, rule in found.items() if rule is None)
    unsure = Unsure(words or "its source names none")
    return all_of(*(rule for rule in found.values() if rule is not None), lambda _: unsure)


def _clauses(constraint: str) -> Iterator[tuple[str, Rule | None]]:
    for clause in filter(None, (part.strip() for part in constraint.split(";"))):
        yield clause, _rule(clause) or _list_rule(clause)


def _rule(clause: str) -> Rule | None:
    if clause.startswith(_HOW):
        return anything
    measured = (rule for words, rule in _MEASURED.items() if words.fullmatch(clause))
    return CLAUSES.get(clause) or next(measured, None)


def _list_rule(clause: str) -> Rule | None:
    found = [_rule(part.strip()) for part in clause.split(",")]
    known = [rule for rule in found if rule is not None]
    return all_of(*known) if len(known) == len(found) else None
