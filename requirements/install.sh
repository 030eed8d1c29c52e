#!/bin/sh
# Makes .venv from a lock: install.sh runtime|dev. Every version and hash is the lock's; uv is used when present.
set -eu
lock=$1
if [ ! -x .venv/bin/python ]; then
    "$PYTHON" -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Datar needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
    "$PYTHON" -m venv .venv
fi
echo "Installing the locked packages ($lock) into .venv ..." >&2
if command -v uv >/dev/null 2>&1; then
    uv pip install --quiet --python .venv/bin/python --no-deps --require-hashes -r "requirements/$lock.lock"
else
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "requirements/$lock.lock"
fi
touch ".venv/$lock.stamp"
if [ "$lock" = dev ]; then touch .venv/runtime.stamp; fi
