#!/bin/bash
# Installs what building komon needs and this machine lacks, and says so; with the word `tests` also what only the
# tests need. Runs again in no time: nothing is touched that is there already.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'setup: %s\n' "$@" >&2; exit 3; }
has() { command -v "$1" >/dev/null 2>&1; }

# --- compiler, libbpf, network tools -------------------------------------------------------------
missing=()
has clang || missing+=(clang)
has llvm-strip || missing+=(llvm)
[ -e /usr/include/bpf/bpf_helpers.h ] || missing+=(libbpf-dev)
{ PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null || true; } | grep -q 'libbpf\.so\.1 ' ||
  missing+=(libbpf1)
PATH=$PATH:/sbin:/usr/sbin has ip || missing+=(iproute2)
has ping || missing+=(iputils-ping)
if [ "${1:-}" = tests ]; then
  has chromium || has google-chrome || missing+=(chromium)
  has openssl || missing+=(openssl)
  has script || missing+=(bsdutils)
  has systemd-analyze || missing+=(systemd)
  PATH=$PATH:/sbin:/usr/sbin has tcpdump || missing+=(tcpdump)
fi

if [ ${#missing[@]} -gt 0 ]; then
  echo "setup: missing packages: ${missing[*]}" >&2
  has apt-get || fail "there is no apt-get here; install the counterparts of: ${missing[*]}"
  [ "$(id -u)" = 0 ] || fail "installing them needs root:" "  sudo apt-get install ${missing[*]}"
  echo "setup: apt-get install ${missing[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  { apt-get -q update && apt-get -q install -y --no-install-recommends "${missing[@]}"; } >&2 ||
    fail "apt-get could not install ${missing[*]}; see above"
fi

# --- npm packages --------------------------------------------------------------------------------
has node && has npm || fail "node and npm are needed: https://nodejs.org, or apt-get install npm"

up_to_date() {
  node -e '
    const want = require("./package-lock.json").packages;
    const have = require("./node_modules/.package-lock.json").packages;
    const stale = Object.keys(want).some(
      (key) => key && !want[key].optional && have[key]?.version !== want[key].version);
    process.exit(stale ? 1 : 0);
  ' 2>/dev/null
}
if ! up_to_date; then
  echo "setup: npm ci" >&2
  npm ci --no-audit --no-fund >&2 || fail "npm ci failed; see above"
fi

# Newer versions of npm hold back the script by which the package bun puts its binary in place.
bun=node_modules/.bin/bun
if ! "$bun" --version >/dev/null 2>&1; then
  echo "setup: putting Bun in place" >&2
  node node_modules/bun/install.js >&2 || true
  "$bun" --version >/dev/null || fail "$bun does not start; remove node_modules and try again"
fi
echo "setup: ready (Bun $("$bun" --version), $(clang --version | sed -n 1p))" >&2
