#!/usr/bin/env bash
# Starts an image by docker-compose.yml, waits until the endpoint is healthy, asks it with and
# without its token, and takes everything down again: FACTOR_IMAGE=NAME scripts/start_image.sh
set -euo pipefail
cd "$(dirname "$0")/.."
: "${FACTOR_IMAGE:?name the image}"
export FACTOR_IMAGE FACTOR_API_PORT="${FACTOR_API_PORT:-18000}"
FACTOR_API_TOKEN="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
export FACTOR_API_TOKEN
# A project of its own, so that volumes in use are left alone.
compose="docker compose --project-name factor-investing-start"
trap '$compose logs; $compose down --volumes' EXIT
$compose up --detach --no-build --wait --wait-timeout 120 api
address="http://127.0.0.1:$FACTOR_API_PORT/v1"
curl --fail --silent --show-error "$address/health"
curl --fail --silent --show-error --header "Authorization: Bearer $FACTOR_API_TOKEN" "$address/runs"
status="$(curl --silent --output /dev/null --write-out '%{http_code}' "$address/runs")"
if [ "$status" != 401 ]; then
    echo "without its token the endpoint answered $status" >&2
    exit 1
fi
