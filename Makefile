# The front door. `make help` lists what there is.
# The system's own Python where it will do: distributions build it with profile-guided and link-time optimisation
# (docs/adr/0033 has what that gives). Another one: make PYTHON=python3.12 ...
ifndef PYTHON
PYTHON := $(shell /usr/bin/python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo /usr/bin/python3 || echo python3)
endif
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# Most tests wait for servers: three processes, each with servers of its own, keep two cores busy.
# The order is that of tests/conftest.py: the long ones first.
SPREAD ?= --numprocesses 3 --dist loadfile --no-loadscope-reorder
# Hundreds of processes are started by the tests: none of them compiles the gateway anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: setup demo run stop test coverage lint format type imports audit check bench chaos overload docs lock clean help

setup: $(READY) ## make .venv with the locked dependencies and the gateway itself
$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip --disable-pip-version-check check
	@touch $(READY)

demo: setup ## the main job on real PostgreSQL and Kafka, from filing to analyst, then stop
	$(BIN)/gateway local demo

run: setup ## start the local stack and leave it running
	$(BIN)/gateway local up

stop: setup ## stop the local stack, data kept
	$(BIN)/gateway local down

test: setup ## the tests, against the same real services
	$(BIN)/python -m pytest $(SPREAD)

coverage: setup ## the tests again, counting what they reach, in the processes they start too
	$(BIN)/python -m pytest $(SPREAD) --cov --cov-report=term

lint: setup ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup ## ruff: put right what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: setup ## mypy --strict on code and tests
	$(BIN)/mypy

imports: setup ## the import contracts between the rooms
	$(BIN)/lint-imports

audit: setup ## what is publicly known against the locked dependencies (asks OSV)
	$(BIN)/python -m advisories

check: lint type imports ## everything CI asks: lint, types, imports, audit, docs, ratios, tests, the quick faults
	$(BIN)/python -m advisories --if-reachable
	$(BIN)/python -m gateway.docs --check
	$(BIN)/python -m bench guard
	$(BIN)/python -m pytest $(SPREAD)
	$(BIN)/python -m chaos --quick

bench: $(VENV)/.bench ## measure the gateway against bare libraries, ratios in one run (QUICK=1: five minutes)
	$(BIN)/python -m bench $(if $(QUICK),--quick)

$(VENV)/.bench: requirements/bench.txt $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/bench.txt
	@touch $@

chaos: setup ## every fault at every step, under load; QUICK=--quick: the rows that CI runs
	$(BIN)/python -m chaos $(QUICK)

overload: setup ## 2 and 10 times what the gateway can take, two minutes each; kept in docs/reliability.md
	$(BIN)/python -m chaos overload --times 2 10 --minutes 2 --write-docs

docs: setup ## generate the reference pages, and the figures of the recorded benchmark in README and docs
	$(BIN)/python -m gateway.docs
	$(BIN)/python -m bench pages

lock: setup ## pin the dependencies again, with hashes
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --no-header --allow-unsafe -o requirements/runtime.txt pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --no-header --allow-unsafe --extra local --extra hsm --extra dev -o requirements/dev.txt pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --no-header --allow-unsafe --extra local --extra hsm --extra dev --extra bench -o requirements/bench.txt pyproject.toml

clean: ## remove what was built; the local stack's data too
	@test ! -x $(BIN)/gateway || $(BIN)/gateway local wipe
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov build dist *.egg-info

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
