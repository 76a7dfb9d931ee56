# The commands of this project. `make help` lists them.

SWIFT ?= swift
BINARY = .build/release/portico

# Debian's packages: what the build needs, what the quickstart runs, what the scenarios talk to, what the benchmark compares with.
BUILD_PACKAGES = libpcre2-dev libcrypt-dev libssl-dev libxxhash-dev libc-ares-dev libnghttp2-dev
QUICKSTART_PACKAGES = python3-flask gunicorn python3-gevent uwsgi-core uwsgi-plugin-python3 curl
CERT_PACKAGES = openssl
TEST_PACKAGES = $(QUICKSTART_PACKAGES) $(CERT_PACKAGES) python3-gevent-websocket python3-websockets python3-requests python3-h2 python3-grpcio nghttp2-client apache2-utils wrk valgrind binutils dnsmasq-base iproute2
# What `make test-peers` talks to: large to install, and so no part of `make test`.
PEER_PACKAGES = postgresql redis-server mariadb-server opensmtpd slapd python3-aiosmtpd
BENCH_PACKAGES = wrk nghttp2-client haproxy nginx-light lighttpd

# The release binary carries Swift's library and runs where Swift is not installed; a room that imports
# what it did not declare fails to build.
RELEASE = --configuration release --static-swift-stdlib --explicit-target-dependency-import-check error

.DEFAULT_GOAL = help
.PHONY: run cert test test-peers peer-packages build simulate tsan fuzz fuzz-keep lint format docs bench bench-quick bench-reload clean help build-packages run-packages cert-packages test-packages bench-packages

run: run-packages cert build ## Start the quickstart: Portico before five small applications (Ctrl-C ends it)
	@scripts/quickstart $(BINARY)

cert: cert-packages ## Make a certificate authority and certificates for localhost, in certificates/
	@scripts/certificates

build: build-packages ## Build .build/release/portico
	$(SWIFT) build $(RELEASE) --product portico

# The scenarios come by themselves: real peers have real time-outs, and the rooms' tests take every processor there is.
test: test-packages build ## Run every test: the rooms, the real binary among real peers, its cost, at last the format
	$(SWIFT) build --build-tests
	PORTICO_BINARY=$(CURDIR)/$(BINARY) $(SWIFT) test --skip-build --disable-xctest --skip ScenarioTests
	PORTICO_BINARY=$(CURDIR)/$(BINARY) $(SWIFT) test --skip-build --disable-xctest --filter ScenarioTests
	@benchmarks/tests.py
	@benchmarks/cost $(BINARY) --swift $(SWIFT)
	@$(MAKE) --no-print-directory simulate SIMULATE=300000
	@$(MAKE) --no-print-directory lint

test-peers: peer-packages build ## Put Portico before large real peers: databases, mail, LDAP, long transfers (12 minutes)
	@scripts/test-check-peers $(BINARY)
	@scripts/test-tcp-peers $(BINARY)

# SIMULATE may be `1 SEED`: that round alone.
SIMULATE ?= 1000000
simulate: build-packages ## Play a million exchanges in which everything goes wrong that can
	$(SWIFT) build $(RELEASE) --product simulate
	.build/release/simulate $(SIMULATE)

# A build of its own, whose locks ThreadSanitizer can follow (Sources/Basics/Lock.swift). It has to find the planted race, and
# nothing else: each of its reports ends a program with an error.
TSAN = PTHREAD_LOCKS=yes $(SWIFT)
TSAN_OPTIONS ?= exitcode=66
TSAN_BUILD = --scratch-path .build/tsan --sanitize=thread
TSAN_EXCHANGES ?= 5000
tsan: build-packages ## Look for data races: the rooms' tests, and workers that really run at once
	$(TSAN) build $(TSAN_BUILD) --build-tests
	.build/tsan/debug/plantedrace lock
	@if .build/tsan/debug/plantedrace none > .build/tsan/planted.log 2>&1 || ! grep -q 'race' .build/tsan/planted.log; then \
		cat .build/tsan/planted.log; echo "ThreadSanitizer does not see the planted race."; exit 1; \
	else echo "ThreadSanitizer reports the planted race."; fi
	TSAN_OPTIONS="$(TSAN_OPTIONS)" $(TSAN) test $(TSAN_BUILD) --skip-build --disable-xctest --skip '$(TSAN_SKIPS)'
	TSAN_OPTIONS="$(TSAN_OPTIONS)" .build/tsan/debug/simulate threads $(TSAN_EXCHANGES)

# The scenarios run another binary; the language and the kept fuzz inputs are read by one thread, and so are the long plays of one
# worker, or of several in turns: `simulate threads` plays the same exchanges with workers that run at once.
TSAN_SKIPS = ScenarioTests|LanguageTests|FuzzTests|ProxyTests.SimulationTests|[mM]isfortune

# Swift's own libFuzzer; gold, the usual linker, chokes on its debug information. `make fuzz FUZZ_TARGETS=records
# FUZZ_SANITIZERS=fuzzer,address` also finds what Swift does not check: memory of OpenSSL that is misused or never freed.
FUZZ_SECONDS ?= 60
FUZZ_SANITIZERS ?= fuzzer
FUZZ_TARGETS ?= requests responses bodies proxyheaders payloads configuration records headerblocks frames
FUZZER = .build/fuzz/release/fuzz
CORPUS = Tests/FuzzTargets/Corpus
fuzz: build-packages ## Look for inputs that parsers and loader choke on, FUZZ_SECONDS for each target
	FUZZ_TARGET=any $(SWIFT) build --scratch-path .build/fuzz --configuration release -Xswiftc -sanitize=$(FUZZ_SANITIZERS) \
		-Xswiftc -use-ld=lld --product fuzz
	@set -e; for target in $(FUZZ_TARGETS); do \
		echo "== $$target"; mkdir -p .build/fuzz/found/$$target; \
		FUZZ_TARGET=$$target SWIFT_BACKTRACE=enable=no $(FUZZER) -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=20 \
			-verbosity=0 -print_final_stats=1 -artifact_prefix=.build/fuzz/$$target- .build/fuzz/found/$$target $(CORPUS)/$$target; \
	done

# Keeps of all that was found what reaches more of the code than the corpus does: for the repository.
fuzz-keep: ## Add to the kept corpus what `make fuzz` found
	@set -e; for target in $(FUZZ_TARGETS); do \
		FUZZ_TARGET=$$target SWIFT_BACKTRACE=enable=no $(FUZZER) -merge=1 -use_counters=0 -verbosity=0 $(CORPUS)/$$target .build/fuzz/found/$$target; \
	done

lint: ## Check the format of the sources
	$(SWIFT) format lint --strict --parallel --recursive Sources Tests Package.swift

format: ## Put the sources into that format
	$(SWIFT) format --in-place --parallel --recursive Sources Tests Package.swift

# The page is printed from the program's keyword tables, never written by hand: where git finds a conflict in it, run this.
docs: build-packages ## Print docs/configuration.md from the keyword tables
	$(SWIFT) build --product portico
	@mkdir -p docs
	.build/debug/portico manual > docs/configuration.md.new
	@mv docs/configuration.md.new docs/configuration.md

# BENCH may be `--case new,100k`, `--only portico,nginx`; `--markdown docs/performance.md` puts a whole run into that page.
BENCH ?=
bench: bench-packages build ## Measure CPU time per request beside HAProxy, nginx and lighttpd (10 minutes)
	benchmarks/run $(BINARY) $(BENCH)

# Those without TLS, and HTTP/2: a handshake's cost needs longer rounds.
QUICK_CASES = plain,rules,new,100k,10m,10m-spliced,tcp,tcp-10m,tcp-10m-spliced,file-1k,file-100k,file-10m,idle,h2
bench-reload: bench-packages build ## What clients notice of reloads, beside HAProxy and nginx (3 minutes)
	benchmarks/reload $(BINARY)

bench-quick: bench-packages build ## Most of it with short rounds (3 minutes)
	benchmarks/run $(BINARY) --seconds 1 --rounds 2 --case $(QUICK_CASES) $(BENCH)

balancing: build-packages ## Draw docs/balancing.svg: the balancing algorithms on played servers
	$(SWIFT) build $(RELEASE) --product balance
	benchmarks/balancing.py .build/release/balance

build-packages:
	@scripts/install-missing $(BUILD_PACKAGES)

run-packages:
	@scripts/install-missing $(QUICKSTART_PACKAGES)

cert-packages:
	@scripts/install-missing $(CERT_PACKAGES)

test-packages:
	@scripts/install-missing $(TEST_PACKAGES)

peer-packages:
	@scripts/install-missing $(PEER_PACKAGES)

bench-packages:
	@scripts/install-missing $(BENCH_PACKAGES)

clean: ## Remove what was built
	rm -rf .build run

help: ## List these commands
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-11s %s\n' "$$name" "$$text"; done
