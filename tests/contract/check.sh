#!/bin/sh
# Holds what Steward sends to GitHub, and what the tests' fake answers, against GitHub's published descriptions.
# Needs node, npm and cargo; installs the descriptions into a folder outside of the checkout, once for each version.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
descriptions="@octokit/graphql-schema@15.26.1 @octokit/openapi@23.0.2 graphql@16.15.0 ajv@8.20.0 ajv-formats@3.0.1"

key=$(printf %s "$descriptions" | cksum | cut -d' ' -f1)
folder="${TMPDIR:-/tmp}/steward-contract-$(id -u)-$key"
if [ ! -e "$folder/complete" ]; then
    mkdir -p "$folder"
    # shellcheck disable=SC2086 # one argument a package
    npm install --prefix "$folder" --no-save --no-audit --no-fund --loglevel=error $descriptions
    touch "$folder/complete"
fi

cd "$root"
cargo build --quiet --example fake_github
target="${CARGO_TARGET_DIR:-$root/target}"
exec node "$here/check.js" "$folder/node_modules" "$target/debug/examples/fake_github"
