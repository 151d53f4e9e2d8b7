#!/usr/bin/env bash
# Installs the libraries that the parity tests compare with into an environment of their own,
# .venv-peers, so that they cannot change what the project itself runs on. Does nothing where
# they are there already.
set -eu
cd "$(dirname "$0")/.."
pins=tests/peers/requirements.txt
venv=.venv-peers
if [ -f "$venv/.ready" ] && cmp -s "$pins" "$venv/.ready"; then
    exit 0
fi
"${PYTHON:-python3}" -m venv --clear "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$pins"
cp "$pins" "$venv/.ready"
