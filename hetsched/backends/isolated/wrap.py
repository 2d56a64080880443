"""A backend put into a child process: what it can be asked here, it can be asked there."""

from collections.abc import Mapping, Sequence

from hetsched.backends.base import Backend, Probe, Probing, Querying, traits
from hetsched.backends.isolated.backend import IsolatedBackend
from hetsched.backends.isolated.frames import Look, Looked, Queried, Query
from hetsched.backends.recipe import Reproducible
from hetsched.errors import BackendError
from hetsched.ir.carry import pack_model
from hetsched.ir.model import Model


class _Probing(IsolatedBackend):
    def probe(self) -> Probe:
        """What the backend in the child says of itself.

        Raises:
            UnitDownError: when the child ends meanwhile.
            BackendError: when the backend can't be made there.
        """
        reply = self.ask(Look(), "a probe")
        assert isinstance(reply, Looked)
        return reply.probe


class _Querying(IsolatedBackend):
    def supports(self, model: Model) -> Mapping[str, str | None]:
        """Why the backend in the child won't take an op, for every op of a model; else None.

        Raises:
            UnitDownError: when the child ends meanwhile.
            BackendError: when the backend can't be made there, or fails.
        """
        reply = self.ask_about(model, Query(pack_model(model)))
        assert isinstance(reply, Queried)
        return reply.reasons


class _ProbingAndQuerying(_Probing, _Querying):
    pass


_KINDS = {
    (False, False): IsolatedBackend,
    (True, False): _Probing,
    (False, True): _Querying,
    (True, True): _ProbingAndQuerying,
}
"""By whether the backend inside can be probed, and queried."""


def isolated(backend: Backend, *, unit: str, cores: Sequence[int] | None) -> IsolatedBackend:
    """A backend like this one in a child process of a unit's own.

    It has the same optional members (see `backends.base`), answered by the one in the child; what
    it holds is released by ending the child, which is how it is revived as well.

    Raises:
        BackendError: when the backend can't be made anew elsewhere.
    """
    if not isinstance(backend, Reproducible):
        raise BackendError(
            f"unit {unit!r}: backend {backend.name} can't run in a process of its own: it has no "
            f"`recipe()` to be made anew from"
        )
    name = backend.name if isinstance(backend, IsolatedBackend) else f"isolated {backend.name}"
    kind = _KINDS[isinstance(backend, Probing), isinstance(backend, Querying)]
    made = kind(backend.recipe(), name=name, unit=unit, cores=cores)
    made.take(traits(backend))
    return made
