#!/bin/sh
# Holds how Steward renders expressions against nunjucks and against Backstage's renderer of today, nunjitsu, set up as
# Backstage does: the expressions listed in templates.txt, and those of the templates in a corpus where there is one
# (STEWARD_CORPUS, or shared/corpus beside the checkout). Needs node, npm and cargo.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
packages="nunjucks@3.2.4 nunjitsu@0.7.0 yaml@2.9.1"

key=$(printf %s "$packages" | cksum | cut -d' ' -f1)
folder="${TMPDIR:-/tmp}/steward-contract-$(id -u)-$key"
if [ ! -e "$folder/complete" ]; then
    mkdir -p "$folder"
    # shellcheck disable=SC2086 # one argument a package
    npm install --prefix "$folder" --no-save --no-audit --no-fund --loglevel=error $packages
    touch "$folder/complete"
fi

cd "$root"
cargo build --quiet --example render
target="${CARGO_TARGET_DIR:-$root/target}"
exec node "$here/templates.js" "$folder/node_modules" "$target/debug/examples/render" "${STEWARD_CORPUS:-$root/../shared/corpus}"
