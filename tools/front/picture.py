"""Draw the moving picture of the README: the gradient ruler while its gain goes up and down.

    python tools/front/picture.py        writes ruler.svg beside this file

One SVG holds all pictures and shows them in turn; readers who ask their system for less motion see one of them.
"""
from __future__ import annotations

import base64
import re
from pathlib import Path

import numpy as np

from course_lib.lessons.nb00_start_here.ruler import GradientRuler

TARGET = Path(__file__).parent / "ruler.svg"
GAINS = [round(float(gain), 2) for gain in np.linspace(.6, 1.8, 25)]
SECONDS = .16  # that each gain is shown


def moving_picture() -> str:
    """Return the SVG: each background once, what moves once for each gain, and the turns in which they are shown."""
    ruler = GradientRuler(T=100, activation="tanh")
    width, height = ruler.size
    backgrounds: dict[bytes, int] = {}
    frames = []
    for gain in GAINS:
        moving = re.fullmatch(r"<svg[^>]*? viewBox=\"([^\"]*)\"[^>]*>(.*)</svg>", ruler.update(gain=gain).svg(),
                              re.DOTALL)
        scale = backgrounds.setdefault(ruler.background(), len(backgrounds))
        frames.append(f'<g id="gain{len(frames)}"><use href="#scale{scale}"/><svg viewBox="{moving[1]}" width="{width}" '
                      f'height="{height}">{moving[2]}</svg></g>')
    images = "".join(f'<image id="scale{number}" width="{width}" height="{height}" '
                     f'href="data:image/png;base64,{base64.b64encode(png).decode()}"/>'
                     for png, number in backgrounds.items())
    turns = [*range(len(GAINS)), *range(len(GAINS) - 2, 0, -1)]
    shown = "".join(f'<use class="turn" id="turn{turn}" href="#gain{number}" '
                    f'style="animation-delay:{SECONDS * turn:.2f}s"/>' for turn, number in enumerate(turns))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">
<style>
.turn {{ visibility: hidden; animation: turn {SECONDS * len(turns):.2f}s step-end infinite; }}
@keyframes turn {{ 0% {{ visibility: visible; }} {100 / len(turns):.4f}% {{ visibility: hidden; }} }}
@media (prefers-reduced-motion: reduce), print {{
.turn {{ animation: none; }}
#turn{GAINS.index(1.)} {{ visibility: visible; }}
}}
</style>
<defs>{images}{"".join(frames)}</defs>
{shown}
</svg>
"""


if __name__ == "__main__":
    TARGET.write_text(moving_picture(), encoding="utf-8")
