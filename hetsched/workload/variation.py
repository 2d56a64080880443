"""How stage times vary from run to run: assumed, stated, or measured."""

from itertools import pairwise
from typing import TypeAlias

from hetsched.workload.fields import Struct, refuse_unless


class Lognormal(Struct, frozen=True, kw_only=True, tag_field="kind", tag="lognormal"):
    """exp(sigma z), z standard normal: 1 in the median.

    Attributes:
        sigma: 0.1 is 10% either way in two of three runs.
        source: where it comes from.
    """

    sigma: float
    source: str

    def __post_init__(self) -> None:
        """Check the number.

        Raises:
            ValueError: naming it.
        """
        refuse_unless(0 < self.sigma <= 10, f"sigma {self.sigma:g} must be above 0, at most 10")
        _check_source(self.source)


class Quantiles(Struct, frozen=True, kw_only=True, tag_field="kind", tag="quantiles"):
    """Factors at equally spaced probabilities from 0 to 1, linear in between.

    Attributes:
        factors: rising; 1 is as planned.
        source: where they come from.
    """

    factors: tuple[float, ...]
    source: str

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: naming them.
        """
        rise = all(0 <= low <= high < 1e6 for low, high in pairwise(self.factors))
        fits = len(self.factors) >= 2 and rise
        refuse_unless(fits, f"factors must be two or more that rise from 0: {self.factors[:8]}")
        _check_source(self.source)


class Measured(Struct, frozen=True, kw_only=True, tag_field="kind", tag="trace"):
    """From a trace of a real run: each stage's times over their median, all stages together.

    Attributes:
        file: of the trace.
        app: its name there; the same as here where left out.
    """

    file: str
    app: str | None = None


Variation: TypeAlias = Lognormal | Quantiles | Measured


def _check_source(source: str) -> None:
    refuse_unless(bool(source.strip()), "source is empty: say where the variation comes from")
