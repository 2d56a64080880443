"""Names that nothing in a model has yet."""

from collections.abc import Iterable


class Names:
    """Names taken so far.

    Args:
        taken: those in the model.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def fresh(self, wanted: str) -> str:
        """The wanted name, numbered when it is taken already; it is taken from now on."""
        name, number = wanted, 1
        while name in self._taken:
            name, number = f"{wanted}_{number}", number + 1
        self._taken.add(name)
        return name
