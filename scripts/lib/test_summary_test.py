#!/usr/bin/env python3
"""Tests scripts/lib/test_summary.py: what must never be counted as passed."""
import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import test_summary  # noqa: E402

SKIP = '<skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>'
SKIP_OUTPUT = "a_test.cc:7: Skipped\nno loop device\n\n[  SKIPPED ] A.B (0 ms)"


def case(name, status, inside="", output=""):
    return (f'<testcase name="{name}" status="{status}">{inside}'
            f"<system-out>{output}</system-out></testcase>")


def summarize(cases, status=0, extra=()):
    with tempfile.TemporaryDirectory() as folder:
        junit = Path(folder) / "junit.xml"
        if cases is not None:
            junit.write_text(f"<testsuite>{''.join(cases)}</testsuite>", encoding="utf-8")
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = test_summary.main(["--tree", "asan", str(junit), str(status), *extra])
    return code, output.getvalue().splitlines()


class SummaryTest(unittest.TestCase):
    def test_counts_and_exits(self):
        passed = case("A.Ok", "run")
        table = [
            ("passed", [passed], 0, 0, "1 passed, 0 failed, 0 skipped"),
            ("nothing ran", [], 0, 1, "0 passed, 0 failed, 0 skipped"),
            ("failed", [passed, case("A.Bad", "fail", '<failure message=""/>')], 8, 1,
             "1 passed, 1 failed, 0 skipped"),
            ("skipped", [passed, case("A.B", "notrun", SKIP, SKIP_OUTPUT)], 0, 0,
             "1 passed, 0 failed, 1 skipped"),
            ("only skipped", [case("A.B", "notrun", SKIP, SKIP_OUTPUT)], 0, 1,
             "0 passed, 0 failed, 1 skipped"),
            ("died after its skip",
             [passed, case("A.B", "notrun", SKIP, SKIP_OUTPUT + "ERROR: LeakSanitizer: x")], 0, 1,
             "1 passed, 1 failed, 0 skipped"),
            ("no binary",
             [passed, case("A.B", "notrun", '<skipped message="Unable to find executable"/>')],
             8, 1, "1 passed, 1 failed, 0 skipped"),
            ("ctest broke", [passed], 1, 1, "1 passed, 1 failed, 0 skipped"),
            ("ctest died without a file", None, 139, 1, "0 passed, 1 failed, 0 skipped"),
        ]
        for name, cases, status, want_code, want_line in table:
            with self.subTest(name):
                code, lines = summarize(cases, status)
                self.assertEqual((code, lines[-1]), (want_code, want_line))

    def test_a_failed_step_is_a_failure(self):
        code, lines = summarize([case("A.Ok", "run")], 0, ["--failed-step", "build of preset tsan"])
        self.assertEqual(code, 1)
        self.assertIn("failed: build of preset tsan", lines)
        self.assertEqual(lines[-1], "1 passed, 1 failed, 0 skipped")

    def test_skips_show_their_reason_and_failures_their_output(self):
        _, lines = summarize([case("A.B", "notrun", SKIP, SKIP_OUTPUT),
                              case("A.C", "fail", "", "Expected: 1")], 8)
        self.assertIn("skipped asan: A.B: no loop device", lines)
        self.assertIn("    Expected: 1", lines)


if __name__ == "__main__":
    unittest.main()
