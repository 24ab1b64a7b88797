# The commands of this repository. `make` alone shows them.
#
# Everything is built once, in release: the tests reach in through `package` access, so they share the objects of `make build`.

SWIFT ?= swift
# Seconds after which a test run is ended from outside; a hung test must not hang whoever waits for it.
TEST_DEADLINE ?= 1500
BENCH_DEADLINE ?= 1800
# Extra words for the test runner, e.g. `make test TEST_FLAGS='--filter KillTests'`.
TEST_FLAGS ?=

.DEFAULT_GOAL := help
.PHONY: help packages test-servers build test test-full quickstart bench clean

help:
	@echo "make build       build .build/release/connectd (installs the system packages it needs, after naming them)"
	@echo "make quickstart  build, then watch a small shop's changes flow from one SQLite file into another, and through PostgreSQL where it is installed, for 15 s"
	@echo "make test        build, then run every test"
	@echo "make test-full   the same with the long versions (fifty kills instead of ten, a million records)"
	@echo "make bench       measure the record path beside its floors and print a table"
	@echo "make clean       remove what was built"

packages:
	@scripts/system-packages

build: packages
	$(SWIFT) build -c release

# What only the tests need: openssl makes certificates, nginx is one of the servers.
test-servers: packages
	@scripts/system-packages openssl
	@scripts/test-servers

test: test-servers
	scripts/with-deadline $(TEST_DEADLINE) $(SWIFT) test -c release --disable-xctest --disable-testable-imports $(TEST_FLAGS)

test-full: export CONNECTD_TEST_FULL = 1
test-full: TEST_DEADLINE = 3600
test-full: test

quickstart: build
	.build/release/connectd quickstart --exit-after 15

bench: build
	scripts/with-deadline $(BENCH_DEADLINE) $(SWIFT) run --package-path Benchmarks -c release bench

clean:
	rm -rf .build Benchmarks/.build
