# Day to day: make build, make test, make up, make down. Results go to _output.
#
#   make up [NAME=n] [NODES=2]       a development cluster in namespaces of its own
#   make down [NAME=n] [PURGE=1]     takes it away; PURGE=1 removes its data too
#   make conformance FOCUS=… PROCS=n upstream's suite on the running cluster
#   make test WHAT=./pkg/proxy/...   fewer packages

SHELL := /bin/bash
NAME  ?= tiphys
OUT   := _output
BIN   := $(OUT)/bin

# Static binaries: nothing of the machine they were built on is needed where they run.
GO_BUILD = CGO_ENABLED=0 go build -trimpath -ldflags "$$(build/ldflags.sh)"

COMMANDS = $(patsubst cmd/%/main.go,%,$(wildcard cmd/*/main.go))

.PHONY: all build images node-deps test up down conformance bench verify update clean help

all: build

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

# One go build for all commands: they share most packages, and are linked in parallel.
build:
	@mkdir -p $(BIN)
	@echo "building $(COMMANDS)"
	@$(GO_BUILD) -o $(BIN)/ $(COMMANDS:%=./cmd/%)

# The images every cluster needs (pause, CoreDNS), as archives.
images:
	@go run ./build/images -o $(OUT)/bundled

# containerd, runc and CNI plugins at pinned versions, and a few Debian packages.
node-deps:
	@hack/install-node-deps

up: node-deps images build
	@$(BIN)/tiphys dev up --name $(NAME) $(NODES:%=--nodes %) $(UP_FLAGS)

down:
	@if [ ! -x $(BIN)/tiphys ]; then $(MAKE) --no-print-directory build; fi
	@$(BIN)/tiphys dev down --name $(NAME) $(if $(filter 1 yes true,$(PURGE)),--purge)

test:
	@hack/test.sh $(WHAT)

conformance:
	@eval "$$($(BIN)/tiphys dev env --name $(NAME))" && unset NETNS && \
		FOCUS='$(FOCUS)' PROCS='$(or $(PROCS),7)' REGISTRY_LISTEN="$$HOST_IP:5000" hack/conformance.sh

bench:
	@go run ./test/bench $(BENCH_FLAGS)

verify:
	@hack/verify-all.sh

update:
	@hack/update-all.sh

# Clusters are not touched: `make down` does that.
clean:
	rm -rf $(OUT)
