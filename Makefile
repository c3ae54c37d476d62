# `make` lists what can be made. The first call of a target sets up .venv; later ones find it ready.
# PYTHON=python3.12 chooses another Python; LAB_ARGS=--no-browser adds arguments to JupyterLab's command line.

PYTHON ?= $(shell command -v python3 || command -v python || echo python3)
VENV = .venv/bin/python
# tools/jupyter keeps a first start from asking about news and from looking for updates: the course needs no network.
# Its labextensions add the button Lecture.
LAB = JUPYTER_CONFIG_PATH="$(CURDIR)/tools/jupyter$(if $(JUPYTER_CONFIG_PATH),:$(JUPYTER_CONFIG_PATH))" \
	JUPYTER_PATH="$(CURDIR)/tools/jupyter$(if $(JUPYTER_PATH),:$(JUPYTER_PATH))" \
	"$(VENV)" -m jupyterlab --ServerApp.ip=127.0.0.1 --ServerApp.root_dir="$(CURDIR)" \
	--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(if $(filter 0,$(shell id -u)),--allow-root)
PYTEST = "$(VENV)" -m pytest
# Products as small as the course's gain nothing from a second thread; on a busy machine the two wait for each other.
export OPENBLAS_NUM_THREADS ?= 1
# What Python has compiled is kept, whatever the environment says: tests start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help lab test test-all test-browser bench notebooks portable handout table teaching gain slides site address clean python

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

lab: python  ## open the course in JupyterLab
	@"$(PYTHON)" tools/setup_env.py
	@$(LAB) $(LAB_ARGS)

test: python  ## run the tests of a few minutes, every notebook among them
	@"$(PYTHON)" tools/setup_env.py test slides handout
	$(PYTEST) -n 2

test-all: python  ## run every test that needs no browser (tests/README.md says which proves what)
	@"$(PYTHON)" tools/setup_env.py test slides handout adapters
	$(PYTEST) -n 2 -m "not portable"

test-browser: python  ## run the tests in a browser (needs chromium)
	@"$(PYTHON)" tools/setup_env.py test browser slides site
	$(PYTEST) -n 2 tests/browser

bench: python  ## measure the speed, beside that of the commit before (AGAINST=v1: of another one; needs chromium)
	@"$(PYTHON)" tools/setup_env.py test browser
	@"$(VENV)" tests/benchmarks/run.py $(AGAINST)

notebooks: python  ## execute and normalise the notebooks (NB=01_gradients: only that one)
	@"$(PYTHON)" tools/setup_env.py test
	@"$(VENV)" tools/notebooks.py $(NB)

portable: python  ## compare outputs as other processors and thread counts give them, and make the longest runs again
	@"$(PYTHON)" tools/setup_env.py test
	$(PYTEST) tests/notebooks/test_processors.py tests/test_shipped.py tests/test_teaching.py -m ''

handout: python  ## write the notebooks without solutions, and as assignments for nbgrader, to build/handout
	@"$(PYTHON)" tools/setup_env.py
	@"$(VENV)" tools/handout.py

table: python  ## measure seconds and memory of the notebooks for README.md (NB=01_gradients: only that one)
	@"$(PYTHON)" tools/setup_env.py test
	@"$(VENV)" tools/measure.py $(NB)

teaching: python  ## count the minutes in notebooks/TEACHING.md anew
	@"$(PYTHON)" tools/setup_env.py test
	@"$(VENV)" tools/teaching.py

gain: python  ## say what a class has learned (FILES="..."): the files of the questions of lesson 00, or their folder
	@"$(PYTHON)" tools/setup_env.py test
	@"$(VENV)" tools/gain.py $(FILES)

slides: python  ## make stand-alone lectures of the notebooks in build/slides (PLAN=50, 120, day, week-1 ... or all: of a plan)
	@"$(PYTHON)" tools/setup_env.py slides
	@"$(VENV)" tools/slides.py $(NB) $(if $(PLAN),--plan "$(PLAN)")

site: python  ## build the course as web pages, with the edition that runs in a browser, in build/site
	@"$(PYTHON)" tools/setup_env.py site
	@"$(VENV)" tools/site/make_site.py

address: python  ## show where the course is published (REPO=owner/course sets it; REPO= takes it away)
	@"$(PYTHON)" tools/address.py $(if $(filter undefined,$(origin REPO)),,"$(REPO)")

clean:  ## remove .venv and all that these targets leave behind
	rm -rf .venv .pytest_cache .hypothesis tests/browser/artifacts build *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

python:
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "No Python found as '$(PYTHON)': install Python 3.11 or later from python.org and start again." >&2; \
		exit 1; }
