#!/usr/bin/env bash
# Tests scripts/lib/packages.sh with stand-ins for dpkg-query, apt-get, id and sudo.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
stubs=$(mktemp -d)
trap 'rm -rf "$stubs"' EXIT
failures=0

stub() { # stub NAME BODY
  printf '#!/bin/bash\n%s\n' "$2" >"$stubs/$1"
  chmod +x "$stubs/$1"
}

# Everything is installed except what $1 names; $2 is the uid; $3 what apt-get install returns.
machine() {
  stub dpkg-query 'for p in "${@:4}"; do
    case " '"$1"' " in *" $p "*) ;; *) echo "$p installed" ;; esac; done'
  stub id "echo $2"
  stub apt-get "echo \"apt-get \$*\" >>$stubs/calls; case \"\$*\" in *install*) exit $3 ;; esac"
  rm -f "$stubs/sudo" "$stubs/calls"
  touch "$stubs/calls"
  for tool in bash sed grep env rm; do ln -sf "$(command -v "$tool")" "$stubs/$tool"; done
}

# expect NAME WANTED_STATUS WANTED_TEXT_IN_OUTPUT WANTED_TEXT_IN_CALLS
expect() {
  local output status calls
  output=$(PATH=$stubs bash -c "source '$here/packages.sh'; install_missing build test" 2>&1)
  status=$?
  calls=$(cat "$stubs/calls")
  if [ "$status" != "$2" ] || [[ "$output" != *"$3"* ]] || [[ "$calls" != *"$4"* ]]; then
    printf 'FAILED %s: status %s, output: %s\ncalls: %s\n' "$1" "$status" "$output" "$calls"
    failures=$((failures + 1))
  fi
}

machine "" 0 1
expect "everything is there" 0 "" ""
[ ! -s "$stubs/calls" ] || { echo "FAILED: apt-get was called with nothing missing" && failures=1; }

machine "cmake clang-14" 0 0
expect "two are missing" 0 "installing 2 packages: cmake clang-14" \
  "install -y --no-install-recommends cmake clang-14"

machine "cmake" 0 100
expect "apt-get fails" 69 "could not be installed: cmake" ""

machine "cmake" 1000 0
expect "no root and no sudo" 69 "As root: apt-get install cmake" ""

machine "cmake" 1000 0
stub sudo "echo sudo >>$stubs/calls; exec \"\$@\""
expect "no root but sudo" 0 "installing 1 packages: cmake" "sudo"

machine "" 0 0
rm "$stubs/dpkg-query"
expect "no dpkg" 69 "Debian 12" ""

[ "$failures" -eq 0 ] && echo "packages_test: 6 cases passed"
exit "$((failures > 0))"
