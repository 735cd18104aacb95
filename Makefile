# The only commands that a user or a developer needs.
.PHONY: demo serve test check bench format format-check build

GMISEG := .build/release/gmiseg
SOURCES := Sources Tests Package.swift
# One set of options for every build, so that none undoes another's work. The import check is the layering test.
BUILD := -c release --explicit-target-dependency-import-check error

build:
	@scripts/bootstrap.sh
	swift build $(BUILD) --product gmiseg

# Adapts the embedded model to eight example images and segments four others: README, "See it work".
demo: build
	$(GMISEG) demo --output demo-output

# The server on http://127.0.0.1:8080, its data in ./gmiseg-data.
serve: build
	$(GMISEG) serve

# All tests, on optimised code: kernels are what they are in production, and the demo's build is used again.
test:
	@scripts/bootstrap.sh
	swift build $(BUILD) --build-tests
	swift test $(BUILD) --skip-build --parallel

# What CI runs, and nothing else.
check: format-check test

# One JSON line each: median seconds and the peak memory of the process.
bench: build
	$(GMISEG) bench encoder --json
	$(GMISEG) bench click --json
	$(GMISEG) bench step --json

format:
	swift format --in-place --recursive $(SOURCES)

format-check:
	swift format lint --strict --recursive $(SOURCES)
