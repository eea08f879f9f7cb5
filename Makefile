PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow check docs format clean

demo: $(VENV)/installed  ## every stage on real text, on the CPU, in minutes
	$(BIN)/python -m launch.demo

test: $(VENV)/installed  ## the tests, in ten minutes
	$(BIN)/pytest -m "not slow" -n auto --maxprocesses 4

test-slow: $(VENV)/installed  ## those that take longest, in twenty
	$(BIN)/pytest -m slow

check: $(VENV)/installed  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: $(VENV)/installed  ## the site, in site/; a link that leads nowhere is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

format: $(VENV)/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) demo site

# Pinned by constraints.txt: the same packages on every machine.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=python3.11')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -qq --constraint constraints.txt torch
	$(BIN)/pip install -qq --constraint constraints.txt --editable ".[test]"
	touch $@
