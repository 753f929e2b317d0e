# The targets are few, and CI calls the same ones: see CONTRIBUTING.md.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c

# No cgo: the command is one static file, which starts a millisecond sooner.
export CGO_ENABLED = 0

GO        ?= go
BIN       := bin
TESTFLAGS ?=
FUZZTIME  ?= 10s
BENCH     ?= .
BENCHTIME ?= 1s
CASES     ?= 2000
RESTORES  ?= 10
BOOK      ?=
CASE      ?=

# Where tools are kept between runs, and the version that tools/go.mod pins.
TOOLS        := $(or $(shell $(GO) env GOBIN),$(shell $(GO) env GOPATH)/bin)
LINT         := $(TOOLS)/golangci-lint
LINT_VERSION := $(shell awk '$$1 == "github.com/golangci/golangci-lint/v2" {print $$2}' tools/go.mod)

.PHONY: build demo test bench fuzz campaign lint linter generate clean

build: ## bin/thaw
	@$(GO) build -trimpath -o $(BIN)/thaw ./cmd/thaw

demo: build ## capture, kill and restore a small real tree
	@$(GO) build -trimpath -o $(BIN)/demo ./cmd/demo
	@$(BIN)/demo $(BIN)/thaw

test: ## vet, and every test; skipped ones are listed with their reasons
	@$(GO) vet ./...
	@$(GO) test -json -timeout 40m $(TESTFLAGS) ./... | $(GO) -C tools run ./ledger

bench: ## benchmarks; BENCH=regexp, BENCHTIME=1x for a quick look
	@$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -timeout 30m ./...

fuzz: ## each fuzz target for FUZZTIME
	@for file in $$(git grep -l '^func Fuzz' -- '*_test.go'); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$file); do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./$$(dirname $$file); \
		done; \
	done

campaign: ## damaged images: CASES of them, RESTORES for real; BOOK=file to go on later; CASE=... replays one
	@$(GO) build -trimpath -o $(BIN)/campaign ./internal/campaign/run
	@$(BIN)/campaign -cases $(CASES) -restores $(RESTORES) $(if $(BOOK),-book '$(BOOK)') $(if $(CASE),-case '$(CASE)')

lint: linter ## golangci-lint and gofumpt over everything
	@$(LINT) run ./...

linter: ## golangci-lint of the pinned version, built only if it is not there
	@$(GO) version -m $(LINT) 2>/dev/null | grep -q 'golangci-lint/v2[[:space:]]$(LINT_VERSION)[[:space:]]' || \
		$(GO) -C tools install tool

generate: ## man pages, command reference, schemas, catalogue
	@$(GO) generate ./...

clean:
	@rm -rf $(BIN)
