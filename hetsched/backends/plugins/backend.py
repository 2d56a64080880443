"""A plug-in provider as a backend."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeAlias

from hetsched.backends.base import Executable, Probe, StageSpec
from hetsched.backends.ort.cache import LIMIT_BYTES, Cache, default_folder
from hetsched.backends.ort.stage import Port
from hetsched.backends.plugins.compile import (
    PART_FILE,
    Claim,
    Order,
    compile_part,
    read_claim,
)
from hetsched.backends.plugins.culprit import boundary, culprits
from hetsched.backends.plugins.register import installed_version, need, probe
from hetsched.backends.plugins.session import open_session, options_key
from hetsched.backends.plugins.stage import PluginExecutable
from hetsched.backends.plugins.table import PROVIDERS, Provider
from hetsched.backends.recipe import Recipe
from hetsched.errors import BackendError
from hetsched.ir.extract import save_part
from hetsched.ir.graph import Graph
from hetsched.ir.model import Model

Partial: TypeAlias = Literal["refuse", "report"]
_log = logging.getLogger(__name__)


class PluginBackend:
    """Runs stages on an engine that is a plug-in provider of ONNX Runtime.

    Each stage is a model of its own there, with plain values at its boundary. What was compiled is
    kept on disk by the model's digest, the provider's version and its options.

    Attributes:
        provider: its row of the table.
        name: shown in mappings and results.
        emulated: its times say nothing of the hardware that it stands for.
        arithmetic: what it computes float32 models in.
        threads: of one run of a stage, the calling one included.
        partial: what happens with ops that the provider leaves to the CPU.
        cache: compiled contexts on disk.
    """

    def __init__(
        self,
        provider: str,
        *,
        threads: int = 1,
        partial: Partial = "refuse",
        options: Mapping[str, str] | None = None,
        cache_dir: Path | str | None = None,
        cache_bytes: int = LIMIT_BYTES,
    ) -> None:
        """Make a backend; nothing is loaded yet.

        Args:
            provider: its name in the table.
            threads: of one run of a stage.
            partial: `refuse` a stage of which the provider leaves ops to the CPU, or run them
                there and `report` them in the log and in the executable's `left_out`.
            options: provider options in addition to the table's.
            cache_dir: where contexts are kept; None for `$XDG_CACHE_HOME/hetsched/compiled`.
            cache_bytes: what is kept there may take together.

        Raises:
            BackendError: when the table has no such provider, or `partial` isn't known.
        """
        if provider not in PROVIDERS:
            known = ", ".join(PROVIDERS)
            raise BackendError(f"there is no plug-in provider {provider!r}: take one of {known}")
        if partial not in ("refuse", "report"):
            raise BackendError(f"partial is {partial!r}: take 'refuse' or 'report'")
        self.provider: Provider = PROVIDERS[provider]
        self.name = self.provider.shown
        self.emulated = self.provider.emulated
        self.arithmetic = self.provider.arithmetic
        self.threads = threads
        self.partial = partial
        self._options = dict(options or {})
        self.cache = Cache(Path(cache_dir) if cache_dir else default_folder(), cache_bytes)

    def probe(self) -> Probe:
        """Look whether the provider is here."""
        return probe(self.provider)

    def recipe(self) -> Recipe:
        """What makes another one like it."""
        options: dict[str, Any] = {
            "provider": self.provider.name,
            "threads": self.threads,
            "partial": self.partial,
            "options": self._options,
            "cache_dir": str(self.cache.folder),
            "cache_bytes": self.cache.limit_bytes,
        }
        return Recipe(factory="hetsched.backends.plugins.backend:PluginBackend", options=options)

    def compile(self, model: Model, stages: Sequence[StageSpec]) -> Sequence[Executable]:
        """Make one session per stage.

        Raises:
            BackendError: naming the ops that the provider leaves out or fails on, or saying why it
                can't be used here.
        """
        need(self.provider)
        return [self._executable(model, stage) for stage in stages]

    def supports(self, model: Model) -> Mapping[str, str | None]:
        """Why the provider won't take an op, for every op of a model; None for those it takes.

        The model is compiled for that, in halves where that fails.

        Raises:
            BackendError: when the provider isn't here.
        """
        need(self.provider)
        ops = [op.name for op in model.graph.ops]
        found = self._reasons(model, ops) if ops else {}
        return {name: found.get(name) for name in ops}

    def _reasons(self, model: Model, ops: Sequence[str]) -> dict[str, str]:
        try:
            claim = self._try(model, ops)
        except BackendError as error:
            if len(ops) == 1:
                return {ops[0]: str(error)}
            middle = len(ops) // 2
            return self._reasons(model, ops[:middle]) | self._reasons(model, ops[middle:])
        return {name: self._left(model.graph, name) for name in claim.left_out}

    def _left(self, graph: Graph, op: str) -> str:
        version = installed_version(self.provider)
        return f"{self.provider.package} {version} leaves this {graph.op[op].op_type} to the CPU"

    def _executable(self, model: Model, stage: StageSpec) -> PluginExecutable:
        folder, claim = self._compiled(model, stage)
        self._judge(model.graph, stage, claim)
        if claim.context is None:
            raise BackendError(f"backend {self.provider.name!r} saved nothing of {stage.id!r}")
        session = open_session(
            self.provider,
            folder / claim.context,
            threads=self.threads,
            options=self._options,
            config={},
        )
        kinds = {port.name: port.type for port in session.get_outputs()}
        return PluginExecutable(
            stage.id,
            session,
            [Port(name=p.name, inner=p.name, kind=p.type) for p in session.get_inputs()],
            [Port(name=name, inner=name, kind=kinds[name]) for name in stage.outputs],
            left_out=claim.left_out,
            moves_threads=self.provider.moves_threads,
        )

    def _judge(self, graph: Graph, stage: StageSpec, claim: Claim) -> None:
        if not claim.left_out:
            return
        rest = len(claim.left_out) - 3
        named = ", ".join(f"{name!r} ({graph.op[name].op_type})" for name in claim.left_out[:3])
        message = (
            f"backend {self.provider.name!r} leaves {len(claim.left_out)} of {len(stage.ops)} ops "
            f"of stage {stage.id!r} to the CPU: {named}{f' and {rest} more' if rest > 0 else ''}"
        )
        if self.partial == "refuse" or len(claim.left_out) == len(stage.ops):
            raise BackendError(message)
        _log.warning("%s", message)

    def _compiled(self, model: Model, stage: StageSpec) -> tuple[Path, Claim]:
        """Compile a stage, or find it compiled."""

        def fill(folder: Path) -> None:
            self._compile(model, stage.ops, stage.outputs, folder, keep=True)

        key = [
            options_key(self.provider, self.threads, self._options),
            model.prepared_sha256,
            list(stage.ops),
            list(stage.outputs),
        ]
        try:
            folder = self.cache.get(self.provider.name, key, fill)
            try:
                return folder, read_claim(folder)
            except BackendError as error:
                _log.warning("%s: compiling again", error)
                self.cache.drop(folder)
            folder = self.cache.get(self.provider.name, key, fill)
            return folder, read_claim(folder)
        except BackendError as error:
            raise self._named(model, stage, error) from error

    def _compile(
        self,
        model: Model,
        ops: Sequence[str],
        outputs: Sequence[str],
        folder: Path,
        *,
        keep: bool,
    ) -> Claim:
        part = folder / PART_FILE
        save_part(model, ops, outputs, part)
        order = Order(
            provider=self.provider.name,
            threads=self.threads,
            options=self._options,
            ops=tuple(ops),
            keep=keep,
        )
        try:
            return compile_part(self.provider, order, folder)
        finally:
            part.unlink()
            part.with_name(part.name + ".data").unlink(missing_ok=True)

    def _try(self, model: Model, ops: Sequence[str]) -> Claim:
        with TemporaryDirectory(prefix="hetsched-") as folder:
            outputs = boundary(model.graph, ops)
            return self._compile(model, ops, outputs, Path(folder), keep=False)

    def _named(self, model: Model, stage: StageSpec, error: BackendError) -> BackendError:
        """The error with the ops that bring it about."""
        why = str(error)

        def fails(ops: Sequence[str]) -> bool:
            nonlocal why
            try:
                self._try(model, ops)
            except BackendError as found:
                why = str(found)
                return True
            return False

        if not fails(stage.ops):  # it was the cache, or the machine
            return error
        found = culprits(stage.ops, fails)
        named = ", ".join(f"{name!r} ({model.graph.op[name].op_type})" for name in found[:3])
        if len(found) == 1:
            return BackendError(f"stage {stage.id!r}, op {named}: {why}")
        return BackendError(
            f"stage {stage.id!r}, {len(found)} ops that fail only together, from {named}: {why}"
        )


def openvino(**options: Any) -> PluginBackend:
    """OpenVINO on this machine's CPU; see `PluginBackend` for the options."""
    return PluginBackend("openvino", **options)


def qnn(**options: Any) -> PluginBackend:
    """Qualcomm's HTP, in emulation on x86-64; see `PluginBackend` for the options."""
    return PluginBackend("qnn", **options)
