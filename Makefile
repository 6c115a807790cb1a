# Turnpike. `make help` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

UI := gateway/ui
VENV := target/venv
CDK := deploy/cdk
CDK_TEMPLATES := $(CDK)/cdk.out/manifest.json
DEPLOY_VENV := target/deploy-venv
TOOLS := target/tools
CARGO_DENY := $(TOOLS)/bin/cargo-deny
CARGO_FUZZ := $(TOOLS)/bin/cargo-fuzz
FUZZ_SECONDS ?= 20
# What is built on the AWS SDK; not in `default-members` either.
AWS := turnpike-issuer-cognito turnpike-store-dynamodb

# What starts a plane again for each kill, or makes thousands of calls, and takes minutes where that is 13 processes, or
# starts programs and no plane: the other two set-ups run it.
SPLIT_SKIPS ?= --skip boundary::no_value --skip crash:: --skip languages::each_reads

# The orders API in other languages: what a compiler makes of it.
GO_API := target/examples/go-orders-api
JAVA_API := examples/java-orders-api/target/orders-api.jar

# What only replicas over DynamoDB and Cognito show; how fast a revocation is known is measured by itself.
REPLICAS := deployed:: import:: metrics:: outage:: replicas::replicas_ tls::

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

.PHONY: up
up: ui ## Build and run everything on http://127.0.0.1:8080; prints the links to sign in
	cargo run --bin turnpike -- up $(ARGS)

.PHONY: links
links: ## Print new links to sign in to what `make up` runs
	cargo run --quiet --bin turnpike -- links $(ARGS)

.PHONY: demo
demo: ui ## Play the story of a partner that orders, with real processes
	cargo build --bin turnpike --bin orders-api --bin partner-app
	cargo run --quiet --bin demo

.PHONY: test
test: lint test-rust test-ui deploy-check test-e2e test-aws fuzz deny ## Everything that CI runs

.PHONY: test-rust
test-rust: ui ## Unit and conformance tests
	cargo test --workspace --exclude turnpike-tests $(addprefix --exclude ,$(AWS))

.PHONY: test-aws
test-aws: ui examples $(CDK_TEMPLATES) tests/clients/node_modules ## What is built on the AWS SDK, against a fake and an emulator; writes target/aws/report.md
	scripts/need-chromium
	cargo test $(addprefix -p ,$(AWS) turnpike-runtime) --features turnpike-runtime/aws
	rm -rf target/aws
	cargo build --bins --features turnpike-cli/aws,turnpike-cli/fault-points
	TURNPIKE_TEST_SETUP=dynamodb cargo test -p turnpike-tests --test it
	TURNPIKE_TEST_SETUP=split cargo test -p turnpike-tests --test it -- --test-threads=2 $(SPLIT_SKIPS)
	cargo test -p turnpike-tests --features aws --test it -- --nocapture crash_matrix::
	cargo test -p turnpike-tests --features aws --test it -- --nocapture --test-threads=2 $(REPLICAS)
	cargo test -p turnpike-tests --features aws --test it -- --nocapture --test-threads=1 replicas::revoking

.PHONY: test-ui
test-ui: $(UI)/node_modules ## Unit tests of the portal
	cd $(UI) && npm test

.PHONY: test-e2e
test-e2e: ui examples tests/clients/node_modules ## End to end against the real binary: API, crashes, browser, third parties' clients
	scripts/need-chromium
	cargo build --bins
	cargo test -p turnpike-tests

.PHONY: examples
examples: $(VENV) examples/node-orders-api/node_modules $(GO_API) $(JAVA_API) ## Build the orders API in other languages; needs Go 1.25, JDK 17, Maven

.PHONY: deploy-check
deploy-check: $(CDK_TEMPLATES) $(DEPLOY_VENV) ## What is deployed: templates, policies, manifests, image
	cd $(CDK) && npm test
	cd $(CDK) && $(CURDIR)/$(DEPLOY_VENV)/bin/cfn-lint cdk.out/*.template.json
	$(DEPLOY_VENV)/bin/hadolint deploy/docker/Dockerfile deploy/emulator/Dockerfile
	$(DEPLOY_VENV)/bin/python deploy/check.py
	python3 docs/scale/plots.py --check

.PHONY: lint
lint: $(UI)/node_modules ## Formatting, clippy, drift of generated code, arrows between crates, the contract, the portal
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo xtask generate --check
	cargo xtask arrows
	cd $(UI) && npm run lint:proto && npm run generate:check && npm run lint && npm run typecheck

.PHONY: generate
generate: $(UI)/node_modules ## Write the generated code of the contract anew
	cargo xtask generate
	cd $(UI) && npm run generate

.PHONY: ui
ui: $(UI)/dist/index.html ## Build the portal

.PHONY: bench
bench: ## Benchmarks, each beside its floor
	cargo run --release -p turnpike-bench

.PHONY: fuzz
fuzz: $(CARGO_FUZZ) ## Build every fuzz target and run each for FUZZ_SECONDS
	scripts/fuzz $(CARGO_FUZZ) $(FUZZ_SECONDS)

.PHONY: deny
deny: $(CARGO_DENY) ## Licences, sources and versions of what we ship with
	cargo fetch --locked --quiet
	$(CARGO_DENY) --offline check bans licenses sources

$(UI)/node_modules: $(UI)/package-lock.json
	cd $(UI) && npm ci --no-audit --no-fund
	touch $@

$(UI)/dist/index.html: $(UI)/node_modules $(shell git ls-files -co --exclude-standard $(UI) 2>/dev/null)
	cd $(UI) && npm run build
	touch $@

$(CDK)/node_modules: $(CDK)/package-lock.json
	cd $(CDK) && npm ci
	touch $@

$(CDK_TEMPLATES): $(CDK)/node_modules $(shell git ls-files -co --exclude-standard $(CDK) 2>/dev/null)
	rm -rf $(CDK)/cdk.out
	cd $(CDK) && npm run --silent synth

$(DEPLOY_VENV): deploy/requirements.txt
	python3 -m venv $(DEPLOY_VENV)
	$(DEPLOY_VENV)/bin/python -m pip install --quiet -r deploy/requirements.txt
	touch $@

tests/clients/node_modules: tests/clients/package-lock.json
	cd tests/clients && npm ci --no-audit --no-fund
	touch $@

examples/node-orders-api/node_modules: examples/node-orders-api/package-lock.json
	cd examples/node-orders-api && npm ci --no-audit --no-fund
	touch $@

$(GO_API): $(wildcard examples/go-orders-api/*)
	cd examples/go-orders-api && test -z "$$(gofmt -l .)" && go vet ./... && go build -o $(CURDIR)/$@ .

$(JAVA_API): $(shell git ls-files -co --exclude-standard examples/java-orders-api 2>/dev/null)
	cd examples/java-orders-api && mvn --batch-mode --no-transfer-progress --quiet package
	touch $@

$(VENV): tests/clients/requirements.txt deploy/emulator/requirements.txt examples/python-orders-api/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet -r tests/clients/requirements.txt -r examples/python-orders-api/requirements.txt
	touch $@

$(CARGO_DENY):
	cargo install --locked --quiet --root $(TOOLS) cargo-deny

# It only calls cargo: unoptimised it is built sooner.
$(CARGO_FUZZ):
	cargo install --debug --locked --quiet --root $(TOOLS) cargo-fuzz

.PHONY: screenshots
screenshots: ui ## Take the pictures of docs/images anew, by the browser test
	scripts/need-chromium
	cargo build --bins
	TURNPIKE_SCREENSHOTS=$(CURDIR)/docs/images cargo test -p turnpike-tests --test it -- browser
