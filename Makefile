# `make reproduce` goes from a fresh clone to all tables and figures; `make test` to a passing test suite.
# Both make their own environment in .venv from the pinned envs/requirements.txt.

PYTHON ?= python3
CONFIG ?=
PATIENT ?= synthetic_1
CORES ?= all
WORKERS ?= 2
KILLS ?= 20
BIN := .venv/bin
INSTALLED := .venv/.installed
DOCS_INSTALLED := .venv/.docs-installed
DICOM_CHECK_INSTALLED := .venv/.dicom-check-installed
RECIPES_INSTALLED := .venv/.recipes-installed

.DEFAULT_GOAL := help
.PHONY: help plan reproduce test kill-test portable-test cluster-test lint lint-recipes format hooks benchmark docs architecture results-doc config-docs lock check-dicom unlock clean

help:  ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): envs/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "GlioFit needs Python 3.11 or newer; set PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r envs/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

reproduce: $(INSTALLED)  ## All tables, figures and the report (CONFIG=config/quick.yaml, CORES=4)
	$(BIN)/python -m snakemake --cores $(CORES) $(if $(CONFIG),--configfile $(CONFIG))

plan: $(INSTALLED)  ## Jobs, core-hours and disk of a run on a cluster, before it is started (CONFIG=config/paper.yaml)
	@$(BIN)/python -m gliofit.pipeline.planned --profile profiles/slurm $(if $(CONFIG),--configfile $(CONFIG))

test: $(INSTALLED)  ## The test suite (WORKERS=2 processes, a file of tests each)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --durations 25

kill-test: $(INSTALLED)  ## The quick run, killed 20 times and resumed, makes the same tables (KILLS=20)
	$(BIN)/python tests/kills/kill_test.py --kills $(KILLS)

portable-test: $(INSTALLED)  ## Tables made as on a processor of 2013 are, to their precision, those of this one
	$(BIN)/python tests/portable/portable_test.py

cluster-test: $(INSTALLED)  ## The workflow on a SLURM of one node, made for the test (root; Debian's slurm-wlm and munge)
	$(BIN)/python tests/cluster/cluster_test.py

lint: $(INSTALLED)  ## ruff, snakefmt, order of the wings, types, snakemake --lint
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python docs/draw_architecture.py --check
	$(BIN)/python -m snakemake --lint

$(RECIPES_INSTALLED): $(INSTALLED) pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c envs/requirements.txt -e '.[recipes]'
	@touch $@

lint-recipes: $(RECIPES_INSTALLED)  ## hadolint and shellcheck on what builds containers and on shell scripts
	@$(BIN)/python envs/lint.py

format: $(INSTALLED)  ## Format Python and Snakemake code in place
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .
	$(BIN)/snakefmt Snakefile workflow

hooks: $(INSTALLED)  ## The fast part of lint before every commit of this clone (pre-commit)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c envs/requirements.txt -e '.[hooks]'
	$(BIN)/pre-commit install

benchmark: $(INSTALLED)  ## Timings of the solver and the methods (benchmarks/)
	$(BIN)/python -m pip install --quiet -e '.[benchmark]'
	mkdir -p results/benchmarks
	cd benchmarks && ../$(BIN)/python -m pytest . -q --benchmark-only --benchmark-json=../results/benchmarks/solver.json
	$(BIN)/python benchmarks/study.py --prepared $(wildcard results/*/prepared)
	$(BIN)/python benchmarks/write_docs.py

$(DICOM_CHECK_INSTALLED): $(INSTALLED) pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c envs/requirements.txt -e '.[dicom-check]'
	@touch $@

check-dicom: $(DICOM_CHECK_INSTALLED)  ## Read a patient's plans in DICOM with other programs (PATIENT=synthetic_1)
	$(BIN)/python -m gliofit.planning.dicom.check results/$(PATIENT)

$(DOCS_INSTALLED): $(INSTALLED) envs/docs-requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r envs/docs-requirements.txt -c envs/requirements.txt
	@touch $@

# not --quiet: that drops the warnings that --strict counts
docs: $(DOCS_INSTALLED)  ## The documentation as a site, in build/site; a broken link or name is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

architecture: $(INSTALLED)  ## Picture and table of the wings in docs/architecture.md, from what the code imports
	$(BIN)/python docs/draw_architecture.py

results-doc: $(INSTALLED)  ## docs/results.md from a run's tables (CONFIG=config/full.yaml, as for reproduce)
	$(BIN)/python -m snakemake --cores $(CORES) results/page/results.md $(if $(CONFIG),--configfile $(CONFIG))
	cp -r results/page/. docs/

config-docs: $(INSTALLED)  ## Table of keys in config/README.md and the JSON schema, from the config's sections
	@$(BIN)/python -m gliofit.pipeline.config_docs

lock: $(INSTALLED)  ## envs/requirements.lock from envs/requirements.txt: the same pins, with hashes of their files
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c envs/requirements.txt -e '.[lock]'
	$(BIN)/python envs/lock.py

unlock: $(INSTALLED)  ## Release the lock that a killed run left here, unless a run is still alive
	@$(BIN)/python -m gliofit.pipeline.unlock

clean:  ## Remove results and the environment
	rm -rf results .snakemake .venv
