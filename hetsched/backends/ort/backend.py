"""The backend over ONNX Runtime's CPU provider."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hetsched.backends.base import StageSpec
from hetsched.backends.ort.session import make_session
from hetsched.backends.ort.stage import OrtExecutable, Port
from hetsched.errors import BackendError
from hetsched.ir.extract import save_part
from hetsched.ir.model import Model


class OrtBackend:
    """Runs stages on this machine's CPU.

    Attributes:
        name: `ort`.
        threads: of one run of a stage, the calling one included.
    """

    name = "ort"

    def __init__(self, threads: int = 1, cache_dir: Path | None = None) -> None:
        """Make a backend.

        Args:
            threads: of one run of a stage.
            cache_dir: where compiled parts are kept; None for the user's cache.
        """
        self.threads = threads
        self.cache_dir = cache_dir

    def compile(self, model: Model, stages: Sequence[StageSpec]) -> Sequence[OrtExecutable]:
        """Make one session per stage.

        Raises:
            BackendError: naming the stage's op that ONNX Runtime refuses and its reason.
        """
        with tempfile.TemporaryDirectory(prefix="hetsched-") as folder:
            return [self._compile(model, stage, Path(folder)) for stage in stages]

    def _compile(self, model: Model, stage: StageSpec, folder: Path) -> OrtExecutable:
        path = folder / "part.onnx"
        save_part(model, stage.ops, stage.outputs, path)
        try:
            session = make_session(path, threads=self.threads, optimize=True)
        except BackendError as error:
            raise BackendError(f"stage {stage.id!r}, op {stage.ops[0]!r}: {error}") from error
        return OrtExecutable(
            stage.id,
            session,
            [Port(name=i.name, inner=i.name, kind=i.type) for i in session.get_inputs()],
            [Port(name=o.name, inner=o.name, kind=o.type) for o in session.get_outputs()],
        )
