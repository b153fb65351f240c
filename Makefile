# `make reproduce` goes from a fresh clone to all tables and figures; `make test` to a passing test suite.
# Both make their own environment in .venv from the pinned envs/requirements.txt.

PYTHON ?= python3
CONFIG ?=
CORES ?= all
BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help reproduce test lint format benchmark results-doc config-docs unlock clean

help:  ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): envs/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "GlioFit needs Python 3.11 or newer; set PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r envs/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

reproduce: $(INSTALLED)  ## All tables, figures and the report (CONFIG=config/quick.yaml, CORES=4)
	$(BIN)/python -m snakemake --cores $(CORES) $(if $(CONFIG),--configfile $(CONFIG))

test: $(INSTALLED)  ## The test suite
	$(BIN)/python -m pytest

lint: $(INSTALLED)  ## ruff, snakefmt and snakemake --lint
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/python -m snakemake --lint

format: $(INSTALLED)  ## Format Python and Snakemake code in place
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .
	$(BIN)/snakefmt Snakefile workflow

benchmark: $(INSTALLED)  ## Timings of the solver and the methods (benchmarks/)
	$(BIN)/python -m pip install --quiet -e '.[benchmark]'
	mkdir -p results/benchmarks
	cd benchmarks && ../$(BIN)/python -m pytest . -q --benchmark-only --benchmark-json=../results/benchmarks/solver.json
	$(BIN)/python benchmarks/study.py --prepared $(wildcard results/*/prepared)
	$(BIN)/python benchmarks/write_docs.py

results-doc: $(INSTALLED)  ## docs/results.md from a run's tables (CONFIG=config/full.yaml, as for reproduce)
	$(BIN)/python -m snakemake --cores $(CORES) results/page/results.md $(if $(CONFIG),--configfile $(CONFIG))
	cp -r results/page/. docs/

config-docs: $(INSTALLED)  ## Table of keys in config/README.md and the JSON schema, from the config's sections
	@$(BIN)/python -m gliofit.pipeline.config_docs

unlock: $(INSTALLED)  ## Release the lock that a killed run left here, unless a run is still alive
	@$(BIN)/python -m gliofit.pipeline.unlock

clean:  ## Remove results and the environment
	rm -rf results .snakemake .venv
