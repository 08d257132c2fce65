PYTHON ?= python3
VENV := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help demo run test fuzz bench chaos model property mutants lint openapi lock stop clean clean-venv venv

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: venv ## start everything, book trips, show what happened, stop
	@$(VENV) -m devstack demo

run: venv ## serve until Ctrl-C on WEB_PORT (8000), keeping the data in var/
	@$(VENV) -m devstack run

test: venv ## run all tests against real servers; ARGS="tests/unit -k refused" narrows it
	@$(VENV) -m devstack test $(ARGS)

.PHONY: crash
crash: venv ## kill the system at every boundary, recover, judge; ARGS=--quick for a part of it
	@$(VENV) -m tests.crash $(ARGS)

fuzz: venv ## send CASES=10000 requests made from the API's document, right and wrong, to the served API (minutes)
	@$(VENV) -m tests.fuzz --cases $(or $(CASES),10000) $(ARGS)

bench: venv ## measure trips per second
	@$(VENV) -m tests.bench $(ARGS)

.PHONY: compare
compare: venv ## run the losers beside the winners, print the measured table (minutes)
	@$(VENV) -m tests.compare $(ARGS)

chaos: venv ## kill and rob everything by plan SEED=1 for MINUTES=4, heal, check what must be true
	@$(VENV) -m tests.chaos --seed $(or $(SEED),1) --minutes $(or $(MINUTES),4) $(ARGS)

model: venv ## try the engine's algorithm at every crash point, without any server (minutes); RUNS=100 for a part
	@$(VENV) -m tests.model $(if $(RUNS),--runs $(RUNS))

property: venv ## drive the real engine through EXAMPLES=2000 random histories of 50 steps (many minutes)
	@PROPERTY_EXAMPLES=$(or $(EXAMPLES),2000) $(VENV) -m devstack test tests/property -s $(ARGS)

mutants: venv ## break `decide`, the engine, its writes and the inbox in every small way and see that the tests notice (minutes)
	@$(VENV) -m tests.mutants $(ARGS)

.PHONY: docs
docs: venv ## draw the pictures, copy the code into the pages, build the site in var/site
	@DJANGO_DEBUG=1 DJANGO_SETTINGS_MODULE=config.settings $(VENV) -m tests.architecture.pictures
	@$(VENV) -m tests.howto.embedding
	@NO_MKDOCS_2_WARNING=1 $(VENV) -m mkdocs build --strict --quiet

lint: venv ## check style, types and the boundaries between the contexts
	@$(VENV) -m ruff check . && $(VENV) -m ruff format --check .
	@DJANGO_DEBUG=1 $(VENV) -m mypy .
	@.venv/bin/lint-imports

.PHONY: audit
audit: venv ## ask for advisories on what is pinned; fails where one is known, and where nobody could be asked
	@.venv/bin/pip-audit --progress-spinner off --disable-pip --require-hashes --strict -r requirements.txt $(ARGS)

openapi: venv ## write docs/openapi.json, the API's description of itself
	@DJANGO_DEBUG=1 $(VENV) manage.py spectacular --format openapi-json --validate --fail-on-warn --file docs/openapi.json

lock: venv ## write requirements*.txt from pyproject.toml, with hashes
	@$(VENV) -m devstack.lock $(ARGS)

stop: ## stop what `make run`, `make demo` or `make chaos` left running
	@$(VENV) -m devstack stop

clean: ## delete the data and logs in var/
	@if [ -x $(VENV) ]; then $(VENV) -m devstack stop; fi
	@rm -rf var

clean-venv: ## delete .venv
	@rm -rf .venv

venv: # complete and current before anything else; takes milliseconds when it is
	@$(PYTHON) -m devstack.bootstrap
