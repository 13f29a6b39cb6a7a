"""Who may include whom, and which folder a file or an include belongs to. Enforced by tidy.py."""
import re

# folder → the folders it may include. `tests` may include everything, nothing includes tests.
STORAGE = {"storage/fs", "storage/codec", "storage/segment", "storage/log"}
ALLOWED = {
    "base": set(),
    "proto": set(),
    "storage/fs": {"base"},
    "storage/codec": {"base"},
    "storage/segment": {"base", "storage/fs", "storage/codec"},
    "storage/log": {"base", "storage/fs", "storage/codec", "storage/segment"},
    "monitor": {"base", "storage/fs"},
    "daemon/control": {"base", "proto"},
    "daemon": {"base", "proto", "daemon/control"},
    "spu/core": {"base", "proto", "monitor", "daemon/control"},
    "spu": {"base", "proto", "monitor", "daemon", "daemon/control", "spu/core"} | STORAGE,
    "sc/core": {"base", "proto", "daemon/control"},
    "sc": {"base", "proto", "daemon", "daemon/control", "sc/core"},
    "cli": {"base", "proto", "daemon", "daemon/control"} | STORAGE,
}
# What both sides of the link decide by: simulated and modelled, so without transport, clock, disk.
CORES = {"daemon/control", "spu/core", "sc/core"}
# Single headers of a folder that is not allowed as a whole: pure, and alone in being so there.
ALLOWED_HEADERS = {("spu/core", "daemon/loop/backoff.h")}
TESTS = "tests"
PRODUCT = set(ALLOWED) - {"proto"} - CORES

# Transport, threads, disk and clock as the system gives them. base/clock.h has the types of time as
# well, so there it is the name that counts.
CORE_HEADERS = re.compile(
    r"(thread|stop_token|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier"
    r"|filesystem|fstream|iostream|cstdio|stdio\.h|ctime|time\.h|unistd\.h|fcntl\.h|poll\.h"
    r"|pthread\.h|semaphore\.h|(sys|linux|netinet|arpa)/.*"
    r"|base/(mutex|errno_status)\.h)$")
CORE_WORDS = re.compile(
    r"\b(SystemClock|system_clock|steady_clock|high_resolution_clock|clock_gettime|gettimeofday)\b")

# Headers of libraries → folders that may include them. None: nobody.
LIBRARIES = [
    (re.compile(r"(grpcpp|grpc|grpc\+\+)/|.*\.grpc\.pb\.h$"), {"daemon", "spu", "sc", "cli"}),
    (re.compile(r"uv\.h$"), {"daemon", "spu", "sc"}),
    (re.compile(r"microhttpd\.h$"), {"daemon"}),
    (re.compile(r"sqlite3\.h$"), {"sc"}),
    (re.compile(r"isa-l"), {"base"}),
    (re.compile(r"absl/log/"), None),  # not in Debian 12's absl
    # Not instrumented, so TSan is blind to it: use base/mutex.h. The daemons' mains set its mode.
    (re.compile(r"absl/synchronization/"), {"daemon"}),
]
SLOW_HEADERS = re.compile(r"(toml\+\+/|CLI/|.*\.grpc\.pb\.h$)")  # only in .cc files: compile time
GENERATED = re.compile(r"(tidemark|grpc/health)/.*\.pb\.h$")


def folder_of(path):
    """Key of ALLOWED, `tests`, or None for files that are no code of ours."""
    parts = path.split("/")
    for depth in (2, 1):
        name = "/".join(parts[:depth])
        if len(parts) > depth and (name in ALLOWED or name == TESTS):
            return name
    return None


def folder_of_include(target):
    return "proto" if GENERATED.match(target) else folder_of(target)
