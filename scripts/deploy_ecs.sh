#!/usr/bin/env bash
# Gives every container of an ECS service's task another image and waits until it runs: IMAGE,
# CLUSTER, SERVICE, AWS_REGION and AWS_ROLE_ARN come from the environment. In a workflow the role
# is taken by the workflow's own identity, so that no key of AWS is stored anywhere.
set -euo pipefail
: "${IMAGE:?}" "${CLUSTER:?}" "${SERVICE:?}" "${AWS_REGION:?}"
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT
if [ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ]; then
    : "${AWS_ROLE_ARN:?}"
    (umask 077 && curl --fail --silent --show-error \
        --header "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
        "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com" |
        jq --exit-status --raw-output .value >"$place/identity")
    # Where the client looks for them by itself.
    export AWS_WEB_IDENTITY_TOKEN_FILE="$place/identity" AWS_ROLE_SESSION_NAME=release
fi
task="$(aws ecs describe-services --cluster "$CLUSTER" --services "$SERVICE" \
    --query 'services[0].taskDefinition' --output text)"
# A description also holds what only ECS may set.
aws ecs describe-task-definition --task-definition "$task" --query taskDefinition --output json |
    jq --arg image "$IMAGE" '.containerDefinitions[].image = $image
        | with_entries(select(.value != null))
        | del(.taskDefinitionArn, .revision, .status, .requiresAttributes, .compatibilities,
              .registeredAt, .registeredBy, .deregisteredAt)' >"$place/task.json"
task="$(aws ecs register-task-definition --cli-input-json "file://$place/task.json" \
    --query taskDefinition.taskDefinitionArn --output text)"
aws ecs update-service --cluster "$CLUSTER" --service "$SERVICE" --task-definition "$task" \
    --query service.serviceName --output text
aws ecs wait services-stable --cluster "$CLUSTER" --services "$SERVICE"
