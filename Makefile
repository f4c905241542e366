# The commands a person uses; .ci/run calls check and test and nothing else.
.PHONY: run test check deny setup bench measure soak fuzz seeds

run:
	cargo run --release

# Everything, on a fresh machine: installs what the tests need, then runs them all.
test: setup
	cargo nextest run
	cargo test --doc --quiet
	cargo run --quiet -- check
	cargo run --quiet -- test

check:
	cargo fmt --check
	cargo clippy --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --quiet

# Licences, sources and known advisories of what we build on; asks the advisory database, so not part of check.
deny:
	cargo deny check

# The webhook beside its floors: throughput, times, CPU, bytes, memory, counts. `make bench LOAD="--act taps"` for taps on
# the menu, `--act strange-words` for words nobody wrote before; `make bench LOAD=--help` says what there is.
LOAD ?= --json target/load.json
bench:
	cargo bench --quiet --bench load -- $(LOAD)

# Figures of the parts: store, replay, reports.
measure:
	cargo nextest run --release --run-ignored only --no-capture -E 'test(measure)'

# A thousand kills, a thousand logs against the oracle on both engines, long property runs, twenty processes before an
# unkind platform, a hundred simulated weeks, ORDERS orders on each engine and FORMS forms while the program is killed,
# and every fault of Redis that we know, FAULTS times each: kills, silence, a cut cable, no memory, no disk (these two as
# root, with iproute2). The figures are in README.md.
FAULTS ?= 100
ORDERS ?= 10000
STORM ?= 100000
FORMS ?= 1000
soak:
	FUWU_KILLS=1000 FUWU_LOGS=1000 PROPTEST_CASES=20000 cargo nextest run --release --profile soak \
		-E 'test(store_kill) or test(kill_serve) or test(trials::)'
	PROPTEST_CASES=500 cargo nextest run --release --profile soak -E 'test(retries_property)'
	FUWU_QUESTIONS=40 FUWU_WEEKS=100 cargo nextest run --release --profile soak --no-capture \
		-E 'test(of_many_processes) or test(whatever_a_week_brings)'
	FUWU_FIGURE_STORM=$(STORM) cargo nextest run --release --profile soak --no-capture -E 'test(storm_of_invites)'
	FUWU_FIGURE_ORDERS=$(ORDERS) cargo nextest run --release --profile soak --run-ignored all --no-capture -E 'test(with_all_books)'
	FUWU_FIGURE_FORMS=$(FORMS) cargo nextest run --release --profile soak --no-capture -E 'test(business_systems_book)'
	FUWU_LOGS=1000 FUWU_KILLS=300 FUWU_FAULTS=$(FAULTS) cargo nextest run --release --profile soak --run-ignored all \
		--no-capture -E 'test(logs_on_a_redis_cluster) or test(redis_kill) or test(redis_soak)'

# Every fuzz target for FUZZ_SECS seconds, driven by libFuzzer from the kept inputs (fixtures/fuzz) and samples. It stops at
# the first input that breaks a rule, or takes too long or too much; the input is then in target/fuzz/found.
FUZZ ?= signature envelope wire reply playbook template
FUZZ_SECS ?= 600
fuzz: export RUSTC_BOOTSTRAP = 1
fuzz:
	@command -v c++ >/dev/null || { echo "please install g++: libFuzzer is C++" >&2; exit 1; }
	@cargo fuzz --version >/dev/null 2>&1 || cargo install --locked --quiet cargo-fuzz
	env -u RUSTC_BOOTSTRAP FUZZ_SAMPLES=target/fuzz/samples cargo nextest run --cargo-quiet -E 'test(fuzz::)'
	@mkdir -p target/fuzz/found
	@for target in $(FUZZ); do \
		case $$target in playbook) longest=8192;; *) longest=65536;; esac; \
		mkdir -p target/fuzz/corpus/$$target; \
		echo "== $$target, $(FUZZ_SECS) s"; \
		cargo fuzz run --fuzz-dir tests/fuzz --target-dir target/fuzz/build $$target \
			target/fuzz/corpus/$$target fixtures/fuzz/$$target target/fuzz/samples/$$target -- \
			-max_total_time=$(FUZZ_SECS) -max_len=$$longest -timeout=5 -rss_limit_mb=1024 -malloc_limit_mb=64 \
			-dict=tests/fuzz/words/$$target.dict -artifact_prefix=target/fuzz/found/$$target- \
			-print_final_stats=1 || exit 1; \
	done

# A million simulated worlds, each from its seed; one of them alone with its trace: FUWU_SEED=7.
seeds:
	FUWU_SEEDS=1000000 cargo nextest run --release --profile soak --lib --no-capture -E 'test(whatever_a_seed_brings)'

setup:
	@.ci/setup
