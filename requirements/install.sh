#!/bin/sh
# Makes .venv from a lock: install.sh runtime|dev. Every version and hash is the lock's; uv is used when present.
# Works with a Python whose venv lacks ensurepip as long as there is a pip. An interrupted run leaves no half .venv.
set -eu
lock=$1
: "${PYTHON:=python3}"
fail() { echo "$1" >&2; exit 1; }

command -v "$PYTHON" >/dev/null 2>&1 || fail "There is no $PYTHON: install Python 3.11 or newer, or set PYTHON=/path/to/python3."
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Datar needs Python 3.11 or newer and $PYTHON is $("$PYTHON" -V 2>&1): set PYTHON=/path/to/python3.11."

fresh=
log=$(mktemp)
cleanup() {
    code=$?
    trap - EXIT INT TERM HUP
    rm -f "$log"
    if [ "$code" -ne 0 ]; then
        rm -f .venv/*.stamp
        if [ -n "$fresh" ]; then rm -rf .venv; fi
    fi
    exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if ! .venv/bin/python -c '' >/dev/null 2>&1; then
    fresh=1
    rm -rf .venv
    "$PYTHON" -m venv --without-pip .venv || fail "$PYTHON could not make .venv; the reason stands above."
fi

# pip of .venv, else pip of $PYTHON working on .venv, else the one that ensurepip carries.
install() {
    if command -v uv >/dev/null 2>&1; then
        uv pip install --quiet --python .venv/bin/python --no-deps --require-hashes -r "$1"
        return
    fi
    set -- install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes -r "$1"
    if .venv/bin/python -m pip --version >/dev/null 2>&1; then
        .venv/bin/python -m pip "$@"
    elif "$PYTHON" -m pip --python .venv/bin/python --version >/dev/null 2>&1; then
        "$PYTHON" -m pip --python .venv/bin/python "$@"
    elif .venv/bin/python -m ensurepip --default-pip >/dev/null 2>&1; then
        .venv/bin/python -m pip "$@"
    else
        fail "There is no pip for $PYTHON: install pip (or uv) and try again."
    fi
}

echo "Installing the locked packages ($lock) into .venv ..." >&2
if ! install "requirements/$lock.lock" 2>"$log"; then
    grep -v '^WARNING: ' "$log" >&2 || true
    fail "The packages could not be installed; the reason stands above. Nothing was kept of a new .venv."
fi
touch ".venv/$lock.stamp"
if [ "$lock" = dev ]; then touch .venv/runtime.stamp; fi
