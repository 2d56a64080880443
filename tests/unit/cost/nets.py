"""Graphs for tests, without any ONNX file: a builder, and two networks with published latencies."""

from collections.abc import Mapping, Sequence

from hetsched.ir.graph import Attribute, Graph, Op, Scalar, Tensor


class GraphBuilder:
    """Adds ops one by one; each returns the name of what it makes."""

    def __init__(self, opset: int = 11) -> None:
        self._opset = opset
        self.ops: list[Op] = []
        self.tensors: dict[str, Tensor] = {}
        self.inputs: list[str] = []
        self.constants: set[str] = set()
        self.values: dict[str, tuple[Scalar, ...]] = {}

    def input(self, name: str, *shape: int | None, dtype: str = "float32") -> str:
        self.inputs.append(name)
        return self._tensor(name, shape, dtype)

    def constant(
        self,
        name: str,
        *shape: int,
        dtype: str = "float32",
        value: tuple[Scalar, ...] | None = None,
    ) -> str:
        self.constants.add(name)
        if value is not None:
            self.values[name] = value
        return self._tensor(name, shape, dtype)

    def op(
        self,
        op_type: str,
        inputs: Sequence[str],
        shape: Sequence[int | None],
        *,
        dtype: str = "float32",
        name: str = "",
        attributes: Mapping[str, Attribute] | None = None,
        outputs: int = 1,
        domain: str = "",
    ) -> str:
        """Add an op named after its type and number; all its outputs have one shape."""
        name = name or f"{op_type}{len(self.ops)}"
        made = [f"{name}:{index}" for index in range(outputs)]
        for tensor in made:
            self._tensor(tensor, shape, dtype)
        self.ops.append(
            Op(
                name=name,
                op_type=op_type,
                domain=domain,
                opset=self._opset,
                inputs=tuple(inputs),
                outputs=tuple(made),
                attributes=dict(attributes or {}),
            )
        )
        return made[0]

    def conv(self, source: str, channels: int, kernel: int, stride: int = 1, group: int = 1) -> str:
        """A convolution with a bias that keeps the size, divided by the stride."""
        n, c, h, w = (dim or 0 for dim in self.tensors[source].shape or ())
        at = len(self.ops)
        weight = self.constant(f"w{at}", channels, c // group, kernel, kernel)
        bias = self.constant(f"b{at}", channels)
        shape = (n, channels, -(-h // stride), -(-w // stride))
        return self.op("Conv", (source, weight, bias), shape, attributes={"group": group})

    def relu(self, source: str) -> str:
        return self.op("Relu", (source,), self.tensors[source].shape or ())

    def scalar(self, op_type: str, source: str) -> str:
        """Arithmetic with a stored number."""
        number = self.constant(f"k{len(self.ops)}")
        return self.op(op_type, (source, number), self.tensors[source].shape or ())

    def binary(self, op_type: str, first: str, second: str) -> str:
        return self.op(op_type, (first, second), self.tensors[first].shape or ())

    def classify(self, source: str, classes: int = 1000) -> str:
        """Global pooling, flattening, a dense layer."""
        n, c = (dim or 0 for dim in (self.tensors[source].shape or ())[:2])
        pooled = self.op("GlobalAveragePool", (source,), (n, c, 1, 1))
        flat = self.op("Flatten", (pooled,), (n, c))
        weight, bias = self.constant("fc.w", classes, c), self.constant("fc.b", classes)
        return self.op("Gemm", (flat, weight, bias), (n, classes), attributes={"transB": 1})

    def graph(self, *outputs: str) -> Graph:
        return Graph(
            ops=tuple(self.ops),
            tensors=self.tensors,
            inputs=tuple(self.inputs),
            outputs=outputs,
            constants=frozenset(self.constants),
            values=self.values,
        )

    def _tensor(self, name: str, shape: Sequence[int | None], dtype: str) -> str:
        self.tensors[name] = Tensor(name=name, dtype=dtype, shape=tuple(shape))
        return name


def mobilenet_v1() -> Graph:
    """MobileNet v1, width 1, 224 x 224: 569 MMAC."""
    builder = GraphBuilder()
    tensor = builder.relu(builder.conv(builder.input("x", 1, 3, 224, 224), 32, 3, 2))
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5]
    channels = 32
    for wide, stride in [*plan, (1024, 2), (1024, 1)]:
        tensor = builder.relu(builder.conv(tensor, channels, 3, stride, group=channels))
        tensor = builder.relu(builder.conv(tensor, wide, 1))
        channels = wide
    return builder.graph(builder.classify(tensor))


def resnet50() -> Graph:
    """ResNet-50 with the stride in the first 1x1 convolution of a stage, 224 x 224: 3.86 GMAC."""
    builder = GraphBuilder()
    tensor = builder.relu(builder.conv(builder.input("x", 1, 3, 224, 224), 64, 7, 2))
    tensor = builder.op("MaxPool", (tensor,), (1, 64, 56, 56))
    for blocks, narrow, first in ((3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)):
        for block in range(blocks):
            stride = first if block == 0 else 1
            side = builder.conv(tensor, 4 * narrow, 1, stride) if block == 0 else tensor
            inner = builder.relu(builder.conv(tensor, narrow, 1, stride))
            inner = builder.conv(builder.relu(builder.conv(inner, narrow, 3)), 4 * narrow, 1)
            tensor = builder.relu(builder.binary("Add", inner, side))
    return builder.graph(builder.classify(tensor))
