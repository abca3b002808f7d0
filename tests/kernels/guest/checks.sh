#!/bin/sh
# Runs every script of /t/checks in an empty directory of its own and prints one line of JSON for
# each: exit code, output and files (base64), and what it left on the system. The file NAME.seconds
# beside NAME.sh is the time it has.

# What a program could leave behind, one thing a line.
state() {
  ip -o link show | sed 's/^[0-9]*: \([^:@]*\).*/link \1/'
  tc qdisc show | sed 's/^/qdisc /'
  find /run/netns /sys/fs/bpf /dev/shm /tmp -mindepth 1 -path '/tmp/checks*' -prune -o -print 2>/dev/null
  grep -s . /proc/sys/net/core/* /proc/sys/net/ipv[46]/conf/all/* /proc/sys/net/ipv4/ip_* /proc/sys/kernel/*bpf*
  # A kernel thread has no program, and comes and goes as it likes.
  find /proc/[0-9]*/exe -printf 'process %l\n' 2>/dev/null | grep / | grep -v -e busybox -e dash -e find
}

now_ms() { sed 's/\([0-9]*\)\.\([0-9]*\) .*/\1\20/' /proc/uptime; }

encoded() { base64 -w 0 "$1"; }

mkdir -p /tmp/checks
state | sort >/tmp/checks/before
for script in /t/checks/*.sh; do
  name=$(basename "$script" .sh)
  mkdir "/tmp/checks/$name" && cd "/tmp/checks/$name" || exit
  begun=$(now_ms)
  timeout -s KILL "$(cat "${script%.sh}.seconds")" sh "$script" >/tmp/checks/stdout 2>/tmp/checks/stderr </dev/null
  exit=$?
  ms=$(($(now_ms) - begun))
  # The kernel frees namespaces and the devices in them some time after their last user is gone.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    state | sort >/tmp/checks/after
    diff /tmp/checks/before /tmp/checks/after | grep '^[-+][^-+]' >/tmp/checks/left || break
    sleep 0.5
  done
  printf '{"check":"%s","exit":%d,"ms":%d,"stdout":"%s","stderr":"%s","left":"%s","files":{' \
    "$name" "$exit" "$ms" \
    "$(encoded /tmp/checks/stdout)" "$(encoded /tmp/checks/stderr)" "$(encoded /tmp/checks/left)"
  comma=
  for file in $(find . -type f -size -256k | sort); do
    printf '%s"%s":"%s"' "$comma" "${file#./}" "$(encoded "$file")"
    comma=,
  done
  printf '}}\n'
  cd /tmp && rm -r "/tmp/checks/$name"
  # What one check leaves is not the next one's.
  mv /tmp/checks/after /tmp/checks/before
done
