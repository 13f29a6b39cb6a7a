#!/usr/bin/env python3
"""Shows each rule of scripts/tidy.py failing on a bad sample and passing a good tree."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import layers  # noqa: E402
import tidy  # noqa: E402

HEADER = "// Says what it is.\n#pragma once\n\nnamespace tidemark::{0} {{\n{1}\n}}\n"
GOOD = {
    "base/README.md": "x\n",
    "monitor/README.md": "x\n",
    "base/leaf.h": HEADER.format("base", "inline int One() { return 1; }"),
    "monitor/reading.h": '// Says what it is.\n#pragma once\n#include "base/leaf.h"\n\n'
                         "namespace tidemark::monitor {\nclass LostDataHold;\n}\n",
    "monitor/reading.cc": '#include "monitor/reading.h"\n// TODO(#12): see "Manager" /tmp\n'
                          "const char* kText = \"class UtilManager {\";\nint big = 1'000'000;\n",
    "spu/README.md": "x\n",
    "spu/core/link.cc": '#include <chrono>\n#include "base/clock.h"\n'
                        '#include "daemon/loop/backoff.h"\n// SystemClock is the edge\'s\n',
    "tests/monitor/CMakeLists.txt": "tidemark_test(monitor_test)\n",
    "tests/monitor/reading_test.cc": '#include "monitor/reading.h"\n#include <uv.h>\n'
                                     'const char* kShell = "sleep 5; sleep(3)";\n'
                                     'TEST(A, B) { GTEST_SKIP() << "no loop device"; }\n',
}


def long_function(lines):
    return "int F() {\n" + "  Step();\n" * lines + "}\n"


# (rule, path of the bad file, its text)
BAD = [
    ("include-edge", "monitor/x.cc", '#include "storage/segment/segment.h"\n'),
    ("include-edge", "base/x.cc", '#include "tidemark/space/v1/space.pb.h"\n'),
    ("include-edge", "storage/codec/x.cc", '#include "storage/fs/file.h"\n'),
    ("include-edge", "spu/x.cc", '#include "sc/table.h"\n'),
    ("include-edge", "sc/x.cc", '#include "tests/support/await.h"\n'),
    ("include-edge", "sc/table/x.cc", '#include "monitor/reading.h"\n'),
    ("include-edge", "sc/core/x.cc", '#include "sc/store/sqlite_store.h"\n'),
    ("include-edge", "sc/core/x.cc", '#include "daemon/loop/event_loop.h"\n'),
    ("include-edge", "spu/core/x.cc", '#include "spu/volume/volume.h"\n'),
    ("include-edge", "spu/core/x.cc", '#include "storage/fs/file.h"\n'),
    ("include-edge", "daemon/control/x.cc", '#include "daemon/log.h"\n'),
    ("pure-core", "sc/core/x.cc", "#include <thread>\n"),
    ("pure-core", "spu/core/x.cc", "#include <filesystem>\n"),
    ("pure-core", "sc/core/x.h", HEADER.format("sc", "") + "#include <unistd.h>\n"),
    ("pure-core", "spu/core/x.cc", "#include <sys/statvfs.h>\n"),
    ("pure-core", "daemon/control/x.cc", "auto now = base::SystemClock().Now();\n"),
    ("pure-core", "sc/core/x.cc", "auto now = std::chrono::steady_clock::now();\n"),
    ("library-edge", "sc/core/x.cc", "#include <uv.h>\n"),
    ("library-edge", "spu/core/x.cc", "#include <uv.h>\n"),
    ("library-edge", "sc/core/x.cc", "#include <grpcpp/grpcpp.h>\n"),
    ("library-edge", "spu/core/x.cc", '#include "tidemark/sc/v1/control.grpc.pb.h"\n'),
    ("library-edge", "sc/core/x.cc", "#include <sqlite3.h>\n"),
    ("library-edge", "monitor/x.cc", "#include <grpcpp/grpcpp.h>\n"),
    ("library-edge", "cli/x.cc", "#include <uv.h>\n"),
    ("library-edge", "monitor/x.cc", '#include "tidemark/space/v1/volume_service.grpc.pb.h"\n'),
    ("library-edge", "spu/x.cc", "#include <sqlite3.h>\n"),
    ("library-edge", "spu/x.cc", '#include "absl/log/log.h"\n'),
    ("library-edge", "spu/x.cc", '#include "absl/synchronization/mutex.h"\n'),
    ("slow-header", "daemon/x.h", HEADER.format("daemon", "") + "#include <toml++/toml.h>\n"),
    ("file-length", "base/x.cc", "int x;\n" * 601),
    ("file-length", "tests/base/x.cc", "int x;\n" * 801),
    ("function-length", "base/x.cc", long_function(71)),
    ("function-length", "base/x.cc",
     "namespace a {\nclass B {\n" + long_function(71) + "};\n}\n"),
    ("function-length", "tests/base/x.cc",
     "TEST(A, B) {\n  auto f = [&] {\n" + "    Step();\n" * 71 + "  };\n}\n"),
    ("columns", "base/x.cc", "// " + "x" * 98 + "\n"),
    ("name", "base/string_util.h", HEADER.format("base", "")),
    ("name", "tests/support/test_helpers.cc", "int x;\n"),
    ("name", "base/x.cc", "class VolumeManager {};\n"),
    ("name", "base/x.cc", "struct VolumeInfo {};\n"),
    ("name", "base/x.cc", "enum class CommonState : int {};\n"),
    ("name", "base/x.cc", "class TM_TSA_(capability) LockHelper final {};\n"),
    ("header-head", "base/x.h", "// Purpose.\nnamespace tidemark::base {}\n"),
    ("header-head", "base/x.h", "#pragma once\nnamespace tidemark::base {}\n"),
    ("namespace", "storage/log/x.h", HEADER.format("log", "")),
    ("sleep", "tests/base/x.cc", "void F() { std::this_thread::sleep_for(kOneSecond); }\n"),
    ("sleep", "tests/base/x.cc", "void F() { ::usleep(5); }\n"),
    ("skip", "tests/base/x.cc", "void F() { GTEST_SKIP(); }\n"),
    ("skip", "tests/base/x.cc", "TEST(A, DISABLED_B) {}\n"),
    ("dangling-else", "tests/base/x.cc", "void F() {\n  if (a)\n    EXPECT_EQ(a, b);\n}\n"),
    ("todo", "base/x.cc", "// TODO: later\n"),
    ("todo", "scripts/x.sh", "# FIXME(me)\n"),
    ("machine-path", "base/x.cc", 'const char* kPath = "/wo' 'rk/x";\n'),
    ("machine-path", "docs/x.md", "see /root/notes\n"),
    ("machine-path", "base/x.cc", 'const char* kPath = "/tmp/x";\n'),
    ("whitespace", "base/x.cc", "int x; \n"),
    ("whitespace", "base/x.cc", "\tint x;\n"),
    ("whitespace", "base/x.cc", "int x;"),
    ("include-cycle", "base/leaf.h", GOOD["base/leaf.h"] + '#include "base/leaf.h"\n'),
    ("test-binary", "tests/spu/x_test.cc", "int x;\n"),
]
WARNED = [
    ("readme", "cli/x.cc", "int x;\n"),
    ("file-length", "base/x.cc", "int x;\n" * 401),
    ("link", "base/README.md", "see [the leaf](leaf.h), [that](../monitor/gone.md)\n"),
]


def check(files):
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            file = Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return tidy.check_tree(folder)


class TidyTest(unittest.TestCase):
    def test_good_tree_passes(self):
        self.assertEqual(check(GOOD), ([], []))

    def test_each_bad_sample_breaks_its_rule(self):
        for rule, path, text in BAD:
            with self.subTest(rule=rule, path=path, text=text[:60]):
                errors, _ = check(GOOD | {path: text})
                self.assertRegex("\n".join(errors), rf"(?m)^{path}:\d+: \[{rule}\] ")

    def test_each_warning_is_a_warning(self):
        for rule, path, text in WARNED:
            with self.subTest(rule=rule):
                errors, warnings = check(GOOD | {path: text})
                self.assertEqual(errors, [])
                self.assertIn(f"[{rule}]", "".join(warnings))

    def test_every_rule_has_a_bad_sample(self):
        rules = {name for name, _ in tidy.RULES} | {"include-cycle", "test-binary"}
        self.assertEqual(rules, {rule for rule, _, _ in BAD})

    def test_limits_are_not_off_by_one(self):
        for text in [long_function(70), "int x;\n" * 400, "// " + "x" * 97 + "\n"]:
            self.assertEqual(check(GOOD | {"base/x.cc": text}), ([], []))

    def test_cycle_over_two_files_is_found(self):
        errors, _ = check(GOOD | {
            "base/a.h": HEADER.format("base", "") + '#include "base/b.h"\n',
            "base/b.h": HEADER.format("base", "") + '#include "base/a.h"\n',
        })
        self.assertEqual(errors, ["base/b.h:1: [include-cycle] base/a.h → base/b.h → base/a.h"])

    def test_the_allowed_edges_have_no_cycle(self):
        order = []
        while len(order) < len(layers.ALLOWED):
            ready = [folder for folder, targets in layers.ALLOWED.items()
                     if folder not in order and targets <= set(order)]
            self.assertTrue(ready, f"a cycle among {set(layers.ALLOWED) - set(order)}")
            order += ready


if __name__ == "__main__":
    unittest.main()
