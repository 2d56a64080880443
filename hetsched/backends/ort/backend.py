"""The backend over ONNX Runtime's CPU provider."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import onnxruntime as ort

from hetsched.backends.base import Executable, Probe, StageSpec
from hetsched.backends.ort.assign import order
from hetsched.backends.ort.cache import LIMIT_BYTES, Cache, default_folder
from hetsched.backends.ort.custom import compile_cut, has_custom
from hetsched.backends.ort.record import Part, Value
from hetsched.backends.ort.region import Compiler, UncutError, regions
from hetsched.backends.ort.session import make_session
from hetsched.backends.ort.stage import OrtExecutable, Port
from hetsched.backends.recipe import Recipe
from hetsched.errors import BackendError
from hetsched.ir.model import Model

_log = logging.getLogger(__name__)


class OrtBackend:
    """Runs stages on this machine's CPU.

    Stages that hand values to each other are optimised together and cut afterwards: a cut then
    costs little, and what crosses it may have a private name and layout.

    Attributes:
        name: `ort`.
        threads: of one run of a stage, the calling one included.
        cache: compiled parts on disk; their weights are mapped, not copied.
    """

    name = "ort"

    def __init__(
        self,
        threads: int = 1,
        cache_dir: Path | str | None = None,
        cache_bytes: int = LIMIT_BYTES,
    ) -> None:
        """Make a backend.

        Args:
            threads: of one run of a stage.
            cache_dir: where compiled parts are kept; None for `$XDG_CACHE_HOME/hetsched/compiled`.
            cache_bytes: what they may take together.
        """
        self.threads = threads
        self.cache = Cache(Path(cache_dir or default_folder()), cache_bytes)

    def recipe(self) -> Recipe:
        """What makes another one like it."""
        return Recipe(
            factory="hetsched.backends.ort:OrtBackend",
            options={
                "threads": self.threads,
                "cache_dir": str(self.cache.folder),
                "cache_bytes": self.cache.limit_bytes,
            },
        )

    def probe(self) -> Probe:
        """ONNX Runtime is always here."""
        return Probe(
            name=self.name,
            here=True,
            version=ort.__version__,
            dtypes=("float32", "int8"),
            devices=("CPU",),
        )

    def compile(self, model: Model, stages: Sequence[StageSpec]) -> Sequence[Executable]:
        """Make one session per stage; call it on the thread that will run them.

        Raises:
            BackendError: naming the op that ONNX Runtime refuses and its reason.
        """
        if has_custom(model.graph, stages):
            return compile_cut(self.compile, model, stages)
        compiler = Compiler(
            model=model,
            stages=stages,
            waiting=order(model.graph, stages),
            threads=self.threads,
            cache=self.cache,
        )
        found: dict[int, OrtExecutable] = {}
        for region in regions(model.graph, stages):
            found.update(self._compile_region(compiler, region))
        return [found[index] for index in range(len(stages))]

    def _compile_region(
        self, compiler: Compiler, region: Sequence[int]
    ) -> Mapping[int, OrtExecutable]:
        try:
            folder, record = compiler.compile(region)
        except UncutError as error:
            if len(region) == 1:
                raise BackendError(f"stage {compiler.stages[region[0]].id!r}: {error}") from error
            ids = ", ".join(compiler.stages[index].id for index in region)
            _log.warning("stages %s are compiled one by one: %s", ids, error)
            alone = [self._compile_region(compiler, [index]) for index in region]
            return {index: made for row in alone for index, made in row.items()}
        names = [compiler.stages[index].id for index in region]
        return {
            index: self._load(names, position, part, folder)
            for position, (index, part) in enumerate(zip(region, record.parts, strict=True))
        }

    def _load(self, ids: Sequence[str], position: int, part: Part, folder: Path) -> OrtExecutable:
        if part.file is None:
            return OrtExecutable(ids[position], None, (), ())
        session = make_session(folder / part.file, threads=self.threads, optimize=False)
        kinds = {port.name: port.type for port in (*session.get_inputs(), *session.get_outputs())}

        def port(value: Value) -> Port:
            private = value.maker is not None
            name = f"{ids[value.maker or 0]}:{value.name}" if private else value.name
            return Port(name=name, inner=value.name, kind=kinds[value.name])

        inputs = [port(value) for value in part.inputs]
        return OrtExecutable(ids[position], session, inputs, [port(v) for v in part.outputs])
