"""One stage as a session on a plug-in provider."""

import os
from collections.abc import Sequence

import onnxruntime as ort

from hetsched.backends.base import Buffer, HostValue
from hetsched.backends.ort.stage import OrtExecutable, Port


class PluginExecutable(OrtExecutable):
    """A compiled stage. Values in ONNX Runtime's memory come and go without a copy.

    Attributes:
        left_out: ops that the provider left to the CPU; none unless partial claims are allowed.
    """

    def __init__(
        self,
        stage: str,
        session: ort.InferenceSession,
        inputs: Sequence[Port],
        outputs: Sequence[Port],
        *,
        left_out: tuple[str, ...] = (),
        moves_threads: bool = False,
    ) -> None:
        """Wrap a session.

        Args:
            stage: its id.
            session: of the stage's part of the model.
            inputs: what it reads.
            outputs: what it makes.
            left_out: see the attribute.
            moves_threads: whether running it changes the calling thread's CPU affinity, which is
                then set back.
        """
        super().__init__(stage, session, inputs, outputs)
        self.left_out = left_out
        self._moves_threads = moves_threads

    def call(self, values: Sequence[Buffer | HostValue]) -> Sequence[Buffer]:
        """Run on the calling thread, with values in the order of `inputs`."""
        if not self._moves_threads:
            return super().call(values)
        own = os.sched_getaffinity(0)
        try:
            return super().call(values)
        finally:
            if os.sched_getaffinity(0) != own:
                os.sched_setaffinity(0, own)
