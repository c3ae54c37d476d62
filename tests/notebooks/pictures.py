"""A plugin of nbval: how far the pictures of each cell are from the stored ones.

nbval itself compares what a picture says in words. At the end a line "picture of ID: SHARE" is printed for each that is
not the stored one: the share of what is drawn that is elsewhere, 1 for another size or another number of pictures.
"""
import base64
import io
import re

import numpy as np
from PIL import Image

BLOCK = 4  # pixels: what moves by less, as letters do from font engine to font engine, leaves a block's mean
SEEN = 25  # of 255: two means this far apart are another picture
PICTURE = re.compile(r'<img [^>]*src="data:image/png;base64,([^"]+)"')


def pictures(outputs) -> list[np.ndarray]:
    """The pictures of a cell's outputs on white, in order: (height, width, 3)."""
    found = []
    for output in outputs or []:
        data = output.get("data", {})
        coded = PICTURE.findall("".join(data.get("text/html", "")))
        if "image/png" in data:  # a cell's own plot
            coded.append(data["image/png"])
        for each in coded:
            picture = Image.open(io.BytesIO(base64.b64decode(each))).convert("RGBA")
            white = Image.new("RGBA", picture.size, "white")
            found.append(np.asarray(Image.alpha_composite(white, picture))[..., :3].astype(float))
    return found


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """The share of blocks, of those with anything but white in either, whose means differ by more than SEEN; 0 to 1."""
    if one.shape != other.shape:
        return 1.
    height, width = (length // BLOCK * BLOCK for length in one.shape[:2])
    means = [each[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, 3).mean((1, 3))
             for each in (one, other)]
    drawn = np.any([each.min(-1) < 255 - SEEN for each in means], axis=0)
    moved = np.abs(means[0] - means[1]).max(-1) > SEEN
    return float(moved.sum() / max(1, drawn.sum()))


found = []  # (id of its cell, share) of each picture that is another


def pytest_runtest_teardown(item):
    stored, now = pictures(item.cell.get("outputs")), pictures(item.test_outputs)
    shares = [apart(*two) for two in zip(stored, now)] + [1.] * abs(len(stored) - len(now))
    found.extend((item.cell.id, share) for share in shares if share)


def pytest_terminal_summary(terminalreporter):
    for cell, share in found:
        terminalreporter.write_line(f"picture of {cell}: {share:.4f}")
