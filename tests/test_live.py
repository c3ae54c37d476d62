"""live(): the right control for each value, a picture that follows it, and errors that a learner can read."""

import threading

import ipywidgets as widgets
import pytest

from course_lib.lessons.nb00_start_here.ruler import GradientRuler
from course_lib.screen import Figure
from course_lib.screen.live import Live, live


class Sum(Figure):
    """A point at a + b; b = 13 fails, as a computation may."""

    size = (300, 200)
    labels = {"a": "first summand a"}

    def draw(self):
        self.ax = self.fig.subplots()
        self.ax.set(xlim=(0, 1), ylim=(0, 100))
        self.point, = self.moving(self.ax.plot([.5], [0], "o"))

    def compute(self, a=1.0, b=2, kind="x", grid=False):
        if b == 13:
            raise ValueError("13 is <not> allowed.")
        return a + b

    def move(self, total):
        self.point.set_ydata([total])
        limits = (0, 1000) if total > 100 else (0, 100)
        if self.ax.get_ylim() != limits:
            self.ax.set_ylim(limits)

    def describe(self, total):
        return f"The sum is {total:g}, {self.values['kind']}."


def shown(page):
    """The alt text of what a Live shows."""
    return page._motion.value.partition('aria-label="')[2].partition('"')[0]


def test_each_range_gets_its_control():
    page = live(Sum(), a=(0., 5.), b=(0, 20), kind=["x", "y"], grid=bool)
    assert {name: type(control) for name, control in page.controls.items()} == {
        "a": widgets.FloatSlider, "b": widgets.IntSlider, "kind": widgets.ToggleButtons, "grid": widgets.Checkbox}
    a, b = page.controls["a"], page.controls["b"]
    assert (a.min, a.max, a.value, a.step, a.readout_format) == (0, 5, 1, .05, ".2f")
    assert (b.min, b.max, b.value, b.step) == (0, 20, 2, 1)
    assert (a.description, b.description) == ("first summand a", "b")


def test_a_track_is_as_long_under_a_long_label():
    widths = [int(control.layout.width.removesuffix("px")) - 7 * len(control.description)
              for control in live(Sum(), a=(0., 5.), b=(0, 20)).controls.values()]
    assert widths[0] == widths[1] > 300


def test_what_moves_lies_over_what_does_not():
    page = live(Sum(), a=(0., 5.))
    places = {(layer.layout.grid_area, layer.layout.width, layer.layout.margin)
              for layer in (page._still, page._motion)}
    assert places == {("1 / 1 / 2 / 2", "100%", "0")}
    assert page.children[1].children == (page._still, page._motion)


def test_a_step_a_logarithm_and_many_choices():
    assert live(Sum(), a=(0., 5., .125)).controls["a"].readout_format == ".3f"
    assert live(Sum(), b=(0, 20, 2)).controls["b"].step == 2
    assert type(live(Sum(), b=(0., 20)).controls["b"]) is widgets.FloatSlider
    log = live(Sum(a=.1), a=(1e-3, 10, "log")).controls["a"]
    assert type(log) is widgets.FloatLogSlider and (log.min, log.max, log.value) == (-3, 1, .1)
    assert type(live(Sum(), kind=list("vwxyz")).controls["kind"]) is widgets.Dropdown


def test_controls_start_where_the_figure_is():
    page = live(Sum(b=7, kind="y"), b=(0, 20), kind=["x", "y"])
    assert page.controls["b"].value == 7 and page.controls["kind"].value == "y" and shown(page) == "The sum is 8, y."


def test_the_picture_follows_and_the_background_is_not_sent_again():
    page = live(Sum(), b=(0, 2000), kind=["x", "y"])
    still = page._still.value
    page.controls["b"].value = 20
    assert shown(page) == "The sum is 21, x."
    page.controls["kind"].value = "y"
    assert shown(page) == "The sum is 21, y." and page._still.value == still
    page.controls["b"].value = 200
    assert page._still.value != still, "the axis has another range"


def test_one_picture_with_one_name():
    page = live(Sum(), b=(0, 20))
    assert page._motion.value.count('role="img"') == 1
    assert 'aria-hidden="true"' in page._still.value and 'alt=""' in page._still.value


def test_an_error_is_shown_and_later_moves_recover():
    page = live(Sum(), b=(0, 20))
    page.controls["b"].value = 13
    assert "ValueError: 13 is &lt;not&gt; allowed." in page._message.value and 'role="alert"' in page._message.value
    assert shown(page) == "The sum is 3, x." and page.figure.values["b"] == 2
    page.controls["b"].value = 14
    assert page._message.value == "" and shown(page) == "The sum is 15, x."


def test_without_a_kernel_a_still_picture_remains():
    page = live(Sum(), b=(0, 20))
    page.controls["b"].value = 4
    bundle = page._repr_mimebundle_()
    assert bundle["text/html"] == page.figure.html() and 'alt="The sum is 5, x."' in bundle["text/html"]
    assert bundle["text/plain"] == "The sum is 5, x."
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_two_of_one_class_stand_side_by_side():
    one, two = live(Sum(), b=(0, 20)), live(Sum(b=9), b=(0, 20))
    one.controls["b"].value = 3
    assert (shown(one), shown(two)) == ("The sum is 4, x.", "The sum is 10, x.")


def test_callbacks_of_several_threads_end_in_one_state():
    page = live(Sum(), a=(0., 50.), b=(0, 12))
    threads = [threading.Thread(target=lambda name=name, values=values: [
        setattr(page.controls[name], "value", value) for value in values])
        for name, values in (("a", [i / 2 for i in range(41)]), ("b", [i % 12 for i in range(44)]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert page._message.value == "" and shown(page) == "The sum is 27, x."


def test_the_ruler_goes_live():
    page = live(GradientRuler(), gain=(.5, 2.), non_normality=(0., 2.), T=(10, 200), activation=["tanh", "relu"])
    page.controls["T"].value = 50
    page.controls["activation"].value = "relu"
    assert "a relu network" in shown(page) and "the last of 50 steps" in shown(page)


@pytest.mark.parametrize("ranges, error, message", [
    ({"c": (0., 1.)}, TypeError, r"Sum has no value 'c'; it has a, b, kind, grid\."),
    ({"a": (2., 3.)}, ValueError, r"a starts at 1, outside of its range 2 to 3\. .*Sum\(a=2\.0\)"),
    ({"a": (3., 0.)}, ValueError, r"a has the range \(3\.0, 0\.0\), whose low end is not below its high end"),
    ({"a": (1., 1.)}, ValueError, "not below its high end"),
    ({"a": (0., 5., -1.)}, ValueError, r"a has the step -1\.0, needs one above 0 and at most 5"),
    ({"a": (0., 5., 0.)}, ValueError, r"a has the step 0\.0, needs one above 0"),
    ({"a": (0., 5., 9.)}, ValueError, "at most 5"),
    ({"a": (0., 5., "log")}, ValueError, "needs a low end above 0"),
    ({"a": (0., float("nan"))}, TypeError, r"needs \(low, high\)"),
    ({"a": (False, True)}, TypeError, r"needs \(low, high\)"),
    ({"a": 3.}, TypeError, r"a has the range 3\.0, needs \(low, high\)"),
    ({"a": ("x", "y")}, TypeError, r"needs \(low, high\)"),
    ({"kind": (0., 1.)}, TypeError, "kind is 'x' in the figure, which no slider can show"),
    ({"kind": ["y", "z"]}, ValueError, r"kind starts at 'x', which is not among \['y', 'z'\].*Sum\(kind='y'\)"),
    ({"kind": []}, ValueError, "which is not among"),
    ({"b": bool}, TypeError, "b is 2 in the figure, needs True or False"),
])
def test_a_wrong_range_is_explained(ranges, error, message):
    with pytest.raises(error, match=message):
        live(Sum(), **ranges)


def test_only_figures_go_live():
    with pytest.raises(TypeError, match=r"needs a course_lib\.screen\.Figure\. Pass Sum\(\)\."):
        live(Sum, b=(0, 20))
    with pytest.raises(TypeError, match="figure is 3, needs"):
        live(3)
    assert isinstance(live(Sum()), Live)
