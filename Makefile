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
COMPILE = uv pip compile --quiet --no-emit-package pip --python-platform linux --python-version 3.11 --no-header --generate-hashes
# PyTorch's index has builds without CUDA, which PyPI does not know: that for Linux on x86-64 and Python 3.11. `pip hash`
# tells that of another.
TORCH_CPU = 2.13.0 sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b
# Fails where the build of torch that is installed needs CUDA's libraries.
NO_CUDA = import importlib.metadata, packaging.requirements as found; \
	needed = map(found.Requirement, importlib.metadata.requires("torch")); \
	raise SystemExit(any(one.name.startswith(("cuda", "nvidia")) and one.marker.evaluate() for one in needed))

.DEFAULT_GOAL := help
.PHONY: help install demo serve test test-nightly lint audit sbom load docs pins clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

install: .venv/.installed ## Install the service into .venv, with the files of requirements.txt (2.2 GB)

demo: .venv/.installed ## Start the service, train, predict and explain over HTTP, and show it all
	@$(BIN)/python demo.py

serve: .venv/.installed ## Run the service on this machine until Ctrl-C
	@$(BIN)/python -m app

# Hypothesis tries the same examples each time here, so that what fails was changed; others are for the night.
test: .venv/.installed-dev ## Run the tests; ARGS is given to pytest, e.g. make test ARGS="tests/live -x"
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --hypothesis-profile ci $(ARGS)

test-nightly: .venv/.installed-dev ## Run the tests that take minutes each, which `make test` leaves out
	$(BIN)/python -m pytest -m nightly --timeout 7200 $(ARGS)

lint: .venv/.installed-dev ## Check format, style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m supply

audit: .venv/.installed-dev ## Ask the Python advisory database about every pin (needs a network that reaches it)
	$(BIN)/pip-audit --strict --require-hashes --disable-pip $(foreach pins,$(wildcard requirements*.txt),-r $(pins))

sbom: .venv/.installed-dev ## Write what the service is made of to var/sbom.json (CycloneDX)
	$(BIN)/python -m supply.sbom requirements.txt var/sbom.json

load: .venv/.installed ## Ask the service for half of what is required of it, at a rate, for half a minute
	$(BIN)/python benchmarks/load.py smoke

docs: .venv/.installed-dev ## Build the guide of docs/ into var/site, to be opened from there
	$(BIN)/mkdocs build --quiet

pins: ## Compile requirements*.in to requirements*.txt (needs uv)
	@command -v uv >/dev/null || { echo "make pins needs uv: pip install uv" >&2; exit 1; }
	sed -i '/$(lastword $(TORCH_CPU))/d' requirements.txt
	$(COMPILE) $(addprefix --no-emit-package ,$(GPU)) requirements.in -o requirements.txt
	sed -i 's/^torch==$(firstword $(TORCH_CPU)) \\$$/&\n    --hash=$(lastword $(TORCH_CPU)) \\/' requirements.txt
	$(COMPILE) requirements-cuda.in -o requirements-cuda.txt
	$(COMPILE) requirements-tracing.in -o requirements-tracing.txt
	$(COMPILE) requirements-oidc.in -o requirements-oidc.txt
	$(COMPILE) requirements-dev.in -o requirements-dev.txt
	$(COMPILE) requirements-fuzz.in -o requirements-fuzz.txt

clean: ## Remove the environment and all caches; the models in var/ stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last, so an install that was broken off is begun again, from an empty environment.
.venv/.installed: requirements.txt
	@[ -n "$(PYTHON)" ] || { echo "No Python 3.11, 3.12 or 3.13 with its venv module was found." \
		"Install one, or say where it is: make install PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c '$(SUITABLE)' || { echo "PYTHON=$(PYTHON) is not a Python 3.11, 3.12 or 3.13" \
		"with its venv module." >&2; exit 1; }
	@[ ! -L .venv ] || { echo ".venv is a link: what it leads to would be emptied. Remove it first." >&2; exit 1; }
	@echo "Installing into .venv with $(PYTHON): one to a few minutes, 2.2 GB."
	@"$(PYTHON)" -m venv --clear .venv
# The build of torch without CUDA, where an index has it: pip prefers files whose hash its index tells.
	@printf 'torch==$(firstword $(TORCH_CPU))+cpu --hash=$(lastword $(TORCH_CPU))\n' >.venv/torch-cpu.txt
	@$(PIP) --no-deps --require-hashes -r .venv/torch-cpu.txt >/dev/null 2>&1 || true
# The file is complete, so pip need not look for more; it would add nvidia-nccl, 469 MB that only GPUs use.
	@$(PIP) --no-deps --require-hashes -r requirements.txt
# PyPI's build of torch for Linux needs CUDA's libraries.
	@$(BIN)/python -c '$(NO_CUDA)' || $(PIP) --no-deps --require-hashes -r requirements-cuda.txt
	@touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed
	@$(PIP) --no-deps --require-hashes -r requirements-dev.txt
	@touch $@
