# The only commands that a user or a developer needs.
.PHONY: demo serve test test-browser check bench bench-peers format format-check build

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

# The page in a real Chromium, headless, against servers of its own (Debian: chromium chromium-driver python3-venv). Selenium
# goes into a virtual environment of its own; screenshots of every view are left in .browser/screenshots.
BROWSER_TESTS ?= discover
test-browser: build .browser/venv/ready
	cd Tests/BrowserTests && PYTHONDONTWRITEBYTECODE=1 ../../.browser/venv/bin/python -m unittest $(BROWSER_TESTS)

.browser/venv/ready: Tests/BrowserTests/requirements.txt
	@command -v chromedriver >/dev/null || { echo "test-browser: apt-get install chromium chromium-driver" >&2; exit 1; }
	python3 -m venv .browser/venv
	.browser/venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# What CI runs first; then it runs test-browser, and nothing else.
check: format-check test

# One JSON line each: seconds (medians) and peak memory. Random weights of SAM's sizes: the speed is that of real ones.
bench: build
	$(GMISEG) bench start --json
	$(GMISEG) bench http --json
	$(GMISEG) bench http --during-job --json
	for what in encoder click step; do $(GMISEG) bench $$what --json || exit 1; done
	for what in encoder click step; do \
	    $(GMISEG) bench $$what --model sam-vit-b --random-weights --threads 2 --rounds 3 --json || exit 1; done
	$(GMISEG) bench encoder --model sam-vit-b --precision int8 --random-weights --threads 2 --rounds 3 --json
	$(GMISEG) bench encoder --model sam-vit-l --random-weights --threads 2 --rounds 3 --json

# The same beside PyTorch and OpenVINO, interleaved, as a table: make bench-peers PEERS_PYTHON=.venv/bin/python
PEERS_PYTHON ?= python3
PEERS ?= scripts/bench/peers.py
bench-peers: build
	$(PEERS_PYTHON) scripts/bench/compare.py --gmiseg $(GMISEG) --peers $(PEERS)

format:
	swift format --in-place --recursive $(SOURCES)

format-check:
	swift format lint --strict --recursive $(SOURCES)
