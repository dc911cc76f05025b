# What a newcomer needs is `make demo` and `make test`; both share one build.
#
# Every target works on a machine with Rust, make and git alone: as root it
# installs what is missing, else it says in one line what to install.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Rust's installer puts cargo there, and shells find it only after a new login.
export PATH := $(PATH):$(HOME)/.cargo/bin

# Where cargo puts the program; asked of cargo, since settings can move it.
target = $(shell cargo metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
program = $(target)/debug/agora-usage
readers = $(target)/readers

# With a test, dependencies get the features that the tests' own turn on; without
# one, `make test` would build most of them again.
build = cargo build --bin agora-usage --test it

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  make demo OUT=reports DATA=database-folder ARGS="--seed 2": other folders, more flags'

.PHONY: demo
demo: postgres ## build, then the whole product on simulated data, without an account
	@$(build)
	@$(program) demo $(if $(OUT),--out '$(OUT)') $(if $(DATA),--data-folder '$(DATA)') $(ARGS)

.PHONY: test
test: postgres readers ## all tests, and the bill computed a second time by other code
	@AGORA_TEST_LAKE_FOLDER='$(target)/lake-of-the-tests' cargo test
	@echo '==> the bill, computed independently'
	@$(readers)/bin/python tests/independent/check_bill.py $(program)
	@echo '==> the lake, read by DuckDB'
	@$(readers)/bin/python tests/independent/lake_questions.py duckdb \
		'$(target)/lake-of-the-tests/lake' '$(target)/lake-of-the-tests/answers'

.PHONY: spark-test
spark-test: postgres ## the questions of queries/spark on a small Spark cluster; gets 400 MB; ROWS=20000000 ACCOUNTS=1000
	@$(if $(ROWS),cargo build --release --bin agora-usage)
	@scripts/spark-test '$(target)/spark' $(if $(ROWS),'$(target)/release/agora-usage' $(ROWS) $(or $(ACCOUNTS),1000))

.PHONY: build-tools
build-tools:
	@scripts/get-build-tools

.PHONY: postgres
postgres: build-tools
	@folder=$$(scripts/get-postgres) && echo "PostgreSQL: $$folder"

.PHONY: readers
readers:
	@scripts/get-readers $(readers)

.PHONY: dictionary
dictionary: postgres ## write docs/data-dictionary.md from the database's comments
	@AGORA_TEST_UPDATE_DICTIONARY=1 cargo test --test it dictionary

.PHONY: fmt
fmt: ## format the code
	@cargo fmt

.PHONY: lint
lint: build-tools ## clippy, formatting, shell scripts, migrations
	@cargo fmt --check
	@cargo clippy --all-targets -- -D warnings
	@if command -v shellcheck >/dev/null; then shellcheck .ci/run $$(grep -l '^#!.*bash' scripts/*); fi
	@scripts/check-migrations

.PHONY: doc
doc: build-tools ## the code's documentation
	@RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps

.PHONY: deny
deny: build-tools ## licences and sources of the dependencies
	@folder=$$(scripts/get-cargo-deny $(target)/cargo-deny); \
	PATH="$$folder:$$PATH" cargo deny --offline --locked check --hide-inclusion-graph licenses bans sources

.PHONY: advisories
advisories: build-tools ## known faults of dependencies and withdrawn versions; asks the network, so no part of the CI
	@folder=$$(scripts/get-cargo-deny $(target)/cargo-deny); \
	PATH="$$folder:$$PATH" cargo deny --locked check --hide-inclusion-graph advisories

.PHONY: sbom
sbom: build-tools ## what the program is made of, in CycloneDX: FILE=sbom.json
	@scripts/sbom '$(target)/sbom' '$(or $(FILE),sbom.json)'

.PHONY: check-deploy
check-deploy: build-tools ## the files of deploy/, by systemd, promtool and the schemas of Kubernetes
	@$(build)
	@scripts/check-deploy $(program) $(target)/deploy-tools

.PHONY: check-compose
check-compose: build-tools ## the demo of docker-compose.yml, with database and daemon killed; as root
	@$(build)
	@scripts/check-compose $(program)

.PHONY: ci
ci: ## everything that a change must pass
	@.ci/run

.PHONY: bench
bench: postgres ## whole runs on the simulator beside floors of psql: PROJECTS=1000 DAYS=365
	@cargo build --release --bin agora-usage
	@scripts/bench $(target)/release/agora-usage $(or $(PROJECTS),1000) $(or $(DAYS),365)

.PHONY: bench-growth
bench-growth: postgres ## how cost grows: ten times the projects, days and channels
	@cargo build --release --bin agora-usage
	@scripts/bench-growth $(target)/release/agora-usage

.PHONY: bench-queries
bench-queries: postgres ## seconds of each question on invented data: PROJECTS=1000 DAYS=1095 ONLY="gaps projects"
	@cargo build --release --bin agora-usage
	@scripts/bench-queries $(target)/release/agora-usage $(or $(PROJECTS),1000) $(or $(DAYS),1095) $(ONLY)

.PHONY: bench-accounts
bench-accounts: postgres ## one daemon for many accounts, a cut of a day: ACCOUNTS=1000 PROJECTS=20 MINUTES=10
	@cargo build --release --bin agora-usage
	@scripts/bench-accounts $(target)/release/agora-usage $(or $(ACCOUNTS),1000) $(or $(PROJECTS),20) $(or $(MINUTES),10)

.PHONY: soak
soak: postgres ## faults by many seeds, and random cases of the pure parts: SEEDS=200 FIRST=1 CASES=100000
	@scripts/soak $(or $(SEEDS),200) $(or $(FIRST),1) $(or $(CASES),100000)

.PHONY: fuzz
fuzz: build-tools ## random bytes for every parser of outside data: SECONDS=600 each, ONLY="tags settings"
	@scripts/fuzz $(or $(SECONDS),600) $(ONLY)

.PHONY: mutants
mutants: build-tools ## small changes of rating and of what is due that no test sees: ARGS="--file src/rating/tiers.rs"
	@scripts/mutants $(target)/mutants $(ARGS)

.PHONY: check-focus
check-focus: ## a FOCUS file by the official validator, with Python 3.12: FILE=.../focus.csv
	@scripts/check-focus '$(FILE)' '$(target)/focus-validator'

.PHONY: clean-demo
clean-demo: ## remove the demo's reports and its database
	@scripts/clean-demo
