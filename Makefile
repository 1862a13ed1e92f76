# Everything here works with Python 3.11+, pip and make alone; `make help` lists it.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
LITERT_VENV := .venv-litert
KERAS_VENV := .venv-keras
WEB_RUNTIME := src/snapshelf/web/runtime/ort-wasm-simd-threaded.wasm.gz
STORE := .demo
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input

.PHONY: help demo web-runtime test test-ray test-litert test-keras docs fuzz setup lint format bench lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/run.stamp ## set up, the whole journey on Fashion-MNIST, then the page on PORT
	@$(BIN)/snapshelf demo --store $(STORE) --port $(PORT)

web-runtime: $(WEB_RUNTIME) ## fetch what recognises photos on customers' devices; needs npm

test: $(VENV)/dev.stamp $(VENV)/web-runtime.tried ## set up, then every test but those of test-ray, test-litert and test-keras
	@$(BIN)/python -m pytest -m "not ray and not litert and not keras"

test-ray: $(VENV)/ray.stamp ## set up with Ray, then the tests of a Ray of two workers
	@$(BIN)/python -m pytest -m ray

test-litert: $(LITERT_VENV)/litert.stamp ## an environment of its own with LiteRT's converter, then its tests
	@$(LITERT_VENV)/bin/python -m pytest -m litert tests/pipeline/test_export.py

test-keras: $(VENV)/dev.stamp $(KERAS_VENV)/keras.stamp ## TensorFlow beside, then a model that it trains is added here
	@SNAPSHELF_TEST_KERAS=$(KERAS_VENV)/bin/python $(BIN)/python -m pytest -m keras tests/pipeline/test_add_model.py

docs: $(VENV)/dev.stamp ## the documentation as a site, in .site/html
	@$(BIN)/python -m website.build

fuzz: $(VENV)/dev.stamp ## twelve thousand damaged and hostile photos to the decoder and the application
	@$(BIN)/python -m tests.fuzz

setup: $(VENV)/dev.stamp ## the pinned environment for development, in .venv

lint: $(VENV)/dev.stamp ## ruff, mypy, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(VENV)/dev.stamp ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/dev.stamp ## every bench script, one after the other
	@for script in bench/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

lock: $(VENV)/dev.stamp ## resolve the pinned environment anew
	@sh requirements/update.sh $(BIN)/python

$(WEB_RUNTIME): requirements/web_runtime.py | $(BIN)/python
	@$(BIN)/python requirements/web_runtime.py

# Without npm the tests of it are skipped by name.
$(VENV)/web-runtime.tried: requirements/web_runtime.py | $(BIN)/python
	@$(BIN)/python requirements/web_runtime.py || true
	@touch $@

clean: ## remove what the targets made: the environment, the demo store, caches
	@rm -rf $(VENV) $(LITERT_VENV) $(KERAS_VENV) $(dir $(WEB_RUNTIME)) $(STORE) .site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"snapshelf needs Python 3.11 or newer; $(PYTHON) is {sys.version.split()[0]}. Name another: make PYTHON=python3.12")'
	@echo "Setting up $(VENV) (once)" >&2
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements/run.lock pyproject.toml | $(BIN)/python
	@echo "Installing the pinned packages of requirements/run.lock (a minute or two, once)" >&2
	@$(PIP_INSTALL) -r requirements/run.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.lock $(VENV)/run.stamp | $(BIN)/python
	@echo "Installing the pinned packages of requirements/dev.lock" >&2
	@$(PIP_INSTALL) -r requirements/dev.lock
	@touch $@

$(VENV)/ray.stamp: requirements/ray.lock $(VENV)/dev.stamp
	@echo "Installing the pinned packages of requirements/ray.lock" >&2
	@$(PIP_INSTALL) -r requirements/ray.lock
	@touch $@

$(LITERT_VENV)/bin/python: | $(BIN)/python
	@$(PYTHON) -m venv $(LITERT_VENV)

$(LITERT_VENV)/litert.stamp: requirements/litert.lock pyproject.toml | $(LITERT_VENV)/bin/python
	@echo "Installing the pinned packages of requirements/litert.lock (some minutes, once)" >&2
	@$(LITERT_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements/litert.lock
	@$(LITERT_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation -e .
	@touch $@

$(KERAS_VENV)/keras.stamp: requirements/keras.lock
	@echo "Installing the pinned packages of requirements/keras.lock (some minutes, once)" >&2
	@test -x $(KERAS_VENV)/bin/python || $(PYTHON) -m venv $(KERAS_VENV)
	@$(KERAS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements/keras.lock
	@touch $@
