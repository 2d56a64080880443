"""A plain convolution's parameters: shared by the rules that take it apart."""

from dataclasses import dataclass

import onnx_ir as ir

from hetsched.convert.rules.rule import Site, known_shape, known_value, static_shape, stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Where a convolution or pooling reads: one number per spatial axis.

    Attributes:
        kernel: places along an axis.
        strides: between outputs.
        dilations: between places.
        before: pads before the input.
        after: pads after it.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def pads(self) -> list[int]:
        """As ONNX orders them."""
        return [*self.before, *self.after]

    @property
    def full(self) -> list[int]:
        """As Pad orders them, with the two axes before the spatial ones."""
        return [0, 0, *self.before, 0, 0, *self.after]


def reason(site: Site) -> str | None:
    """Why a convolution or pooling can't be taken apart, None where it can."""
    if static_shape(site.input(0)) is None or static_shape(site.output) is None:
        return "its shape isn't known"
    if site.attribute("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        return "auto_pad SAME"
    if site.node.op_type == "Conv" and stored(site.input(1)) is None:
        return "the weights aren't stored"
    if not site.is_float:
        return f"{site.input(0).dtype} isn't float"
    return "its kernel is empty" if 0 in window(site).kernel else None


def window(site: Site) -> Window:
    """The parameters, with their defaults."""
    rank = len(known_shape(site.input(0))) - 2
    if site.node.op_type == "Conv":
        kernel = known_value(site.input(1)).shape[2:]
    else:
        kernel = tuple(site.attribute("kernel_shape"))
    pads = site.attribute("pads", [0] * 2 * rank)
    return Window(
        kernel=tuple(kernel),
        strides=tuple(site.attribute("strides", [1] * rank)),
        dilations=tuple(site.attribute("dilations", [1] * rank)),
        before=tuple(pads[:rank]),
        after=tuple(pads[rank:]),
    )


def bias(site: Site) -> list[ir.Value]:
    """The bias as further inputs: none or one."""
    value = site.optional(2)
    return [] if value is None else [value]
