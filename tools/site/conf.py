"""Sphinx's configuration for the site; make_site.py calls it on the sources that pages.py writes."""
import os

project = "Gradients Through Time"
author = "the authors of the course"
language = "en"
extensions = ["myst_parser", "sphinx.ext.mathjax"]

myst_enable_extensions = ["dollarmath", "attrs_block"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # an exercise is a heading of its own, wherever it is

html_theme = "furo"
html_title = project
html_static_path = [os.path.join(os.environ["SITE_TOOLS"], "static"), os.environ["SITE_ASSETS"]]
html_extra_path = [os.environ["SITE_EXTRA"]]
html_css_files = ["site.css"]
html_js_files = [(name, {"defer": "defer"}) for name in ("frames.js", "site.js")]
html_favicon = os.path.join(os.environ["SITE_TOOLS"], "static", "icon.svg")
html_use_index = html_show_sourcelink = html_copy_source = html_show_copyright = False
html_theme_options = {"top_of_page_buttons": []}
if os.environ["SITE_REPOSITORY"]:
    html_theme_options["source_repository"] = f"https://github.com/{os.environ['SITE_REPOSITORY']}/"
mathjax_path = "tex-svg.js"  # one file that fetches no other
mathjax_options = {"defer": "defer"}
mathjax3_config = {"options": {"enableMenu": False}}


def setup(app):
    """Give the captions of the navigation, which Sphinx calls headings, the level that a heading needs."""
    def level(app, name, template, context, doctree):
        tree = context.get("furo_navigation_tree", "")
        context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')

    app.connect("html-page-context", level, priority=900)
