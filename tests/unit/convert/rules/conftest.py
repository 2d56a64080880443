"""A rule's own test file sees no other rules, so that it's this rule whose ops are compared."""

from collections.abc import Iterator
from typing import cast

import pytest

from hetsched.convert.rules import BY_OP, RULES
from hetsched.convert.rules.rule import Rule


@pytest.fixture(autouse=True)
def only_this_rule(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave the rule that the file is named after, and those that its `WITH` names."""
    name = request.path.stem.removeprefix("test_").replace("_", "-")
    names = {name, *getattr(request.module, "WITH", ())}
    if name not in {rule.name for rule in RULES}:
        yield
        return
    known = cast("dict[str, tuple[Rule, ...]]", BY_OP)
    before = dict(known)
    left = {kind: tuple(r for r in rules if r.name in names) for kind, rules in before.items()}
    known.clear()
    known.update({kind: rules for kind, rules in left.items() if rules})
    yield
    known.clear()
    known.update(before)
