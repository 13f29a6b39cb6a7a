#!/usr/bin/env python3
"""Adds up the JUnit files of several ctest runs.

Prints failures with the end of their output, skipped tests with their reasons, and as its last line
`N passed, M failed, K skipped`. Exit 0 only if nothing failed and something passed.
"""
import argparse
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

OUTPUT_LINES = 60
# What ctest writes into the `skipped` element of a test that ran and skipped itself. Any other
# reason for not having run (no binary, failed fixture) is a failure.
SELF_SKIPPED = ("SKIP_REGULAR_EXPRESSION_MATCHED", "SKIP_RETURN_CODE")
# ctest believes the skip mark even if the process died afterwards.
DIED = re.compile(r"\[  FAILED  \]|ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:")
GTEST_REASON = re.compile(r": Skipped\n(.*?)\n*\[  SKIPPED \]", re.S)


def skip_reason(output):
    match = GTEST_REASON.search(output)
    if match:
        return " ".join(match.group(1).split()) or "no reason given"
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no reason given"


def verdict(case):
    """(passed | failed | skipped, output or reason) of one testcase element."""
    output = case.findtext("system-out") or ""
    status = case.get("status")
    if status == "run":
        return "passed", ""
    if status == "disabled":
        return "skipped", "disabled"
    skipped = case.find("skipped")
    message = skipped.get("message", "") if skipped is not None else ""
    if message in SELF_SKIPPED and not DIED.search(output):
        return "skipped", skip_reason(output)
    failure = case.find("failure")
    if not output:
        why = failure.get("message", "") if failure is not None else ""
        output = message or why or "no output"
    return "failed", output


def read_tree(name, junit, ctest_status):
    """[(test name, verdict, text)] of a ctest run; what ctest itself could not do is a failure."""
    results = []
    if Path(junit).exists():
        for case in ElementTree.parse(junit).getroot().iter("testcase"):
            results.append((f"{name}: {case.get('name')}", *verdict(case)))
    if ctest_status != 0 and not any(kind == "failed" for _, kind, _ in results):
        results.append((f"{name}: ctest", "failed", f"ctest exited with {ctest_status}"))
    return results


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", nargs=3, action="append", default=[],
                        metavar=("NAME", "JUNIT", "STATUS"))
    parser.add_argument("--passed-step", action="append", default=[])
    parser.add_argument("--failed-step", action="append", default=[])
    options = parser.parse_args(arguments)

    results = [(step, "passed", "") for step in options.passed_step]
    results += [(step, "failed", "see above") for step in options.failed_step]
    for name, junit, status in options.tree:
        results += read_tree(name, junit, int(status))

    for name, kind, text in results:
        if kind == "failed":
            print(f"FAILED  {name}")
            for line in text.rstrip().splitlines()[-OUTPUT_LINES:]:
                print(f"    {line}")
    for name, kind, text in results:
        if kind == "skipped":
            print(f"skipped {name}: {text}")
    count = {kind: sum(1 for _, k, _ in results if k == kind)
             for kind in ("passed", "failed", "skipped")}
    for name, kind, _ in results:
        if kind == "failed":
            print(f"failed: {name}")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped",
          flush=True)
    return 0 if count["failed"] == 0 and count["passed"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
