# make chat   set everything up, index the demo catalogue on first use, and open the chat
# make test   set up what tests need, then lint, types, import rules and tests
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PYTHON ?= python3
DEMO := data/index/CURRENT

.PHONY: chat test test-all bench install clean
.DELETE_ON_ERROR:

chat: $(DEMO)
	@$(BIN)/dyag chat

$(DEMO): | $(VENV)/.installed
	@$(BIN)/dyag index data/catalogue

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "dyag needs Python 3.11 or newer: make PYTHON=python3.11 chat"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing dyag into $(VENV) (once; a minute or two)…" >&2
	@$(PIP) --editable .
	@touch $@

$(VENV)/.tests: $(VENV)/.installed
	@echo "Installing what the tests need…" >&2
	@$(PIP) --editable '.[dev]'
	@touch $@

$(VENV)/.bench: $(VENV)/.installed
	@echo "Installing what the benchmarks need…" >&2
	@$(PIP) --editable '.[bench]'
	@touch $@

test: $(VENV)/.tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -n 2 -q

test-all: $(VENV)/.tests
	@$(BIN)/pytest -q -m 'slow or not slow'

bench: $(VENV)/.bench
	@$(BIN)/python benchmarks/startup.py
	@$(BIN)/python benchmarks/retrieval.py
	@$(BIN)/python benchmarks/answers.py
	@$(BIN)/python benchmarks/scale.py
	@$(BIN)/python benchmarks/durability.py
	@$(BIN)/python benchmarks/chat.py
	@$(BIN)/python benchmarks/rewrite.py
	@$(BIN)/python benchmarks/gate.py
	@$(BIN)/python benchmarks/tune.py

clean:
	rm -rf $(VENV) data/index data/library.sqlite3*
