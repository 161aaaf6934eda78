"""How a model that was handed to other programs is shown to a person."""

from __future__ import annotations

from assistant.commands.export_gguf import GgufView
from assistant.render import render
from assistant.render_made import shown
from assistant.screen import Screen, dim


@render.register
def _(result: GgufView, screen: Screen) -> None:
    size = f"{result.bytes / 1e6:,.1f} MB"
    screen.out(f"{shown(result.file)}: {result.run} ({result.base}) as GGUF, {result.quantize}, {size}.")
    screen.out(
        dim(
            f"Read back: {result.texts} texts are cut into the same tokens; {result.same} of {result.tokens} greedy tokens "
            f"are the same; logits differ by {result.difference:.1e} at most, {result.divergence:.1e} nats a token."
        )
    )
