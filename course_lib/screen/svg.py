"""A matplotlib renderer that writes artists as a short SVG string: what a live figure sends at each step of a slider.

Matplotlib's own SVG backend writes whole documents with global ids and takes its options from global settings; this
one writes a handful of elements, in whole tenths of a CSS pixel, and may run in any thread.
"""

import base64
import struct
import zlib
from functools import lru_cache
from itertools import groupby

import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_hex
from matplotlib.path import Path
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D

UNITS = 10  # user units in a CSS pixel: coordinates can then be integers
FAR = 100 * 1000 * UNITS  # beyond any screen: larger coordinates are cut, since browsers lose precision there
LETTERS = {Path.MOVETO: ("M", 1), Path.LINETO: ("l", 1), Path.CURVE3: ("q", 2), Path.CURVE4: ("c", 3),
           Path.CLOSEPOLY: ("z", 0), Path.STOP: ("", 0)}  # the last two carry a point that means nothing
WORDS = {code: [(letter if new or letter in "Mz" else " ") + " ".join(["%d %d"] * points) for new in (False, True)]
         for code, (letter, points) in LETTERS.items()}  # of an element behind one of its kind, behind another


class SVGRenderer(RendererBase):
    """Collects what artists draw; `markup()` returns it. Sizes are in device pixels of `dpi`, y upwards.

    errors  TypeError for what it cannot draw
    """

    def __init__(self, width: float, height: float, dpi: float):
        super().__init__()
        self.width, self.height, self.dpi = width, height, dpi
        self.scale = UNITS * 96 / dpi
        self.to_screen = Affine2D().scale(1, -1).translate(0, height).scale(self.scale)
        self.parts: list[tuple[str, str]] = []  # the clipping viewport, the element inside it

    def markup(self) -> str:
        """Return the elements drawn so far and forget them."""
        parts, self.parts = self.parts, []
        groups = ((clip, "".join(element for _, element in group)) for clip, group in groupby(parts, lambda p: p[0]))
        return "".join(f"<svg {clip}>{elements}</svg>" if clip else elements for clip, elements in groups)

    def draw_path(self, gc, path, transform, rgbFace=None):
        if gc.get_hatch() is not None:
            raise TypeError("a live figure cannot show hatches: use colour or dashes instead.")
        filled = rgbFace is not None
        clip = None if filled else (-self.width, -self.height, 2 * self.width, 2 * self.height)
        cleaned = path.cleaned(transform, remove_nans=True, clip=clip, curves=True, snap=False,
                               simplify=path.should_simplify and not filled)
        self._add_path(gc, cleaned.vertices, cleaned.codes, rgbFace)

    def draw_markers(self, gc, marker_path, marker_trans, path, trans, rgbFace=None):
        marker = marker_path.cleaned(marker_trans, remove_nans=True, curves=True, snap=False)
        points = trans.transform(path.vertices)
        points = points[np.isfinite(points).all(1)]
        vertices = (points[:, None] + marker.vertices).reshape(-1, 2)
        self._add_path(gc, vertices, np.tile(marker.codes, len(points)), rgbFace)

    def draw_image(self, gc, x, y, im, transform=None):
        rows, columns = im.shape[:2]
        placed = Affine2D() if transform is None else Affine2D().scale(1 / columns, 1 / rows) + transform
        matrix = placed + Affine2D().translate(x, y) + self.to_screen
        numbers = " ".join(f"{value:.6g}" for value in matrix.get_affine().get_matrix()[:2].T.ravel())
        alpha = "" if gc.get_alpha() == 1 else f' opacity="{gc.get_alpha():.3g}"'
        self._add(gc, f'<image width="{columns}" height="{rows}" transform="matrix({numbers})"{alpha} '
                      f'preserveAspectRatio="none" style="image-rendering:pixelated" '
                      f'href="{data_url(png_bytes(im))}"/>')

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        size = self.points_to_pixels(prop.get_size_in_points()) / text_to_path.FONT_SCALE
        gc.set_linewidth(0)
        self.draw_path(gc, _text_path(s, prop, bool(ismath)),
                       Affine2D().scale(size).rotate_deg(angle).translate(x, y), rgbFace=gc.get_rgb())

    def draw_gouraud_triangles(self, gc, triangles_array, colors_array, transform):
        raise TypeError("a live figure cannot show Gouraud shading: use shading='nearest' or an image.")

    def option_scale_image(self):
        return True  # an image is sent in its own resolution and scaled by the browser

    def flipy(self):
        return False

    def get_canvas_width_height(self):
        return self.width, self.height

    def points_to_pixels(self, points):
        return points * self.dpi / 72

    def _add_path(self, gc, vertices, codes, face) -> None:
        if d := path_data(vertices, codes, self.to_screen):
            self._add(gc, f'<path d="{d}"{self._style(gc, face)}/>')

    def _add(self, gc, element: str) -> None:
        clip_path, _ = gc.get_clip_path()
        if clip_path is not None:
            raise TypeError("a live figure clips to rectangles only: set_clip_path(None), or use rectangular axes.")
        box, clip = gc.get_clip_rectangle(), ""
        if box is not None:
            x0, y1, x1, y0 = self.to_screen.transform([[box.x0, box.y0], [box.x1, box.y1]]).ravel()
            place = f"{x0:.0f} {y0:.0f} {x1 - x0:.0f} {y1 - y0:.0f}"
            clip = 'x="{}" y="{}" width="{}" height="{}"'.format(*place.split()) + f' viewBox="{place}"'
        self.parts.append((clip, element))

    def _style(self, gc, face) -> str:
        forced = gc.get_alpha() if gc.get_forced_alpha() else None
        style = f' fill="{to_hex(face)}"{_opacity("fill", face, forced)}' if face is not None else ' fill="none"'
        if width := self.points_to_pixels(gc.get_linewidth()) * self.scale:
            colour = gc.get_rgb()
            style += f' stroke="{to_hex(colour)}" stroke-width="{width:.3g}"{_opacity("stroke", colour, forced)}'
            style += f' stroke-linejoin="{gc.get_joinstyle()}"'
            cap = {"projecting": "square"}.get(gc.get_capstyle(), gc.get_capstyle())
            style += "" if cap == "butt" else f' stroke-linecap="{cap}"'
            offset, dashes = gc.get_dashes()
            if dashes is not None:
                factor = self.points_to_pixels(1) * self.scale
                style += f' stroke-dasharray="{" ".join(f"{factor * dash:.3g}" for dash in dashes)}"'
                style += f' stroke-dashoffset="{factor * offset:.3g}"' if offset else ""
        return style


def path_data(vertices: np.ndarray, codes: np.ndarray, transform: Affine2D) -> str:
    """Return the `d` of an SVG path, in steps from point to point: they have half the digits of positions."""
    points = np.clip(transform.transform(vertices), -FAR, FAR).round().astype(int)
    template, used, origins, relative = _template(codes.tobytes())
    steps = points[used] - relative * points[origins]
    return (template % tuple(steps.ravel().tolist())).replace(" -", "-")


@lru_cache(200)
def _template(codes: bytes) -> tuple[str, np.ndarray, np.ndarray, np.ndarray]:
    """The letters of a path, the points that it takes, those where its steps begin, and which of them are steps."""
    codes = np.frombuffer(codes, np.uint8)
    places, new = np.arange(len(codes)), np.diff(codes, prepend=Path.STOP) != 0
    sizes = np.select([codes == Path.CURVE3, codes == Path.CURVE4], [2, 3], 1)
    nth = (places - np.maximum.accumulate(places * new)) % sizes  # of the points of its curve
    template = "".join(WORDS[code][first] for code, first in zip(codes[nth == 0].tolist(), new[nth == 0].tolist()))
    used = np.flatnonzero((codes != Path.CLOSEPOLY) & (codes != Path.STOP))
    relative = codes[used] != Path.MOVETO
    before = used[np.arange(len(used)) - nth[used] - 1]
    return template, used, np.where(relative, before, used), relative[:, None]


def png_bytes(pixels) -> bytes:
    """Return pixels, (height, width, 4), as PNG: each row less the one above. Pillow takes three times as long."""
    rows = np.ascontiguousarray(pixels).reshape(len(pixels), -1)
    lines = np.insert(rows, 0, 2, axis=1)  # 2, in front of each row, says what the next line does
    lines[1:, 1:] -= rows[:-1]
    header = struct.pack(">2I5B", lines.shape[1] // 4, len(lines), 8, 6, 0, 0, 0)
    parts = b"IHDR" + header, b"IDAT" + zlib.compress(lines, 1), b"IEND"
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in parts)


def data_url(png: bytes) -> str:
    """Return a PNG as the address of an image."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


@lru_cache(500)
def _text_path(text: str, properties, math: bool) -> Path:
    return Path(*text_to_path.get_text_path(properties, text, ismath=math))


def _opacity(kind: str, colour, forced: float | None) -> str:
    alpha = forced if forced is not None else colour[3] if len(colour) == 4 else 1
    return "" if alpha == 1 else f' {kind}-opacity="{alpha:.3g}"'
