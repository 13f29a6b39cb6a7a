#!/usr/bin/env bash
# White space and clang-format over our own files; --check only looks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

own_files() {
  find . \( -name build -o -name .git -o -name .cache \) -prune -o -type f "$@" -print0
}

if [ "${1:-}" = --check ]; then
  own_files \( -name '*.h' -o -name '*.cc' \) |
    xargs -0 -r -n 20 -P "$(nproc)" clang-format-14 --dry-run -Werror
else
  own_files \( -name '*.py' -o -name '*.sh' -o -name '*.cmake' -o -name 'CMakeLists.txt' \
    -o -name '*.proto' \) | xargs -0 -r sed -i 's/[[:blank:]]*$//'
  own_files \( -name '*.h' -o -name '*.cc' \) |
    xargs -0 -r -n 20 -P "$(nproc)" clang-format-14 -i
fi
