"""A page of text is read, a voice is listened for and pictures are classified, all at once.

Five models run as apps of one runtime. Images are prepared and results decoded by host stages, in
processes of their own; the voice detector's state is handed on from request to request.
"""

import asyncio
from typing import Any

from scene.page import LINES, draw
from scene.reader import DIRECTION, FIND, Reader, recognition
from scene.sound import speech, windows

import hetsched as hs
from hetsched.stages import Letterbox, Normalise, Softmax, TopK
from hetsched.workload.others import whole_plans

MODELS = ("ppocr-det", "ppocr-cls", "ppocr-rec", "silero-vad", "squeezenet")


async def deploy(runtime: hs.Runtime, name: str, **around: Any) -> Any:
    """A model on one unit of a phone's SoC; here, any core may run it."""
    model = hs.load(f"zoo:{name}")
    plan = whole_plans(model, hs.profile("helio-g90"))["cpu-big"]
    return await runtime.deploy(plan, name=name, model=model, alternatives="all", **around)


async def main() -> None:
    async with hs.Runtime(hs.host_units()) as runtime:
        read = Reader(
            find=await deploy(runtime, "ppocr-det", **FIND),
            direction=await deploy(runtime, "ppocr-cls", **DIRECTION),
            recognise=await deploy(runtime, "ppocr-rec", **recognition(hs.load("zoo:ppocr-rec"))),
        )
        listen = await deploy(runtime, "silero-vad", state={"stateN": "state"})
        classify = await deploy(
            runtime,
            "squeezenet",
            pre=[Letterbox(height=224, width=224), Normalise()],
            post=[Softmax(), TopK(k=1)],
        )

        async def hear() -> str:
            """Every 32 ms of 4 s: a mark where somebody talks."""
            heard = [out["output"].item() async for out in listen.stream(windows(speech(4.0)))]
            return "".join("#" if probability > 0.5 else "." for probability in heard)

        page = draw()
        lines, heard, classes = await asyncio.gather(
            read(page),
            hear(),
            asyncio.gather(*(classify(page[top:, ::-1]) for top in (0, 100, 200))),
        )

    for written, line in zip(LINES, lines, strict=True):
        print(f"{'read' if line == written else 'misread'}: {line}")
    print(f"heard: {heard}")
    for ((best,),) in classes:
        print(f"classified: one of 1000 classes, {0 <= best.class_index < 1000}")


if __name__ == "__main__":
    asyncio.run(main())
