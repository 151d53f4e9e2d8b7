#!/usr/bin/env bash
# Brings a machine that runs docker compose to an image: IMAGE, HOST, USER_NAME, FOLDER, KEY (a
# private key) and KNOWN_HOSTS come from the environment. The folder there has the .env.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${IMAGE:?}" "${HOST:?}" "${USER_NAME:?}" "${FOLDER:?}" "${KEY:?}" "${KNOWN_HOSTS:?}"
case "$IMAGE$FOLDER" in
*[!A-Za-z0-9._/:@-]*)
    echo "IMAGE and FOLDER may hold letters, digits and ._/:@- only" >&2
    exit 1
    ;;
esac
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT
(umask 077 && printf '%s\n' "$KEY" >"$place/key")
printf '%s\n' "$KNOWN_HOSTS" >"$place/known_hosts"
# Only the machine that was named: a host that cannot prove itself is not given anything.
options="-i $place/key -o UserKnownHostsFile=$place/known_hosts -o StrictHostKeyChecking=yes"
options="$options -o BatchMode=yes -o IdentitiesOnly=yes -o ConnectTimeout=20"
# shellcheck disable=SC2086
scp $options docker-compose.yml "$USER_NAME@$HOST:$FOLDER/docker-compose.yml.new"
# shellcheck disable=SC2086
ssh $options "$USER_NAME@$HOST" sh -eu -s -- "$FOLDER" "$IMAGE" <<'THERE'
cd "$1"
# The image of the environment comes before the one of .env; it is kept there for later starts.
export FACTOR_IMAGE="$2"
mv docker-compose.yml.new docker-compose.yml
docker compose config --quiet
docker compose pull --quiet
docker compose up --detach --no-build --remove-orphans --wait --wait-timeout 300 api dashboard
docker compose up --detach --no-build signals
{ grep -v '^FACTOR_IMAGE=' .env || true; echo "FACTOR_IMAGE=$2"; } >.env.new
chmod 600 .env.new
mv .env.new .env
THERE
