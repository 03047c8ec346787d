# What one does here. `make` alone lists it. Each command makes the environment if it is missing.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help

PORT ?= 8765
# One more than there are cores, since some tests wait for real time.
JOBS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
BOT := .venv/bin/python -m bot
RUNTIME := .venv/.runtime
DEV := .venv/.dev

UV := $(shell command -v uv)

# Where the tests of rules, messages and forms are.
PURE_TESTS := $(addprefix tests/,agenda announcement channel_health ending home phases results \
	rounds slack/test_view_rules.py start status workspaces)

# Two `make` at once wait for each other: the lock is held until the recipe's shell ends. macOS has
# no `flock` command.
lock = exec 9>.make.lock; { flock 9 || python3 -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'; } \
	2>/dev/null || true

# Installs with uv where it is there, else with pip, which prints a line for each package.
define install
	@$(lock); [ $@ -nt $(1) ] && exit 0; SECONDS=0; \
	echo "Installing what $(1) lists into .venv (once, some $(2) packages) ..."; \
	if [ -n "$(UV)" ]; then \
		VIRTUAL_ENV=.venv $(UV) pip install --require-hashes -r $(1) 9>&-; \
	else \
		.venv/bin/python -m pip install --no-input --disable-pip-version-check --prefer-binary \
			--require-hashes --progress-bar off -r $(1) 9>&- | while read -r word rest; do case "$$word" in \
				Collecting) printf '  %3d s  %s\n' $$SECONDS "$${rest%% *}" ;; \
				Installing) printf '  %3d s  unpacking all of them, a moment\n' $$SECONDS ;; \
			esac; done; \
	fi || { echo "The installation failed; the lines above say why."; exit 1; }; \
	printf '  %3d s  ready\n' $$SECONDS; touch $@
endef

.PHONY: help playground run test quick chaos soak fuzz privacy check fix snapshots bench pins clean

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | \
		while IFS=$$'\t' read -r name what; do printf '  make %-11s %s\n' "$$name" "$$what"; done

playground: $(RUNTIME) ## try it in the browser, without Slack (PORT=8765, OPEN=0, RESET=1, EXAMPLE=1, HTTP=1, WORKSPACES=2)
	@exec $(BOT) playground --port $(PORT) $(if $(filter 0,$(OPEN)),--no-open) \
		$(if $(filter 1,$(RESET)),--reset) $(if $(filter 1,$(EXAMPLE)),--example) \
		$(if $(filter 1,$(HTTP)),--http) $(if $(WORKSPACES),--workspaces $(WORKSPACES))

run: $(RUNTIME) ## run the bot on a real workspace, settings from .env (HTTP=1 for signed HTTP)
	@exec $(BOT) run --migrate $(if $(filter 1,$(HTTP)),--http)

test: $(DEV) ## every test, on SQLite and PostgreSQL (JOBS=3, ALL=1, ARGS="tests/phases -x")
	@ALL_VARIANTS=$(ALL) .venv/bin/python -m pytest -n $(JOBS) --dist worksteal \
		--durations 10 --durations-min 3 $(ARGS)

quick: $(DEV) ## rules, messages and forms: what needs no database, in half a minute
	@.venv/bin/python -m pytest -q -p no:xdist -p no:randomly -m quick $(PURE_TESTS) $(ARGS)

chaos: $(DEV) ## die at every step, lose nothing, say nothing twice (QUICK=1, MUTATIONS=1, SEED=1)
	@.venv/bin/python -m tests.chaos $(if $(filter 1,$(QUICK)),--quick) \
		$(if $(filter 1,$(MUTATIONS)),--mutations) --seed $(or $(SEED),1)

soak: $(DEV) ## half a year of many workspaces, every slot hit (WORKSPACES=200, WEEKS=26, SEED=1)
	@.venv/bin/python -m tests.soak --workspaces $(or $(WORKSPACES),200) \
		--weeks $(or $(WEEKS),26) --seed $(or $(SEED),1)

fuzz: $(DEV) ## stories against a model, then mutated payloads (STORIES=100, INPUTS=100000, SEED=1, QUICK=1)
	@MODEL_STORIES=$(or $(STORIES),$(if $(filter 1,$(QUICK)),4,100)) MODEL_STEPS=$(or $(STEPS),40) \
		MODEL_SEED=$(or $(SEED),1) .venv/bin/python -m pytest -q -n $(JOBS) -p no:randomly tests/model
	@SEED=$(SEED) INPUTS=$(INPUTS) QUICK=$(QUICK) JOBS=$(JOBS) .venv/bin/python -m tests.fuzz

privacy: $(DEV) ## how much of one person's answer follows from what is shown (QUICK=1)
	@.venv/bin/python -m tests.privacy $(if $(filter 1,$(QUICK)),--quick)

check: $(DEV) ## format, lint, types, import rules
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo

fix: $(DEV) ## format, and mend what can be mended
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

bench: $(DEV) ## how fast it is, beside an app that does nothing (QUICK=1, ONLY=answers, PEAK=1, STRICT=1)
	@.venv/bin/python -m tests.bench $(if $(filter 1,$(QUICK)),--quick) $(if $(ONLY),--only $(ONLY)) \
		$(if $(filter 1,$(PEAK)),--peak) $(if $(filter 1,$(STRICT)),--strict)

snapshots: $(DEV) ## write what is said anew; then read the diff
	@.venv/bin/python -m pytest -n $(JOBS) --snapshot-update \
		$$(grep -rl --include='test_*.py' 'snapshot' tests) $(ARGS)
	@.venv/bin/python -m tests.docs.message_pages
	@git --no-pager diff --stat -- tests

pins: $(DEV) ## renew requirements*.txt from pyproject.toml
	@uv="$(UV)"; [ -n "$$uv" ] || { .venv/bin/python -m pip install --quiet uv; uv=.venv/bin/uv; }; \
	compile="$$uv pip compile --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--universal --python-version 3.11 --quiet"; \
	$$compile pyproject.toml -o requirements.txt && \
	$$compile pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt

clean: ## remove the environment and the caches; data/ stays
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# ---- the environment

.venv/bin/python:
	@$(lock); [ -x $@ ] && exit 0; \
	if [ -n "$(UV)" ]; then exec $(UV) venv --clear --python '$(or $(PYTHON),>=3.11)' .venv 9>&-; fi; \
	for python in $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3 ""; do \
		"$${python:-false}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	done; \
	if [ -z "$$python" ]; then echo "Imbalance needs Python 3.11 or newer; none was found."; exit 1; fi; \
	echo "Making .venv with $$($$python --version) ..."; \
	$$python -m venv --clear .venv || { \
		rm -rf .venv; \
		echo "Python's venv module is missing; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(RUNTIME): requirements.txt | .venv/bin/python
	$(call install,$<,40)

$(DEV): requirements-dev.txt | .venv/bin/python
	$(call install,$<,95)
	@touch $(RUNTIME)
