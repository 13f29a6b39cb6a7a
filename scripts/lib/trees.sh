# Building a preset's tree and running its tests; shared by scripts/test and scripts/check.
#
# Sourced after `root` is set and the current directory is the repository. Results are collected
# for scripts/lib/test_summary.py, so that one failure does not hide the others.

summary_arguments=()

heading() { printf '\n== %s  [%s since start]\n' "$*" "$((SECONDS / 60))m$((SECONDS % 60))s"; }

# A step that is no ctest run counts as one test.
passed_step() { summary_arguments+=(--passed-step "$1"); }
failed_step() {
  summary_arguments+=(--failed-step "$1")
  printf '!! failed: %s\n' "$1" >&2
}

# build_tree PRESET [TARGET...]
build_tree() {
  local preset=$1
  shift
  heading "configure and build: $preset"
  local targets=()
  [ $# -eq 0 ] || targets=(--target "$@")
  if ! cmake --preset "$preset" </dev/null ||
    ! cmake --build --preset "$preset" "${targets[@]}" </dev/null; then
    failed_step "build of preset $preset"
    return 1
  fi
}

# Sanitizers of clang 14 do not start where the kernel randomises more than 28 bits of addresses.
without_address_randomisation() {
  if [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)" -gt 28 ] &&
    setarch "$(uname -m)" -R true 2>/dev/null; then
    setarch "$(uname -m)" -R "$@"
  else
    "$@"
  fi
}

# test_tree PRESET [CTEST ARGUMENT...]
test_tree() {
  local preset=$1 status=0
  shift
  heading "tests: $preset"
  rm -f "build/$preset/junit.xml"
  # Short stacks of allocations and a small quarantine: a tenth of all the time.
  local asan=detect_stack_use_after_return=1:strict_string_checks=1
  asan+=:malloc_context_size=8:quarantine_size_mb=32
  ASAN_OPTIONS="$asan:${ASAN_OPTIONS:-}" \
  UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}" \
  TSAN_OPTIONS="second_deadlock_stack=1:${TSAN_OPTIONS:-}" \
  PATH="$PATH:/usr/lib/llvm-14/bin" \
    without_address_randomisation ctest --test-dir "build/$preset" -j "$(($(nproc) + 1))" \
    --output-on-failure --no-tests=ignore --test-output-size-passed 8192 \
    --test-output-size-failed 262144 --output-junit junit.xml "$@" </dev/null || status=$?
  summary_arguments+=(--tree "$preset" "build/$preset/junit.xml" "$status")
}

build_and_test() {
  local preset=$1
  shift
  if build_tree "$preset"; then test_tree "$preset" "$@"; fi
}

# Prints failures and skips; the last line is "N passed, M failed, K skipped". Exit 0 if M=0, N>0.
summarize() {
  heading "summary"
  python3 scripts/lib/test_summary.py "${summary_arguments[@]}"
}
