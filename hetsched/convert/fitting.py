"""The target of a framework for one model: with the dtype that the most of its ops run in."""

from hetsched.convert.check import check_backend
from hetsched.convert.target import Target, chosen_backends, framework_target
from hetsched.ir.graph import Graph


def fitting_target(graph: Graph, framework: str, backend: str | None = None) -> Target:
    """A framework as a target; float tensors count as converted where a backend asks for that.

    A backend such as QNN's HTP takes float16 or quantised tensors only: to `framework_target`
    alone, every op of a float32 model blocks there.

    Args:
        graph: the model's.
        framework: as in index.csv.
        backend: of the framework; without, an op may run on any.

    Raises:
        CapabilityError: unknown framework or backend, naming what there is.
    """
    names = chosen_backends(framework, backend)
    dtypes = {name: check_backend(graph, framework, name).dtype for name in names}
    return framework_target(framework, backend, dtypes)
