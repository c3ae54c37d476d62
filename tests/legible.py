"""Can a reader read every text in a figure?"""
from matplotlib.text import Text


def texts_fit(figure) -> int:
    """Assert that no text is cut by the picture's edge or covers another; return how many texts there are.

    What lies beyond the limits of its axes is not drawn and is left out: ticks, names of lines that are out of sight.
    """
    figure.png()
    renderer, edges, beyond = figure.fig.canvas.get_renderer(), figure.fig.bbox, set()
    for ax, axis in ((ax, axis) for ax in figure.fig.axes for axis in (ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for at, label in ((tick.get_loc(), label) for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
                          for label in (tick.label1, tick.label2)):
            if not (ax.axison and low <= at <= high):
                beyond.add(label)
    seen = [(text, text.get_window_extent(renderer)) for text in figure.fig.findobj(Text)
            if text.get_text() and text.get_visible() and text not in beyond]
    seen = [(text, box) for text, box in seen
            if not (text.axes and text.get_clip_on()) or text.axes.bbox.overlaps(box)]
    for text, box in seen:
        assert edges.x0 <= box.x0 and box.x1 <= edges.x1 and edges.y0 <= box.y0 and box.y1 <= edges.y1, text.get_text()
        covered = [other.get_text() for other, its in seen if other is not text and box.overlaps(its)]
        assert not covered, (text.get_text(), covered)
    return len(seen)
