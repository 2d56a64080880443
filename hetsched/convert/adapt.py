"""Everything that gets a model onto a target: rewrites, then a tail or head for the host.

Rewrites come first, since what the target runs itself costs no transfer. What stays blocked is cut
off where that leaves the host little to do; ops that go to the host anyway are left as they were.
"""

from dataclasses import dataclass

from hetsched.convert.packed import Packed, one_output
from hetsched.convert.price import Price, work
from hetsched.convert.refit_data import Samples
from hetsched.convert.rewrite import Outcome, Remaining, convert
from hetsched.convert.tail import MAX_HOST_SHARE, Split, split, split_at
from hetsched.convert.target import Target
from hetsched.ir.model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapted:
    """A model made ready for a target.

    Attributes:
        target: what for.
        outcome: of the rewrites; its model computes all, unpacked.
        parts: of that model.
        packed: the model with its main part's outputs in one tensor; None where that wasn't asked
            for or needed.
    """

    target: Target
    outcome: Outcome
    parts: Split
    packed: Packed | None

    @property
    def whole(self) -> Model:
        """All parts in one model, ops that pack and unpack included."""
        return self.outcome.model if self.packed is None else self.packed.model

    @property
    def whole_parts(self) -> Split:
        """The parts of `whole`."""
        return self.parts if self.packed is None else self.packed.parts

    @property
    def blocking(self) -> tuple[Remaining, ...]:
        """What neither a rule replaces nor the host takes."""
        return tuple(left for left in self.outcome.remaining if left.op in self.parts.middle)


def adapt(
    model: Model,
    target: Target,
    *,
    price: Price = work,
    single_output: bool = False,
    max_host_share: float | None = MAX_HOST_SHARE,
    certified: bool = True,
    data: Samples | None = None,
) -> Adapted:
    """Rewrite what rules replace, and let the host do what is left at the ends.

    Args:
        model: to get onto the target.
        target: what has to run it.
        price: of replacements, see `hetsched.convert.price`.
        single_output: the target allows one output only.
        max_host_share: of the model's multiply-accumulates, what the host may do; None cuts
            nothing off.
        certified: see `hetsched.convert.rewrite.convert`.
        data: see there.

    Raises:
        ModelError: when the outputs can't be packed into one, with the reasons.
    """
    outcome = convert(model, target, price=price, certified=certified, data=data)
    parts = _split(outcome, max_host_share)
    hosts = _ops_of_the_host(model, outcome, parts)
    if hosts:
        outcome = convert(model, target, price=price, leave=hosts, certified=certified, data=data)
        parts = _split(outcome, max_host_share)
    packed = one_output(outcome.model, parts, target) if single_output else None
    return Adapted(target=target, outcome=outcome, parts=parts, packed=packed)


def _split(outcome: Outcome, max_host_share: float | None) -> Split:
    graph, left = outcome.model.graph, {left.op for left in outcome.remaining}
    if max_host_share is None:
        return split_at(graph, blocked=left)
    return split(graph, left, max_host_share=max_host_share)


def _ops_of_the_host(model: Model, outcome: Outcome, parts: Split) -> set[str]:
    """Ops that were rewritten although the host runs them: all that replaces them is in its parts.

    An op of the model whose outputs are made in the tail (the head) belongs there itself.
    """
    hosts = {*parts.head, *parts.tail}
    if not hosts:
        return set()
    graph = outcome.model.graph
    made_by = {name: op.name for name, op in graph.producer.items()}
    found = set()
    for one in outcome.rewrites:
        writes = model.graph.op[one.op].writes if one.op in model.graph.op else ()
        makers = {made_by[name] for name in writes if name in made_by}
        if makers and makers <= hosts:
            found.add(one.op)
    return found
