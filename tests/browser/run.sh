#!/bin/sh
# Runs the browser test against a running demo: BASE_URL (default http://127.0.0.1:7007), pictures into SCREENSHOTS.
# Needs node, npm and Chromium (Debian: apt-get install chromium); CHROMIUM names another program.
set -eu
# Taken before the folder changes: a relative one is the caller's.
pictures=${SCREENSHOTS:-target/screenshots}
case $pictures in /*) ;; *) pictures=$PWD/$pictures ;; esac
cd "$(dirname "$0")"
for program in node npm "${CHROMIUM:-/usr/bin/chromium}"; do
  command -v "$program" >/dev/null || { echo "$program is missing: apt-get install nodejs npm chromium" >&2; exit 1; }
done
npm ci --silent --no-audit --no-fund
SCREENSHOTS=$pictures exec node playground.mjs
