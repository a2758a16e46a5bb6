#!/bin/sh
# Holds every message and view that the tests have drawn against Slack's own TypeScript types (`@slack/types`).
# Needs node and npm, and the samples that `cargo test` writes; installs into a folder outside of the checkout, once.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
packages="@slack/types@3.2.0 typescript@5.9.3"

key=$(printf %s "$packages" | cksum | cut -d' ' -f1)
folder="${TMPDIR:-/tmp}/steward-slack-types-$(id -u)-$key"
if [ ! -e "$folder/complete" ]; then
    mkdir -p "$folder"
    # shellcheck disable=SC2086 # one argument a package
    npm install --prefix "$folder" --no-save --no-audit --no-fund --loglevel=error $packages
    touch "$folder/complete"
fi

work=$(mktemp -d "$folder/run.XXXXXX")
trap 'rm -rf "$work"' EXIT
if [ $# -eq 0 ]; then set -- "$root"/target/slack-samples*.jsonl; fi
node "$here/slack_types.js" "$work" "$@"
node "$folder/node_modules/typescript/bin/tsc" --noEmit --strict --skipLibCheck --module commonjs --moduleResolution node10 \
    --target es2022 "$work"/*.ts
echo "all of them are what Slack's types allow"
