# boxoffice: `make help` lists what there is. CI runs `make check`.
# One profile (release) for run, test and bench, so that wasmtime is compiled once.

CARGO  ?= cargo
TARGET := wasm32-wasip2

.DEFAULT_GOAL := help
.PHONY: help run test api-test clients authors author-figures check fmt lint guest demo swap-demo attack fuzz bench bench-quick bench-instances audit target

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

# Rules are built for this target. Where rustup installs by itself what rust-toolchain.toml names, there is nothing to do.
target:
	@rustup target list --installed | grep -qx $(TARGET) || rustup target add $(TARGET)

run: target ## Build everything and serve on 127.0.0.1:8080, with events.db in this folder (ARGS='--hold 10s' adds flags)
	$(CARGO) run --release --locked --package boxoffice -- serve $(ARGS)

# Two runs: with the others, the host has seeded faults in it, for their tests to catch; by itself it is the program that is shipped.
test: target ## All tests, against the real server and the real rules
	$(CARGO) test --release --locked --workspace --exclude boxoffice
	$(CARGO) test --release --locked --package boxoffice

# Needs python3 with venv, node and npm; what it installs is pinned and stays under target/.
api-test: target ## The API as other people's tools see it: schemathesis, a validator, a generated client, the collection (EXAMPLES=100 SEED=1)
	$(CARGO) build --release --locked --package boxoffice
	@tests/api/run

clients: target ## Write the types of the generated client anew, from the description that the server gives
	$(CARGO) build --release --locked --package boxoffice
	@tests/api/generate

# Needs python3 with venv, make and curl, and for JavaScript node and npm; a language whose tools or registry are not there is skipped, and counted.
authors: target ## A new author's way through guest/README.md, with its own commands, for each language (LANGUAGES='rust js python')
	$(CARGO) build --release --locked --package boxoffice
	@tests/authors/run

author-figures: target ## What a module costs in each language: the table of guest/README.md (ROUNDS=400)
	$(CARGO) build --release --locked --package boxoffice
	@tests/authors/figures

check: target fmt lint test ## What CI runs: format, lints, tests, the way of a new author, and a short form of api-test
	@$(MAKE) --no-print-directory authors
	@$(MAKE) --no-print-directory api-test EXAMPLES=$${EXAMPLES:-25}

fmt: target ## Is everything formatted?
	$(CARGO) fmt --all --check

lint: target ## Clippy, warnings denied, for the host and for the rules' own target
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --release --locked --package boxoffice --all-targets -- -D warnings
	$(CARGO) clippy --profile guest --locked --target $(TARGET) --target-dir target/guest --package boxoffice-sdk --package standard-rules --package bookings --package early-access --package unruly-rules --package exact-rules --package raw-rules --package altered-rules --package broken-rules --package forwarding-rules -- -D warnings

guest: target ## The standard rules as a component: target/guest/wasm32-wasip2/guest/standard_rules.wasm
	$(CARGO) build --profile guest --locked --target $(TARGET) --target-dir target/guest --package standard-rules

demo: target ## A flash sale on a throw-away server: 100 buyers, 5 seats
	$(CARGO) run --release --locked --package boxoffice-tests --bin demo

swap-demo: target ## A thousand swaps of the rules under load, a canary that fails, a shadow that finds a difference (ARGS='--swaps 100')
	$(CARGO) run --release --locked --package boxoffice-tests --bin swap-demo -- $(ARGS)

attack: ## What strangers' modules do to a throw-away server, and what comes of it (ARGS=spin picks attacks by name)
	$(CARGO) build --release --locked --package boxoffice --package boxoffice-tests --bin boxoffice --bin attack
	$(CARGO) run --release --locked --package boxoffice-tests --bin attack -- $(ARGS)

# The short, seeded form of the same is in `make test`. On a stable compiler there is no sanitizer: what is looked for are panics, outcomes
# that break the targets' own assertions, and inputs that take too long or too much.
FUZZ_SECONDS ?= 300
FUZZ         := $(CARGO) fuzz
FUZZ_FLAGS   := --fuzz-dir host/fuzz --sanitizer none
fuzz: target ## Fuzz the loader and the lifting of answers, FUZZ_SECONDS=300 each (installs cargo-fuzz; the first build takes 10 minutes)
	@command -v cargo-fuzz >/dev/null || $(CARGO) install --locked cargo-fuzz
	$(FUZZ) build $(FUZZ_FLAGS)
	@mkdir -p host/fuzz/corpus/load
	@find host/fuzz/target -path '*/guest/raw_rules.wasm' -exec cp {} host/fuzz/corpus/load/ \;
	$(FUZZ) run $(FUZZ_FLAGS) answer -- -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1
	$(FUZZ) run $(FUZZ_FLAGS) load -- -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -max_len=131072 -timeout=60 -rss_limit_mb=4096

# Needs wrk. PEER='COMMAND' PEER_URL=http://127.0.0.1:PORT puts another server of the same paths beside; BENCH='--only rows' chooses.
BENCH_HTTP := $(CARGO) bench --locked --package boxoffice --bench http --
PEERED      = $(if $(PEER),--peer '$(PEER)' --peer-url '$(PEER_URL)')
bench: target ## What requests cost, with everything beside that is needed to judge it: host/benches/RESULTS.md (10 minutes; 7 GB once)
	@mkdir -p target/bench
	$(CARGO) bench --locked --package boxoffice --bench micro > target/bench/micro.txt
	@cat target/bench/micro.txt
	$(BENCH_HTTP) --results $(CURDIR)/host/benches/RESULTS.md --micro $(CURDIR)/target/bench/micro.txt --json $(CURDIR)/target/bench/results.json $(PEERED) $(BENCH)

bench-quick: target ## The short form of the same: a minute, and nothing is kept
	$(BENCH_HTTP) --quick $(PEERED) $(BENCH)

bench-instances: target ## What an instance costs, fresh and reused, with other policies beside it (75 s)
	$(CARGO) bench --locked --package boxoffice --bench instances

audit: ## Licences, sources, banned crates and advisories (needs cargo-deny: cargo install --locked cargo-deny)
	@command -v cargo-deny >/dev/null || { echo 'cargo-deny is not installed: cargo install --locked cargo-deny'; exit 1; }
	$(CARGO) deny check
