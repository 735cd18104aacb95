# The only commands that a user or a developer needs.
.PHONY: demo serve test test-browser check check-deep fuzz bench bench-http bench-peers bench-peak soak contract format format-check build

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

# What CI runs first; then test-browser, contract, and a short fuzz.
check: format-check test

# The tests of what threads share and what bytes from strangers reach, under ThreadSanitizer and AddressSanitizer. Leaks are not looked
# for: Swift's runtime keeps what it makes once.
DEEP := GMISEG_DEEP=1 swift
check-deep:
	$(DEEP) build --build-tests --sanitize=thread --scratch-path .build/tsan
	$(DEEP) test --skip-build --parallel --sanitize=thread --scratch-path .build/tsan
	$(DEEP) build --build-tests --sanitize=address --scratch-path .build/asan
	ASAN_OPTIONS=detect_leaks=0 $(DEEP) test --skip-build --parallel --sanitize=address --scratch-path .build/asan

# libFuzzer on each parser under AddressSanitizer, FUZZ_RUNS inputs each, from the seeds in Tests/Fuzzing/corpus. What it keeps, and what
# it finds, stays in .build/fuzz. Leaks are not looked for: Swift's runtime keeps what it makes once.
FUZZ_RUNS ?= 10000000
FUZZ_TARGETS ?= request multipart json image
FUZZ := .build/fuzz/release/gmiseg-fuzz
fuzz:
	GMISEG_FUZZING=1 swift build -c release --product gmiseg-fuzz --scratch-path .build/fuzz --sanitize=address \
	    -Xswiftc -sanitize-coverage=edge,inline-8bit-counters,pc-table,trace-cmp -Xswiftc -use-ld=lld \
	    -Xcc -fsanitize-coverage=inline-8bit-counters,pc-table,trace-cmp -Xlinker -lstdc++ -Xlinker \
	    $$(find "$$(dirname "$$(readlink -f "$$(command -v swift)")")/.." -name 'libclang_rt.fuzzer_no_main-*.a' | head -n 1)
	for target in $(FUZZ_TARGETS); do \
	    mkdir -p .build/fuzz/found/$$target && \
	    ASAN_OPTIONS=detect_leaks=0 $(FUZZ) $$target -runs=$(FUZZ_RUNS) -max_len=2048 -timeout=10 -rss_limit_mb=2048 \
	        -seed=1 -print_final_stats=1 -artifact_prefix=.build/fuzz/$$target- .build/fuzz/found/$$target \
	        Tests/Fuzzing/corpus/$$target || exit 1; done

# The server against wrk and clients of its own kinds: needs wrk and python3. Beside Hummingbird, which is fetched and built first:
# make bench-http HTTP_LOAD=--hummingbird
HTTP_LOAD ?=
bench-http: build
	python3 scripts/bench/http_load.py --gmiseg $(GMISEG) $(HTTP_LOAD)

# Ten minutes of requests of all kinds, good, bad and broken off: fails if memory or descriptors grow, or a 5xx comes.
SOAK_SECONDS ?= 600
soak: build
	python3 scripts/bench/soak.py --gmiseg $(GMISEG) --seconds $(SOAK_SECONDS)

# openapi.yaml against a live server, by schemathesis, which goes into a virtual environment of its own (Debian: python3-venv).
CONTRACT_EXAMPLES ?= 20
contract: build .build/contract/ready
	.build/contract/bin/python scripts/contract/contract.py --gmiseg $(GMISEG) --examples $(CONTRACT_EXAMPLES)

.build/contract/ready: scripts/contract/requirements.txt
	python3 -m venv .build/contract
	.build/contract/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

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

# The rate of oneDNN's products, which bounds an encoder built on them, and the encoder right after it.
bench-peak: build
	cc -O2 scripts/bench/onednn_peak.c -ldnnl -o .build/onednn_peak
	OMP_NUM_THREADS=2 .build/onednn_peak
	$(GMISEG) bench encoder --model sam-vit-b --random-weights --threads 2

format:
	swift format --in-place --recursive $(SOURCES)

format-check:
	swift format lint --strict --recursive $(SOURCES)
