#!/usr/bin/env python3
"""Runs clang-tidy-14 over our own .cc files of a build tree, in parallel, remembering what passed.

    scripts/lib/clang_tidy.py [--fix] BUILD_TREE

A file is checked again when it, a header of ours it reaches, its compile command or .clang-tidy
changed. The memory is BUILD_TREE/clang-tidy-passed/. The first run takes 10 s of a core per file.
"""
import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.M)


@functools.lru_cache(maxsize=None)
def content_and_includes(path):
    content = path.read_bytes()
    return content, [match.decode() for match in INCLUDE.findall(content)]


def reached(path, generated):
    """The file and all headers it reaches inside the repository or the generated folder."""
    seen, open_paths = set(), [path]
    while open_paths:
        current = open_paths.pop()
        if current in seen:
            continue
        seen.add(current)
        for target in content_and_includes(current)[1]:
            for base in (ROOT, generated):
                if (base / target).is_file():
                    open_paths.append(base / target)
                    break
    return sorted(seen)


def fingerprint(path, command, generated):
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + command.encode())
    for file in reached(path, generated):
        digest.update(str(file).encode() + content_and_includes(file)[0])
    return digest.hexdigest()


def check(path, tree, fix):
    command = ["clang-tidy-14", "--quiet", "-p", str(tree), str(path)] + (["--fix"] if fix else [])
    if ROOT / "tests" in path.parents:
        command.append("--checks=-clang-analyzer-*")  # half of the time; the product gets it
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return result.returncode == 0, result.stdout


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fix", action="store_true")
    parser.add_argument("tree", type=Path)
    options = parser.parse_args(arguments)
    tree = options.tree.resolve()
    memory = tree / "clang-tidy-passed"
    memory.mkdir(exist_ok=True)

    todo = []
    for entry in json.loads((tree / "compile_commands.json").read_text(encoding="utf-8")):
        path = Path(entry["directory"], entry["file"]).resolve()
        if tree in path.parents or ROOT not in path.parents:
            continue  # generated
        mark = memory / fingerprint(path, entry["command"], tree / "proto" / "generated")
        if not mark.exists():
            todo.append((path, mark))
    print(f"clang-tidy: {len(todo)} files to check", flush=True)

    failed = 0
    workers = 1 if options.fix else os.cpu_count()  # fixes of one header must not meet
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        runs = {pool.submit(check, path, tree, options.fix): (path, mark) for path, mark in todo}
        for done, run in enumerate(concurrent.futures.as_completed(runs), 1):
            path, mark = runs[run]
            passed, output = run.result()
            print(f"[{done}/{len(todo)}] {path.relative_to(ROOT)}{'' if passed else ': FAILED'}",
                  flush=True)
            if passed:
                mark.touch()
            else:
                failed += 1
                print(output, flush=True)
    print(f"clang-tidy: {failed} files failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
