#!/usr/bin/env bash
# Install Debian's chromium, which the browser tests drive. Needs root; without it, or on another
# system, those tests skip and say so.
set -eu
if command -v chromium >/dev/null 2>&1; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "chromium is not installed: the browser tests will be skipped" >&2
    exit 0
fi
if ! (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends chromium fonts-dejavu-core >/dev/null); then
    echo "chromium could not be installed: the browser tests will be skipped" >&2
fi
