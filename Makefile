# Everything that is done here by command. `make` alone lists it.
# Needs make and Python 3.11, 3.12 or 3.13; `pins` needs uv too.

# Works: it is of a version that the pins are for, and can make environments (some distributions package that apart).
SUITABLE = import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
# A name on the PATH may be a shim of a version that is not there, so each is tried.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	$$name -c '$(SUITABLE)' >/dev/null 2>&1 && { echo $$name; break; }; done)

BIN = .venv/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet
# What only a GPU needs: XGBoost works without it, and a build of torch that wants it brings it (see `install`).
GPU = nvidia-nccl-cu12 cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas nvidia-cuda-cupti nvidia-cuda-nvrtc \
	nvidia-cuda-runtime nvidia-cudnn-cu13 nvidia-cufft nvidia-cufile nvidia-curand nvidia-cusolver nvidia-cusparse \
	nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvjitlink nvidia-nvshmem-cu13 nvidia-nvtx triton
COMPILE = uv pip compile --python-platform linux --python-version 3.11 --no-header $(addprefix --no-emit-package ,$(GPU))

.DEFAULT_GOAL := help
.PHONY: help install demo serve test test-nightly lint docs pins clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

install: .venv/.installed ## Install the service into .venv, with the versions of requirements.txt (2.2 GB)

demo: .venv/.installed ## Start the service, train, predict and explain over HTTP, and show it all
	@$(BIN)/python demo.py

serve: .venv/.installed ## Run the service on this machine until Ctrl-C
	@$(BIN)/python -m app

test: .venv/.installed-dev ## Run the tests; ARGS is given to pytest, e.g. make test ARGS="tests/live -x"
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-nightly: .venv/.installed-dev ## Run the tests that take minutes each, which `make test` leaves out
	$(BIN)/python -m pytest -m nightly --timeout 7200 $(ARGS)

lint: .venv/.installed-dev ## Check format, style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/.installed-dev ## Build the guide of docs/ into var/site, to be opened from there
	$(BIN)/mkdocs build --quiet

pins: ## Compile requirements*.in to requirements*.txt (needs uv)
	@command -v uv >/dev/null || { echo "make pins needs uv: pip install uv" >&2; exit 1; }
	$(COMPILE) requirements.in -o requirements.txt
	$(COMPILE) requirements-tracing.in -o requirements-tracing.txt
	$(COMPILE) requirements-oidc.in -o requirements-oidc.txt
	$(COMPILE) requirements-dev.in -o requirements-dev.txt

clean: ## Remove the environment and all caches; the models in var/ stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last, so an install that was broken off is begun again, from an empty environment.
.venv/.installed: requirements.txt
	@[ -n "$(PYTHON)" ] || { echo "No Python 3.11, 3.12 or 3.13 with its venv module was found." \
		"Install one, or say where it is: make install PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c '$(SUITABLE)' || { echo "PYTHON=$(PYTHON) is not a Python 3.11, 3.12 or 3.13" \
		"with its venv module." >&2; exit 1; }
	@echo "Installing into .venv with $(PYTHON): one to a few minutes, 2.2 GB."
	@"$(PYTHON)" -m venv --clear .venv
# The file is complete, so pip need not look for more; it would add nvidia-nccl, 469 MB that only GPUs use.
	@$(PIP) --no-deps -r requirements.txt
# The default build of torch for Linux brings CUDA; a CPU build needs nothing more.
	@$(PIP) --constraint requirements.txt torch
	@touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed
	@$(PIP) --no-deps -r requirements-dev.txt
	@touch $@
