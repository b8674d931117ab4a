# What a contributor types. Nothing in README or CI needs `just`; each line is a plain command.

# List the recipes.
default:
    @just --list

# Run mailproof itself: `just mailproof run curl`.
mailproof *arguments:
    cargo run --release --quiet -- {{arguments}}

# The tests.
test:
    cargo test --workspace

# Take over changed snapshots (look at the diff before you commit).
accept:
    INSTA_UPDATE=always cargo test --workspace

# Scenario files and the kill matrix.
prove:
    cargo run --quiet -- lint
    cargo run --quiet -- selftest

# What is covered, as a page.
coverage:
    cargo run --quiet -- trace --format markdown > docs/coverage.md

# Measure, as ratios against peers in the same run.
bench:
    cargo run --release --example bench -p mailproof-tests

# Exactly what CI runs.
ci:
    bash .ci/run
