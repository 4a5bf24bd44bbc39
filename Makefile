# `make demo` and `make test` set everything up by themselves: Python 3.11+, git and make are all they need.
PYTHON ?= python3
BIN := .venv/bin
SET_UP := .venv/.runtime
SET_UP_DEV := .venv/.dev
SET_UP_SLOW := .venv/.slow
INSTALL := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check

.PHONY: demo test slow slow-packages lint types imports check bench constraints clean
.DEFAULT_GOAL := demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Outgrown needs Python 3.11 or newer; name one with 'make PYTHON=/path/to/python3.12'."; exit 1; }
	@echo "Making the virtual environment .venv"
	@$(PYTHON) -m venv .venv

$(SET_UP): constraints.txt pyproject.toml | $(BIN)/python
	@echo "Installing pinned packages (once, about a minute)"
	@$(INSTALL) --require-hashes --requirement constraints.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(SET_UP_DEV): constraints-dev.txt $(SET_UP)
	@echo "Installing pinned packages for the tests (once)"
	@$(INSTALL) --require-hashes --requirement constraints-dev.txt
	@touch $@

$(SET_UP_SLOW): constraints-slow.txt $(SET_UP_DEV)
	@echo "Installing pinned packages for the slow tests and the benchmark: Spark and other warehouses (once)"
	@$(INSTALL) --require-hashes --requirement constraints-slow.txt
	@touch $@

demo: $(SET_UP)  ## the main job on a sample company: sync, scan, draft, digest
	@$(BIN)/outgrown demo --workspace demo

test: $(SET_UP_DEV)  ## the tests, slow ones aside
	@$(BIN)/python -m pytest -m "not slow and not timing and not browser" -n auto --dist loadscope --durations=10

slow: $(SET_UP_SLOW)  ## the slow tests: races, kills, load, Spark, browser
	@failed=0; $(BIN)/python -m pytest -m "timing" || failed=1; \
	$(BIN)/python -m pytest -m "slow or browser" -n auto --durations=25 || failed=1; exit $$failed

slow-packages: $(SET_UP_SLOW)  ## what only the slow tests and the benchmark need

lint: $(SET_UP_DEV)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(SET_UP_DEV)
	@$(BIN)/mypy

imports: $(SET_UP_DEV)
	@$(BIN)/lint-imports --config .importlinter

check: lint types imports test  ## everything but the slow tests

SIZES ?= 10000 100000
bench: $(SET_UP_SLOW)  ## how fast facts load and the rule book runs, beside other ways; SIZES="10000 100000 1000000" for a million
	@$(BIN)/python -m evals.speed.load
	@$(BIN)/python -m evals.speed --sizes $(SIZES)

constraints: $(SET_UP_DEV)  ## pin all dependencies again
	@$(INSTALL) uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml --extra build --output-file constraints.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml --extra build --extra dev --output-file constraints-dev.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml --extra build --extra slow --output-file constraints-slow.txt

clean:
	@rm -rf .venv demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
