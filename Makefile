# `make demo`: the main job on this machine. `make test`: every test. `make down`: leave nothing behind.
# Everything is set up on the way; a second time it is quick.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# Test processes side by side, each with a lab of its own (1 GB); the tests of a file stay together.
WORKERS ?= 2
POLICIES_VENV := policies/.venv
# uv installs six times as fast as pip, and is used where it is there.
UV ?= $(shell command -v uv)
PIP = $(if $(UV),$(UV) pip install --quiet --python $(1),$(1) -m pip install --quiet --disable-pip-version-check)
MAKE_VENV = $(if $(UV),$(UV) venv --quiet --seed --clear --python $(PYTHON),$(PYTHON) -m venv)

.PHONY: demo test check docs dist install mutants down help

help:
	@sed -n '1,2s/^# //p' Makefile

demo: $(VENV)/installed
	@$(RUN) -m lab demo

test: $(VENV)/installed $(POLICIES_VENV)/installed check
	@$(RUN) -m lab toolchain > $(VENV)/toolchain.log
	@$(RUN) -m lab browser
	@$(RUN) -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder --durations=15 $(TESTS)

check: $(VENV)/installed
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/mypy --no-error-summary
	@$(VENV)/bin/lint-imports --no-cache > .venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }

# The documentation's site, into build/site; a broken link fails.
docs: $(VENV)/installed
	@$(RUN) -m docsite

# Breakages of one module that no unit test notices: make mutants MODULE=imagepull/images/rules.py
mutants: $(VENV)/installed
	@$(RUN) -m tests.mutation $(MODULE) $(TESTS)

# The wheel and the sdist, and the archives from which Pulumi installs the plugin.
dist: $(VENV)/installed
	@$(RUN) -m hatchling build --directory dist
	@$(RUN) -m imagepull plugin archive dist/imagepull-*.whl --to dist

install: $(VENV)/installed

down: $(VENV)/installed
	@$(RUN) -m lab down

$(VENV)/installed: requirements.txt requirements-dev.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("imagepull needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another: make demo PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	@echo "Python packages into $(VENV) (once, about a minute) ..."
	@$(MAKE_VENV) $(VENV)
	@$(call PIP,$(RUN)) --requirement requirements-dev.txt --constraint constraints.txt
	@touch $@

# The policy pack's own: pulumi-policy asks for an older protobuf.
$(POLICIES_VENV)/installed: policies/requirements.txt policies/constraints.txt | $(VENV)/installed
	@$(MAKE_VENV) $(POLICIES_VENV)
	@$(call PIP,$(POLICIES_VENV)/bin/python) --requirement policies/requirements.txt --constraint policies/constraints.txt
	@touch $@
