# Bellwire. `make` alone lists the work.

.DEFAULT_GOAL := help
SHELL := /bin/bash
CARGO ?= cargo

.PHONY: help run build test lint unit budgets dashboard browser black-box compat sim endurance fuzz fuzz-short bench docs setup clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: build ## Build all and start the server with the embedded default
	./target/release/bellwire serve

build: ## Build the dashboard and the server
	@command -v cc >/dev/null || scripts/setup compiler
	scripts/dashboard build
	$(CARGO) build --release --locked -p bellwire

test: ## Install what the tests need and run everything; ends with a count
	scripts/test

lint: ## Format, clippy, dependency rules, generated pages
	scripts/test lint

unit: ## Tests beside the code
	scripts/test unit

dashboard: ## The dashboard: lint, unit tests, a build, the size of its first load
	scripts/test dashboard

browser: ## The dashboard of the release binary in a browser, as a user would
	scripts/test browser

black-box: ## The binary from the outside
	scripts/test black-box

compat: ## Official SDKs against the release binary
	scripts/test compat

sim: ## 10,000 seeds of the webhook engine's simulation
	BELLWIRE_SEEDS=10000 $(CARGO) test --locked --release -p bellwire-webhooks --lib simulation

endurance: build ## 200 rounds of kill -9, 200 of power loss, four minutes of nothing but 500, a cluster in trouble
	BELLWIRE_BIN=$(CURDIR)/target/release/bellwire ROUNDS=200 CLIENTS=2000 $(CARGO) test --locked \
	  -p bellwire --test it -- webhooks::endurance --nocapture
	BELLWIRE_BIN=$(CURDIR)/target/release/bellwire ROUNDS=200 CLIENTS=500 POWER=1 $(CARGO) test \
	  --locked -p bellwire --test it -- webhooks::endurance --nocapture
	BELLWIRE_BIN=$(CURDIR)/target/release/bellwire UNWELL_S=240 $(CARGO) test --locked \
	  -p bellwire --test it -- webhooks::retries::a_receiver_that_answers_500 --nocapture
	BELLWIRE_BIN=$(CURDIR)/target/release/bellwire ROUNDS=20 CLIENTS=3000 FREEZE_S=60 $(CARGO) test \
	  --locked -p bellwire --test it -- cluster:: --nocapture --test-threads 1

fuzz: ## Every fuzz target for a minute
	fuzz/run 60

fuzz-short: ## Every fuzz target for five seconds
	scripts/test fuzz

budgets: ## Instructions of the hot paths against their budgets
	scripts/test budgets

bench: ## Everything beside a bare send loop; writes docs/reference/benchmarks.md
	scripts/bench

docs: ## Write the generated pages anew
	BELLWIRE_UPDATE_DOCS=1 $(CARGO) test -q -p bellwire --bin bellwire reference
	node scripts/contract-coverage.mjs

setup: ## Install what building and testing need (Debian packages)
	scripts/setup all

clean: ## Remove what was built
	$(CARGO) clean
	rm -rf compat/js/node_modules compat/*/.venv dashboard/node_modules dashboard/dist
