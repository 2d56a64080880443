"""The host's side of a split model as Python that people can read: unpacking, head and tail.

A part whose ops are all known to `host_numpy` becomes NumPy; any other part is a model file that
ONNX Runtime runs. The file runs by itself: it needs NumPy, and ONNX Runtime for such parts and for
trying the whole.
"""

import json
import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hetsched import __version__
from hetsched.convert.host_numpy import expression
from hetsched.convert.packing import Packing
from hetsched.convert.tail import Split
from hetsched.ir.custom import needs_reference
from hetsched.ir.graph import Graph, Op

INLINE_ELEMENTS = 64
"""Larger stored values go to a file beside the code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFiles:
    """Names of the files beside the code.

    Attributes:
        main: the model for the target.
        head: the head as a model, for ONNX Runtime.
        tail: the tail as a model, for ONNX Runtime; it unpacks too.
        constants: larger stored values, for NumPy.
        code: the code itself.
    """

    main: str
    head: str
    tail: str
    constants: str
    code: str


@dataclass(slots=True, kw_only=True)
class HostCode:
    """Generated code.

    Attributes:
        text: of the file.
        constants: for the file of stored values; empty when it isn't needed.
        needs_head: whether the head has to be there as a model.
        needs_tail: whether the tail has to be there as a model.
    """

    text: str
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    needs_head: bool = False
    needs_tail: bool = False


def host_code(
    graph: Graph,
    parts: Split,
    layout: Packing | None,
    files: HostFiles,
    stored: Mapping[str, np.ndarray],
    title: str,
) -> HostCode:
    """Write the host's side.

    Args:
        graph: the model's, without the ops that pack and unpack.
        parts: of that graph.
        layout: of the main part's one output; None when its outputs aren't packed.
        files: beside the code.
        stored: values of the constants that head and tail read.
        title: what the split is of and for.
    """
    writer = _Writer(graph, stored)
    head = writer.body(parts.head, parts.head_inputs, parts.head_outputs)
    tail = writer.body(parts.tail, parts.tail_inputs, parts.tail_outputs)
    found = HostCode(
        text="",
        needs_head=bool(parts.head) and head is None,
        needs_tail=bool(parts.tail) and tail is None,
    )
    lines = "\n".join((*(head or ()), *(tail or ())))
    read = set(re.findall(r"\w+", lines))
    found.constants = {name: writer.large[name] for name in sorted(writer.large) if name in read}
    inline = [line for line in writer.inline if line.split(" = ")[0] in read]
    blocks = [
        *_intro(title, files, found),
        *(_CUSTOM if writer.has_custom else ()),
        *inline,
        *_part("preprocess", "The head", parts.head, head, files.head),
        *_unpack(layout),
        *_part("postprocess", "The tail", parts.tail, tail, files.tail),
        *_run(graph, parts, layout),
    ]
    found.text = "\n".join(blocks) + "\n"
    return found


class _Writer:
    """Turns ops into lines, and collects the stored values that they read."""

    def __init__(self, graph: Graph, stored: Mapping[str, np.ndarray]) -> None:
        self._graph = graph
        self._stored = stored
        self._names: dict[str, str] = {}
        self.inline: list[str] = []
        self.large: dict[str, np.ndarray] = {}
        self.has_custom = False

    def body(
        self, ops: Sequence[str], inputs: Sequence[str], outputs: Sequence[str]
    ) -> list[str] | None:
        """Lines from a dict `values` to a dict of outputs; None when an op isn't known."""
        lines = [f"    {self._name(name)} = values[{_text(name)}]" for name in inputs]
        kept = (list(self.inline), dict(self.large))
        for name in ops:
            op = self._graph.op[name]
            names = [self._input(read) for read in op.inputs]
            text = self._custom(op, names) or expression(self._graph, op, names)
            if text is None:
                self.inline, self.large = kept
                return None
            lines.append(f"    {self._name(op.writes[0])} = {text}  # {op.op_type}")
        given = [f"        {_text(name)}: {self._typed(name)}," for name in outputs]
        return [*lines, "    return {", *given, "    }"]

    def _custom(self, op: Op, names: Sequence[str]) -> str | None:
        """A call of a registered op's NumPy reference, where ONNX Runtime has none."""
        if not needs_reference(op.domain, op.op_type) or len(op.writes) != 1:
            return None
        self.has_custom = True
        given = ", ".join(name or "None" for name in names)
        return (
            f"custom({_text(op.domain)}, {_text(op.op_type)}, [{given}], {dict(op.attributes)!r})"
        )

    def _typed(self, name: str) -> str:
        """In the model's dtype: NumPy widens in places."""
        dtype = self._graph.tensors[name].dtype
        made = "bool_" if dtype == "bool" else dtype
        return f"np.asarray({self._name(name)}, np.{made})"

    def _input(self, name: str) -> str:
        if name not in self._graph.constants or not name:
            return self._name(name) if name else ""
        if name not in self._names:
            self._store(name)
        return self._names[name]

    def _store(self, name: str) -> None:
        array = self._stored[name]
        known = self._name(name).upper()
        while known in self._names.values():
            known += "_"
        self._names[name] = known
        if array.size > INLINE_ELEMENTS:
            self.large[known] = array
            return
        values = f"np.array({array.reshape(-1).tolist()!r}, np.{array.dtype.name})"
        values = values.replace("np.bool)", "np.bool_)")
        shaped = "" if array.ndim == 1 else f".reshape({array.shape})"
        self.inline.append(f"{known} = {values}{shaped}")

    def _name(self, tensor: str) -> str:
        if tensor not in self._names:
            text = re.sub(r"\W+", "_", tensor, flags=re.ASCII).strip("_").lower() or "value"
            text = f"v_{text}" if text[0].isdigit() or keyword.iskeyword(text) else text
            taken = {*self._names.values(), "np", "ort", "values"}
            found, number = text, 1
            while found in taken:
                found, number = f"{text}_{number}", number + 1
            self._names[tensor] = found
        return self._names[tensor]


def _intro(title: str, files: HostFiles, code: HostCode) -> Iterator[str]:
    yield f'"""The host\'s side of {title}.'
    yield ""
    yield f"{files.main} is what the target runs. Written by hetsched {__version__}."
    yield '"""'
    yield ""
    yield "from pathlib import Path"
    yield ""
    yield "import numpy as np"
    yield ""
    yield "HERE = Path(__file__).parent"
    yield f"MAIN = HERE / {_text(files.main)}"
    for name in code.constants:
        yield f"{name} = np.load(HERE / {_text(files.constants)})[{_text(name)}]"


def _part(
    name: str, what: str, ops: Sequence[str], body: Sequence[str] | None, file: str
) -> Iterator[str]:
    if not ops:
        return
    yield ""
    yield ""
    yield f"def {name}(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:"
    if body is None:
        yield f'    """{what}, run by ONNX Runtime; ops: {len(ops)}."""'
        yield f"    return _session_run(HERE / {_text(file)}, values)"
        return
    yield f'    """{what}; ops: {len(ops)}."""'
    yield from body


def _unpack(layout: Packing | None) -> Iterator[str]:
    if layout is None:
        return
    is_channels = layout.form == "channels"
    yield ""
    yield ""
    option = ", *, channels_last: bool = False" if is_channels else ""
    yield f"def unpack(packed: np.ndarray{option}) -> dict[str, np.ndarray]:"
    yield f'    """The packed output, {layout.dtype} of shape {layout.shape}, taken apart."""'
    if is_channels:
        yield "    whole = np.moveaxis(packed, -1, 1) if channels_last else packed"
    else:
        yield "    flat = packed.reshape(-1)"
    yield "    return {"
    for part in layout.segments:
        cut = f"{part.start}:{part.stop}"
        text = f"whole[:, {cut}]" if is_channels else f"flat[{cut}].reshape({part.shape})"
        if part.dtype != layout.dtype:
            text += f".astype(np.{'bool_' if part.dtype == 'bool' else part.dtype})"
        yield f"        {_text(part.name)}: {text},"
    yield "    }"


def _run(graph: Graph, parts: Split, layout: Packing | None) -> Iterator[str]:
    yield from _SESSION
    yield ""
    yield ""
    yield "def run(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:"
    yield '    """The whole model; ONNX Runtime stands in for the target."""'
    yield "    values = dict(inputs)"
    if parts.head:
        yield "    values.update(preprocess(values))"
    yield "    values.update(_session_run(MAIN, values))"
    if layout is not None:
        yield f"    values.update(unpack(values[{_text(layout.tensor)}]))"
    if parts.tail:
        yield "    values.update(postprocess(values))"
    names = ", ".join(_text(name) for name in graph.outputs)
    yield f"    return {{name: values[name] for name in [{names}]}}"
    yield ""
    yield ""
    yield 'if __name__ == "__main__":'
    yield "    rng = np.random.default_rng(0)"
    yield "    made = run({"
    for name in graph.inputs:
        tensor = graph.tensors[name]
        shape = tuple(tensor.shape or ())
        yield f"        {_text(name)}: (rng.random({shape}) * 2).astype(np.{tensor.dtype}),"
    yield "    })"
    yield "    for name, array in made.items():"
    yield '        print(f"{name}: {array.dtype} of shape {array.shape}, mean {array.mean():.6g}")'


def _text(name: str) -> str:
    """A name in double quotes."""
    return json.dumps(name, ensure_ascii=False)


_CUSTOM = (
    "",
    "",
    "def custom(domain: str, name: str, inputs: list, attributes: dict) -> np.ndarray:",
    '    """A custom op by its NumPy reference: import what registers it before."""',
    "    from hetsched.ir.custom import custom_op, run_reference",
    "",
    "    return run_reference(custom_op(domain, name), inputs, attributes)[0]",
)

_SESSION = (
    "",
    "",
    "def _session_run(file: Path, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:",
    '    """One of the model files in ONNX Runtime."""',
    "    import onnxruntime as ort",
    "",
    '    session = ort.InferenceSession(file, providers=["CPUExecutionProvider"])',
    "    names = [output.name for output in session.get_outputs()]",
    "    given = {known.name: values[known.name] for known in session.get_inputs()}",
    "    return dict(zip(names, session.run(names, given)))",
)
