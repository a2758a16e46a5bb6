#!/usr/bin/env bash
# Holds .sqlx, the committed description of every checked query, against the migrations and the sources: starts a
# throw-away PostgreSQL, migrates it, has the compiler ask it about each query, and compares.
# `tests/contract/sqlx.sh --write` refreshes .sqlx. Needs PostgreSQL's server binaries and cargo; works as root too.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
mode=${1:-}
case $mode in '' | --write) ;; *) echo "usage: $0 [--write]" >&2; exit 2 ;; esac

# The server of the PATH, else the newest of Debian's or Homebrew's folders.
bin=
on_path=$(command -v initdb || true)
for folder in /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin \
    "$(dirname "$(readlink -f "${on_path:-/nowhere/initdb}")")"; do
    # Within one place the names sort, so the last is the newest; what the PATH leads to comes before all.
    if [ -x "$folder/initdb" ] && [ -x "$folder/psql" ]; then bin=$folder; fi
done
if [ -z "$bin" ]; then
    echo "no PostgreSQL server was found: sudo apt-get install -y postgresql (macOS: brew install postgresql@17)" >&2
    exit 1
fi

# Short, because a socket's path may have 100 bytes; open to the server's account, because PostgreSQL refuses root.
work=$(mktemp -d /tmp/steward-sqlx.XXXXXX)
as() { "$@"; }
if [ "$(id -u)" = 0 ]; then
    account=postgres
    id "$account" >/dev/null 2>&1 || account=nobody
    chown "$account" "$work"
    as() { setpriv --reuid="$account" --regid="$(id -g "$account")" --clear-groups env HOME="$work" "$@"; }
fi
# shellcheck disable=SC2317 # called by the trap
finish() {
    (cd / && as "$bin/pg_ctl" -D "$work/data" -m immediate -w stop >/dev/null 2>&1) || true
    rm -rf "$work"
}
trap finish EXIT

cd /
as "$bin/initdb" -D "$work/data" --username=steward --auth=trust --encoding=UTF8 --locale=C --no-sync >/dev/null
options="-c listen_addresses='' -c unix_socket_directories='$work' -c unix_socket_permissions=0777 -c fsync=off"
as "$bin/pg_ctl" -D "$work/data" -l "$work/log" -o "$options" -w start >/dev/null || { cat "$work/log" >&2; exit 1; }
for migration in "$root"/migrations/*.sql; do
    "$bin/psql" --host="$work" --username=steward --dbname=postgres --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
        --single-transaction --file="$migration"
done

cd "$root"
asked="$work/asked"
mkdir -p "$asked" && chmod 0700 "$asked"
# The macros run only where the compiler does; an example is asked for as well because that brings the tests' features,
# with which the dependencies are already checked.
touch src/lib.rs
host=${work//\//%2F}
if ! SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$asked" DATABASE_URL="postgres://steward@localhost/postgres?host=$host" \
    cargo check --quiet --lib --example fake_github; then
    echo "a query does not fit the migrations; see above" >&2
    exit 1
fi
# What stands in src without having been asked about, the next build must not take for checked.
touch src/lib.rs

count=$(find "$asked" -name 'query-*.json' | wc -l)
if [ "$count" -eq 0 ]; then
    echo "the compiler asked about no query at all: this check is broken" >&2
    exit 1
fi
if [ "$mode" = --write ]; then
    rm -f .sqlx/query-*.json
    mkdir -p .sqlx
    cp "$asked"/query-*.json .sqlx/
    echo "wrote $((count)) queries to .sqlx"
elif diff --recursive --unified --new-file .sqlx "$asked"; then
    echo "$((count)) queries, all described in .sqlx as PostgreSQL $("$bin/postgres" --version | awk '{ print $3 }') describes them"
else
    echo ".sqlx is not what the sources and migrations say (- committed, + now); refresh it: tests/contract/sqlx.sh --write" >&2
    exit 1
fi
