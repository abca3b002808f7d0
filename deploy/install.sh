#!/bin/sh
# Installs what `npm run build` made. PREFIX (default /usr/local) and DESTDIR as usual:
#   sudo deploy/install.sh            DESTDIR=/tmp/package PREFIX=/usr deploy/install.sh
#   sudo deploy/install.sh uninstall
set -eu
cd "$(dirname "$0")/.."

PREFIX=${PREFIX:-/usr/local}
DESTDIR=${DESTDIR:-}
bin=$PREFIX/bin
units=$PREFIX/lib/systemd/system
users=$PREFIX/lib/sysusers.d
etc=/etc/komon
share=$PREFIX/share
case $PREFIX in /usr) units=/lib/systemd/system ;; esac

files="$bin/komon
$units/komon.service
$users/komon.conf
$share/bash-completion/completions/komon
$share/zsh/site-functions/_komon
$share/fish/vendor_completions.d/komon.fish
$share/doc/komon/LICENSE"

if [ "${1:-}" = uninstall ]; then
  for file in $files; do rm -f "$DESTDIR$file"; done
  rmdir "$DESTDIR$share/doc/komon" 2>/dev/null || true
  echo "removed; $etc stays"
  exit 0
fi
[ $# -eq 0 ] || { echo "usage: [PREFIX=…] [DESTDIR=…] $0 [uninstall]" >&2; exit 2; }
[ -x dist/komon ] || { echo "install: dist/komon is missing; run npm run build" >&2; exit 3; }

put() { install -D -m "$1" "$2" "$DESTDIR$3"; }
# Run away from here: a binary must not depend on where it was built.
complete() { mkdir -p "$DESTDIR$(dirname "$2")"; (cd / && "$binary" complete "$1") >"$DESTDIR$2"; chmod 644 "$DESTDIR$2"; }
binary=$PWD/dist/komon

put 755 dist/komon "$bin/komon"
unit=$(mktemp)
trap 'rm -f "$unit"' EXIT
sed "s|@BINDIR@|$bin|" deploy/systemd/komon.service >"$unit"
put 644 "$unit" "$units/komon.service"
put 644 deploy/systemd/komon.sysusers "$users/komon.conf"
put 644 LICENSE "$share/doc/komon/LICENSE"
[ -e "$DESTDIR$etc/komon.yaml" ] || put 644 deploy/komon.yaml "$etc/komon.yaml"
complete bash "$share/bash-completion/completions/komon"
complete zsh "$share/zsh/site-functions/_komon"
complete fish "$share/fish/vendor_completions.d/komon.fish"

if [ -z "$DESTDIR" ] && [ -d /run/systemd/system ]; then
  systemd-sysusers "$users/komon.conf"
  systemctl daemon-reload
fi
echo "installed $DESTDIR$bin/komon; to export at every start: systemctl enable --now komon"
