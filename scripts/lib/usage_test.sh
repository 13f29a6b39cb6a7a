#!/usr/bin/env bash
# Tests that the scripts for people tell what they are for, wherever they are called from, and that
# they stop there: none goes on to install, configure or build.
set -uo pipefail
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
stubs=$(mktemp -d)
trap 'rm -rf "$stubs"' EXIT
failures=0

# Whatever goes on fails, and leaves a trace.
for tool in bash sed dirname; do ln -s "$(command -v "$tool")" "$stubs/$tool"; done
for tool in apt-get dpkg-query cmake mkdir python3; do
  printf '#!/bin/bash\necho "went on: %s $*" >&2\nexit 1\n' "$tool" >"$stubs/$tool"
  chmod +x "$stubs/$tool"
done

# expect DIRECTORY WANTED_STATUS WANTED_TEXT COMMAND...
expect() {
  local directory=$1 wanted=$2 text=$3 output status
  shift 3
  output=$(cd "$directory" && PATH=$stubs "$@" 2>&1)
  status=$?
  if [ "$status" != "$wanted" ] || [[ "$output" != *"$text"* ]] || [[ "$output" == *"went on"* ]] ||
    [[ "$output" == *"sed: "* ]] || [[ "$output" == *"unbound"* ]]; then
    printf 'FAILED in %s: %s: status %s, output: %s\n' "$directory" "$*" "$status" "${output:0:200}"
    failures=$((failures + 1))
  fi
}

for name in quickstart test check fix soak; do
  for flag in --help -h; do
    expect "$scripts/.." 0 "  scripts/$name " "scripts/$name" "$flag"
    expect "$scripts" 0 "  scripts/$name " "./$name" "$flag"
    expect "$scripts" 0 "  scripts/$name " bash "$name" "$flag"
    expect / 0 "  scripts/$name " "$scripts/$name" "$flag"
  done
  expect "$scripts" 2 "--help" "./$name" --nonsense --nonsense
done
for directory in "$scripts/.." "$scripts" /; do
  expect "$directory" 2 "  scripts/soak " "$scripts/soak"
done
expect "$scripts" 2 "  scripts/soak " ./soak

[ "$failures" = 0 ] && echo "usage: all as wanted"
exit "$((failures > 0))"
