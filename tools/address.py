"""The address under which the course is published: show it, set it, take it away.

    python tools/address.py owner/course     make address REPO=owner/course
    python tools/address.py ""               make address REPO=

It has one place, [project.urls] of pyproject.toml, where the site and the tests read it. It is written where nothing
can be read: into the notebooks' first cells, which run on Colab without the course, into README.md and CITATION.cff.
Without an address nothing is fetched from one, and nothing leads to one.
"""
from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPO = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}/(?![.]+$)(?!.*[.]git$)[\w.-]{1,100}", re.ASCII)
URLS = re.compile(r"\[project\.urls\]\n(?:\w.*\n)*\n")
CODE = re.compile(r"^repository-code: .*\n", re.MULTILINE)
BEFORE_URLS = "[project.optional-dependencies]\n"
BADGE = re.compile(r"^\| (?:\[!\[open in (?:Binder|the browser|Colab)\]\(\S+\)\]\(\S+\)"
                   r"|(?:Binder|the browser|Colab), once \[published\]\(#publish\)) \|", re.MULTILINE)
PICTURES = {"Binder": "binder", "the browser": "browser", "Colab": "colab"}
CELL = '''\
import importlib.util, {imports}sys
{fetch}if not importlib.util.find_spec("course_lib"):
    raise ImportError(f"""this kernel, {{sys.executable}} (Python {{sys.version.split()[0]}}), does not have the course.
    JupyterLab: close it and start it with make lab.
    VS Code: Select Kernel, upper right, then .venv of the course.
    PyCharm: make .venv of the course the interpreter of the project.
    Colab: {colab}""")'''
FETCH = """\
if not importlib.util.find_spec("course_lib") and "COLAB_RELEASE_TAG" in os.environ:  # on Colab: fetch the course
    !git clone -q --depth 1 --branch {tag} {address} course
    %cd -q course
"""


def project(root: Path = ROOT) -> dict:
    """Return the table [project] of pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def published(root: Path = ROOT) -> str:
    """Return owner/course, where the course is published on GitHub, or "" if it is not."""
    return project(root).get("urls", {}).get("Repository", "").removeprefix("https://github.com/")


def tag(root: Path = ROOT) -> str:
    """Return the git tag of this version, which Colab fetches: main may have moved on."""
    return "v" + project(root)["version"]


def pages(repo: str) -> str:
    """Return the address of the site that GitHub Pages makes of a repository, owner/course."""
    owner, name = repo.lower().split("/")[0], repo.split("/")[1]
    return f"https://{owner}.github.io/" + ("" if name.lower() == f"{owner}.github.io" else f"{name}/")


def colab(root: Path = ROOT) -> str:
    """Return the source of every notebook's first code cell: it says which kernel lacks the course, and on Colab
    fetches it; where course_lib is found it does nothing."""
    repo = published(root)
    if not repo:
        words = "the course has to be published first; README.md, Publish, says how."
        return CELL.format(imports="", fetch="", colab=words)
    return CELL.format(imports="os, ", fetch=FETCH.format(tag=tag(root), address=f"https://github.com/{repo}"),
                       colab="what git says above is why the course did not come.")


def elsewhere(name: str, root: Path = ROOT) -> dict[str, str]:
    """Return where on the network the notebook of this name is run, as {place: address}; {} if nowhere."""
    repo = published(root)
    path = f"notebooks/{name}.ipynb"
    return {"Binder": f"https://mybinder.org/v2/gh/{repo}/binder?urlpath=lab/tree/{path}",
            "the browser": f"{pages(repo)}lite/lab/index.html?path={path}",
            "Colab": f"https://colab.research.google.com/github/{repo}/blob/{tag(root)}/{path}"} if repo else {}


def set_address(repo: str, root: Path = ROOT) -> None:
    """Write an address, owner/course, or "" for none, into pyproject.toml, README.md, CITATION.cff, the notebooks."""
    if repo and not REPO.fullmatch(repo):
        raise ValueError(f"REPO is {repo!r}, needs owner/course, the two names behind github.com/ in the address of "
                         "your copy: make address REPO=owner/course")
    file = root / "pyproject.toml"
    urls = f'[project.urls]\nHomepage = "{pages(repo)}"\nRepository = "https://github.com/{repo}"\n\n' if repo else ""
    write(file, URLS.sub("", file.read_text(encoding="utf-8")).replace(BEFORE_URLS, urls + BEFORE_URLS))
    places = elsewhere("00_start_here", root)
    badges = iter(f"| [![open in {name}](tools/front/{picture}.svg)]({places[name]}) |" if repo else
                  f"| {name}, once [published](#publish) |" for name, picture in PICTURES.items())
    file = root / "README.md"
    write(file, BADGE.sub(lambda _: next(badges), file.read_text(encoding="utf-8")))
    file = root / "CITATION.cff"
    write(file, CODE.sub("", file.read_text(encoding="utf-8"))
          + (f"repository-code: https://github.com/{repo}\n" if repo else ""))
    for file in sorted((root / "notebooks").glob("*.ipynb")):
        book = json.loads(file.read_text(encoding="utf-8"))
        next(cell for cell in book["cells"] if cell["id"] == "colab")["source"] = colab(root).splitlines(keepends=True)
        write(file, json.dumps(book, indent=1, sort_keys=True, ensure_ascii=False) + "\n")  # as nbformat writes it


def write(file: Path, text: str) -> None:
    """Write a text with the line ends of the repository."""
    file.write_text(text, encoding="utf-8", newline="\n")


def main(arguments: list[str]) -> int:
    """Show or set the address; return the exit status."""
    try:
        if arguments:
            set_address(arguments[0].strip())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    repo = published()
    print(f"The course is published as github.com/{repo}." if repo else
          "The course has no address. When you have put it on GitHub: make address REPO=owner/course")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
