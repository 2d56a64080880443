"""One compiled stage, whichever context it is in now."""

from collections.abc import Sequence

from hetsched.backends.base import Buffer, HostValue
from hetsched.backends.opencl.lowering import LoweredStage
from hetsched.backends.opencl.placed import PlacedStage
from hetsched.backends.positional import Positional
from hetsched.ir.model import Model


class OpenCLExecutable(Positional):
    """A compiled stage; it outlives the context that it was compiled in, if that is lost.

    Attributes:
        stage: its id.
        inputs: names of the values it reads.
        outputs: names of the values it makes.
        model: where its constants are, for another context.
        lowered: what it is, without any device.
        placed: its kernels and memory.
    """

    def __init__(self, model: Model, lowered: LoweredStage, placed: PlacedStage) -> None:
        """Have it where it was placed first."""
        self.stage, self.inputs, self.outputs = lowered.stage, lowered.inputs, lowered.outputs
        self.model, self.lowered, self.placed = model, lowered, placed

    def call(self, values: Sequence[Buffer | HostValue]) -> Sequence[Buffer]:
        """Run on the calling thread, with values in the order of `inputs`.

        Raises:
            UnitDownError: when the device is lost.
            ValueLostError: when a value was on a device that is lost.
            BackendError: naming the stage, when the device fails.
        """
        return self.placed.call(values)
