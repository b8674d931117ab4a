#!/bin/sh
# Runs a mail client against mailproof as a CI job does: report, summary, comparison, bundle. Needs nothing but a
# POSIX shell and mailproof. Arguments are those of `mailproof run`; with a mailproof.toml none are needed.
#
#   sh mailproof.sh ./crm.toml --require 200
#
# Variables, all optional:
#   MAILPROOF            the program                                       [mailproof]
#   MAILPROOF_ARGUMENTS  more arguments for `run`, divided at blanks
#   MAILPROOF_OUT        the folder of the report                          [mailproof-report]
#   MAILPROOF_SNAPSHOTS  the folder of transcript snapshots: compare with them
#   MAILPROOF_BASE       the report folder of an earlier run: what is different goes to diff.md
#   MAILPROOF_SARIF      any text: write mailproof.sarif too
#   MAILPROOF_SIGN_KEY   a private key: pack a bundle, and verify it
#
# The exit code is that of `mailproof run`; 3 where a later step fails although the run did not.
set -eu

program=${MAILPROOF:-mailproof}
out=${MAILPROOF_OUT:-mailproof-report}

# Arguments for `run`, behind those that were given.
# shellcheck disable=SC2086 # divided at blanks, as is said above
set -- "$@" ${MAILPROOF_ARGUMENTS:-} --out "$out"
if [ -n "${MAILPROOF_SNAPSHOTS:-}" ]; then
  set -- "$@" --snapshots "$MAILPROOF_SNAPSHOTS"
fi
if [ -n "${MAILPROOF_SIGN_KEY:-}" ]; then
  set -- "$@" --bundle "$out/mailproof.bundle" --sign-key "$MAILPROOF_SIGN_KEY"
  mkdir -p "$out"
fi

code=0
"$program" run "$@" || code=$?
case $code in
  0 | 1 | 4 | 5 | 6) ;; # there is a report
  *) exit "$code" ;;
esac

failed() {
  echo "mailproof.sh: $1" >&2
  exit 3
}

# The page of a GitHub job; elsewhere it is in the report.
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  cat "$out/summary.md" >>"$GITHUB_STEP_SUMMARY"
fi

if [ -n "${MAILPROOF_SARIF:-}" ]; then
  "$program" report "$out" --format sarif >"$out/mailproof.sarif" || failed "there is no SARIF"
fi

# `diff` has exit codes of its own; what counts here is whether it could compare.
if [ -n "${MAILPROOF_BASE:-}" ] && [ -f "$MAILPROOF_BASE/results.json" ]; then
  "$program" diff "$MAILPROOF_BASE" "$out" --format markdown >"$out/diff.md" || [ $? -le 1 ] ||
    failed "the runs cannot be compared"
fi

if [ -n "${MAILPROOF_SIGN_KEY:-}" ]; then
  "$program" verify "$out/mailproof.bundle" || failed "the bundle does not verify"
fi

exit "$code"
