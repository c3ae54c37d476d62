"""From slider to picture, in a real JupyterLab: `interact` + plt.show beside `live`, measured in the same run.

Both draw the same two panels (a log curve of 100 steps beside a 64 x 64 heat map, with titles, labels and a colour bar,
900 x 360 pixels). The mouse drags a real slider by one step; the clock stops when a picture of the new value is in the
page, and again when it has been painted. Which value a picture shows is read from the picture, so that the one before
does not count: the first eight cells of the heat map spell it in binary. The exit status is 1 where `live` is less than
six times faster.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from lab import chromium, errors, jupyterlab, run_all  # noqa: E402
from report import report, turn  # noqa: E402

BLOCKS, DRAGS, LOW, STEP, STEPS = 3, 10, .5, .025, 60
LEAST = 6
RNG = np.random.default_rng(0)

MODEL = """\
import numpy as np
t = np.arange(101)
rows, columns = np.mgrid[:64, :64]

def model(gain):
    heat = np.sin(gain * rows / 5) * np.cos(columns / 7)
    index = round((gain - .5) / .025)
    heat[0] = [1 if bit > 7 or index >> bit & 1 else -1 for bit in range(64)]
    return gain ** t, heat
"""
INTERACT = """\
import matplotlib.pyplot as plt
from ipywidgets import FloatSlider, interact

def show(gain):
    curve, heat = model(gain)
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
    left.semilogy(t, curve)
    left.set(title="Gradient", xlabel="steps back", ylabel="|dL/dh_t|", ylim=(1e-32, 1e32))
    left.grid(alpha=.3)
    image = right.imshow(heat, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    right.set(title="States", xlabel="t", ylabel="unit")
    fig.colorbar(image, label="h")
    plt.show()

interact(show, gain=FloatSlider(min=.5, max=2, step=.025, value=1.));
"""
LIVE = """\
from course_lib.lessons.nb00_start_here.ruler import GradientRuler
from course_lib.screen import BLUE, Figure
from course_lib.screen.live import live

class Panels(Figure):
    def draw(self):
        left, right = self.fig.subplots(1, 2)
        self.curve, = self.moving(left.semilogy(t, 1. + t, color=BLUE))
        left.set(title="Gradient", xlabel="steps back", ylabel="|dL/dh_t|", xlim=(-5, 105), ylim=(1e-32, 1e32))
        self.heat = self.moving(right.imshow(np.zeros((64, 64)), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto"))
        right.set(title="States", xlabel="t", ylabel="unit")
        right.grid(False)
        self.fig.colorbar(self.heat, label="h")

    def compute(self, gain=1.):
        return model(gain)

    def move(self, data):
        self.curve.set_ydata(data[0])
        self.heat.set_data(data[1])

    def describe(self, data):
        return f"With gain {self.values['gain']:.3f} the curve ends at {data[0][-1]:.1e}."

live(Panels(), gain=(.5, 2., .025))
"""
RULER = "live(GradientRuler(), gain=(.5, 2., .025), non_normality=(0., 2.), T=(10, 200), activation=['tanh', 'relu'])"

# arm(cell, kind) waits for the next movement of the mouse; `outcome` is then the time until the picture that belongs to
# the slider's value was in the page, decoded, the time until it was painted, and the value that it shows. A picture's
# heat map is found by the saturated colours of its first row.
SCRIPT = """
window.bits = async source => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const {width, height} = image;
    const pen = new OffscreenCanvas(width, height).getContext('2d');
    pen.drawImage(image, 0, 0);
    const pixels = pen.getImageData(0, 0, width, height).data;
    const tint = (x, y) => pixels[4 * (y * width + x)] - pixels[4 * (y * width + x) + 2];  // red over blue
    const from = width > 64 ? Math.floor(.52 * width) : 0;  // beyond the curve
    let [left, right, top] = [width, 0, height];
    for (let y = 0; y < height && top === height; y++) for (let x = from; x < width; x++)
        if (Math.abs(tint(x, y)) > 60) { [left, top] = [x, y]; break; }
    for (right = left; right < width && Math.abs(tint(right, top)) > 60; right++);
    const cell = (right - left) / 64;
    let value = 0;
    for (let bit = 0; bit < 8; bit++)
        if (tint(Math.floor(left + (bit + .5) * cell), Math.floor(top + Math.min(cell, 4) / 2)) > 0) value += 2 ** bit;
    return value;
};
window.readers = {
    interact: cell => { const img = cell.querySelector('.jp-OutputArea-output img');
                                 return img && [img, () => bits(img.src)]; },
    live: cell => { const image = cell.querySelector('svg image');
                             return image && [image, () => bits(image.getAttribute('href'))]; },
    ruler: cell => { const svg = cell.querySelector('svg[role=img]');
                     return svg && [svg, async () => Math.round((parseFloat(
                         svg.getAttribute('aria-label').match(/gain ([0-9.]+)/)[1]) - .5) / .025)]; },
};
window.arm = (cell, kind) => {
    window.outcome = null;
    const readout = cell.querySelector('.widget-readout');
    let start = null, last = readers[kind](cell)[0];
    window.addEventListener('pointermove', event => { start ??= event.timeStamp; }, {once: true, capture: true});
    const observer = new MutationObserver(async () => {
        const found = readers[kind](cell);
        if (start === null || !found || found[0] === last) return;
        last = found[0];
        try { await last.decode?.(); } catch { return; }  // a newer picture took its place
        const present = performance.now() - start;
        await new Promise(requestAnimationFrame);
        await new Promise(resolve => {  // a message posted in a frame comes after its paint
            const channel = new MessageChannel();
            channel.port1.onmessage = resolve;
            channel.port2.postMessage(0);
        });
        const painted = performance.now() - start, shown = await found[1]();
        if (shown !== Math.round((parseFloat(readout.textContent) - .5) / .025)) return;  // the picture before
        observer.disconnect();
        window.outcome = {present, painted, shown};
    });
    observer.observe(cell, {subtree: true, childList: true, attributes: true});
};
"""


def drag(page, cell, kind: str, times: int) -> list[dict[str, float]]:
    """Drag the first slider of a cell by one step, `times` times; return the outcomes."""
    cell.scroll_into_view_if_needed()
    handle = cell.locator(".noUi-handle").first.bounding_box()
    width = cell.locator(".noUi-base").first.bounding_box()["width"]
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    outcomes = []
    for _ in range(times):
        x += width / STEPS
        cell.evaluate("(cell, kind) => arm(cell, kind)", kind)
        page.mouse.move(x, y)
        page.wait_for_function("window.outcome", timeout=10_000)
        outcomes.append(page.evaluate("window.outcome"))
        page.wait_for_timeout(80 + RNG.uniform(0, 40))  # a hand keeps no step with the screen's frames
    page.mouse.up()
    shown = [outcome["shown"] for outcome in outcomes]
    if len(set(shown)) != times:
        raise RuntimeError(f"{kind}: {times} drags showed the values {shown}; every drag has to show another one.")
    return outcomes


def main() -> int:
    outcomes = {"interact": [], "live": [], "ruler": []}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        notebooks = Path(folder) / "notebooks"
        notebooks.mkdir()
        with chromium(playwright) as browser, jupyterlab(notebooks, Path(folder)) as lab:
            lab.write("bench.ipynb", MODEL, INTERACT, LIVE, RULER)
            page = browser.new_page(viewport={"width": 1200, "height": 1000})
            lab.open(page, "bench.ipynb")
            run_all(page)
            if errors(page):
                raise RuntimeError("\n".join(errors(page)))
            page.evaluate("() => {" + SCRIPT + "}")
            page.wait_for_timeout(1000)
            cells = dict(zip(outcomes, page.locator(".jp-CodeCell").all()[1:]))
            for kind, cell in cells.items():
                drag(page, cell, kind, 2)
            for _ in range(BLOCKS):
                for kind, cell in cells.items():
                    turn()
                    outcomes[kind] += drag(page, cell, kind, DRAGS)

    names = {"interact": "interact + plt.show", "live": "live, the same two panels", "ruler": "live, gradient ruler"}
    medians = {}
    for kind, name in names.items():
        (present, late), (painted, painted_late) = (
            np.percentile([outcome[stage] for outcome in outcomes[kind]], [50, 95]) for stage in ("present", "painted"))
        medians[kind] = present, painted
        report(name, present, "ms", most=np.inf, note=f"from the mouse until the new picture is in the page (95 %: "
               f"{late:.0f}), until it is painted {painted:.0f} (95 %: {painted_late:.0f}), {BLOCKS * DRAGS} drags")
    present, painted = (slow / fast for slow, fast in zip(medians["interact"], medians["live"]))
    return int(not report("live against interact", present, "times as fast", least=LEAST,
                          note=f"{painted:.1f} with the painting, which waits for the screen's next frame"))


if __name__ == "__main__":
    sys.exit(main())
