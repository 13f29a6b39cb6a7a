# The Debian 12 packages Tidemark needs, by name, in groups: build, story, test, model, check.
#
# Sourced by the scripts. Needs bash and dpkg only: a bare system has no python3, sudo or curl.
# Nothing is asked of the network when all packages are there.

packages_of() {
  case "$1" in
    build) # compile and link the product
      echo g++ cmake ninja-build ccache pkg-config git \
        libuv1-dev libgrpc++-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev \
        grpc-proto libabsl-dev libcli11-dev libtomlplusplus-dev libspdlog-dev libmicrohttpd-dev \
        prometheus-cpp-dev libsqlite3-dev libisal-dev python3 e2fsprogs util-linux mount procps
      ;;
    story) # its driver waits and watches with the tests' tools
      echo libgtest-dev libgmock-dev
      ;;
    test) # llvm-14 symbolizes for the sanitizers; xfs and btrfs are disks under test; jemalloc
      # carries the simulation, which allocates little and often
      echo clang-14 libclang-rt-14-dev llvm-14 libgtest-dev libgmock-dev xfsprogs btrfs-progs \
        libjemalloc-dev
      ;;
    model) # the checker of tests/model, and the compiler of what it generates
      echo spin gcc
      ;;
    check)
      echo clang-tidy-14 clang-format-14
      ;;
    *)
      echo "packages_of: no group '$1'" >&2
      return 64
      ;;
  esac
}

# Those of the named packages that are not installed.
missing_packages() {
  local installed
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
    sed -n 's/ installed$//p' || true)
  local package
  for package in "$@"; do
    grep -qxF -- "$package" <<<"$installed" || echo "$package"
  done
}

# install_missing GROUP...   Exit 69 with one message if that cannot be done.
install_missing() {
  local group wanted=() group_packages missing
  if ! command -v dpkg-query >/dev/null; then
    echo "tidemark: this needs Debian 12 packages, and here is no dpkg. Groups: $*; the names are" \
      "in scripts/lib/packages.sh" >&2
    exit 69
  fi
  for group in "$@"; do
    read -r -a group_packages <<<"$(packages_of "$group")"
    wanted+=("${group_packages[@]}")
  done
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  [ "${#missing[@]}" -gt 0 ] || return 0

  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "tidemark: cannot install as uid $(id -u) without sudo. As root:" \
        "apt-get install ${missing[*]}" >&2
      exit 69
    fi
    as_root=(sudo)
  fi
  echo "tidemark: installing ${#missing[@]} packages: ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
    apt-get -q -o DPkg::Lock::Timeout=600)
  "${apt[@]}" update </dev/null || echo "tidemark: the package lists could not be renewed" >&2
  if ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null; then
    echo "tidemark: these Debian 12 packages are missing and could not be installed:" \
      "${missing[*]}" >&2
    exit 69
  fi
}
