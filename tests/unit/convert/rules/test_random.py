"""Every rule against the op that it replaces, in ONNX Runtime, over random models and inputs.

10,000 cases per rule with HETSCHED_FULL=1, a sample otherwise. A case is one set of inputs; models
are drawn with Hypothesis, and each one's two sessions serve several sets of inputs.
"""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hetsched.convert.rules import RULES
from hetsched.convert.rules.rule import Rule
from hetsched.errors import BackendError
from tests.conftest import FULL
from tests.unit.convert.rules import draws_layers, draws_moving, draws_numbers  # noqa: F401
from tests.unit.convert.rules.drawing import DRAWS, Draw
from tests.unit.convert.rules.pairs import Pair, rewritten

MODELS, INPUTS = (400, 50) if FULL else (8, 4)
CASES = 10_000 if FULL else 12
"""Of the models drawn some are declined, at most half: there are models for twice as many."""


def test_every_rule_is_drawn() -> None:
    assert set(DRAWS) == {rule.name for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_random_cases(rule: Rule) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=MODELS, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def run(data: st.DataObject) -> None:
        draw = Draw(data.draw)
        before = DRAWS[rule.name](draw)
        if seen["passed"] >= CASES and not seen["failed"]:
            return
        after = rewritten(rule, before)
        if isinstance(after, str):
            seen[f"declined: {after}"] += INPUTS
            return
        try:
            pair = Pair.of(before, after)
        except BackendError as error:
            seen[f"not run: {error}"] += INPUTS
            return
        certificate = pair.compare(draw.rng, INPUTS, rule.exactness)
        seen["passed" if certificate.passed else "failed"] += INPUTS
        assert certificate.passed, certificate

    run()
    assert seen["passed"] >= CASES, seen
