"""docs/converting.md lists the rules as they are."""

from pathlib import Path

from hetsched.convert.rules import RULES

PAGE = Path(__file__).parents[4] / "docs" / "converting.md"


def test_every_rule_is_listed() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for rule in RULES:
        row = f"| `{rule.name}` | {', '.join(rule.ops)} | {rule.makes} | {rule.exactness} |"
        assert row in text, f"docs/converting.md lacks: {row}"
