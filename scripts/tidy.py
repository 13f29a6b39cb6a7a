#!/usr/bin/env python3
"""The house rules that no compiler checks, as a failing test (run by ctest as `tidy`).

    scripts/tidy.py [--strict] [ROOT]

Prints `file:line: [rule] what is wrong`. Exit 1 if a rule is broken; warnings do not fail unless
--strict. Python's standard library only. scripts/tidy_test.py shows each rule failing.
"""
import argparse
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import layers  # noqa: E402

BANNED_ANYWHERE = {"Manager", "Util", "Utils", "Helper", "Helpers", "Common", "Misc"}
BANNED_LAST = {"Data", "Info", "Impl"}
DOMAIN_TERMS = {("Lost", "Data")}  # a hold is called so
COLUMNS = 100
FILE_LINES_WARN, FILE_LINES_FAIL = 400, 600
TEST_FILE_LINES_FAIL = 800  # tables may be long; what they test may not
FUNCTION_LINES = 70

SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__", "node_modules"}
CODE = {".h", ".cc"}
TEXT = CODE | {".proto", ".py", ".sh", ".cmake", ".txt", ".md", ".toml", ".yml", ".yaml", ".json"}
# These two quote what they forbid.
OWN_FILES = {"scripts/tidy.py", "scripts/tidy_test.py"}

TOKENS = re.compile(
    r"""(?P<keep>\b\d[\w.']*)                            # numbers, with their ' separators
      | R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"             # raw strings
      | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])+'        # strings, characters
      | //[^\n]* | /\*.*?\*/""",
    re.S | re.X)


def blank(text):
    """The text with comments and literals blanked; line breaks stay where they are."""
    def replace(match):
        if match.group("keep"):
            return match.group(0)
        return re.sub(r"[^\n]", " ", match.group(0))
    return TOKENS.sub(replace, text)


class File:
    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.suffix = path.suffix
        self.text = path.read_text(encoding="utf-8", errors="replace")
        self.lines = self.text.splitlines()
        self.bare = blank(self.text) if self.is_code else self.text
        self.bare_lines = self.bare.splitlines()

    @property
    def is_code(self):
        return self.suffix in CODE

    @property
    def folder(self):
        """As layers.folder_of()."""
        return layers.folder_of(self.path)

    def includes(self):
        """[(line number, target)] with both kinds of quotes."""
        found = []
        for number, line in enumerate(self.lines, 1):
            match = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
            if match:
                found.append((number, match.group(1)))
        return found


RULES = []


def rule(check):
    """Registers check(file) → iterable of (line number, message)."""
    RULES.append((check.__name__.replace("_", "-"), check))
    return check


@rule
def include_edge(file):
    if not file.is_code or file.folder is None or file.folder == layers.TESTS:
        return
    for number, target in file.includes():
        other = layers.folder_of_include(target)
        if other is None or other == file.folder or other in layers.ALLOWED[file.folder]:
            continue
        if (file.folder, target) in layers.ALLOWED_HEADERS:
            continue
        yield number, f"{file.folder}/ may not include {other}/ ('{target}')"


@rule
def pure_core(file):
    if not file.is_code or file.folder not in layers.CORES:
        return
    for number, target in file.includes():
        if layers.CORE_HEADERS.match(target):
            yield number, f"'{target}' in a protocol core: no transport, clock, thread or disk there"
    for number, line in enumerate(file.bare_lines, 1):
        if match := layers.CORE_WORDS.search(line):
            yield number, f"'{match.group(0)}' in a protocol core: time is an argument there"


@rule
def library_edge(file):
    if not file.is_code:
        return
    for number, target in file.includes():
        for pattern, folders in layers.LIBRARIES:
            if not pattern.match(target):
                continue
            if folders is None:
                yield number, f"'{target}' is banned everywhere"
            elif file.folder not in folders and file.folder != layers.TESTS:
                yield number, f"'{target}' belongs to {', '.join(sorted(folders))}"


@rule
def slow_header(file):
    if file.suffix != ".h":
        return
    for number, target in file.includes():
        if layers.SLOW_HEADERS.match(target):
            yield number, f"'{target}' costs seconds wherever it is included: only in .cc files"


@rule
def file_length(file):
    limit = TEST_FILE_LINES_FAIL if file.folder == layers.TESTS else FILE_LINES_FAIL
    if file.suffix in CODE | {".py", ".sh"} and len(file.lines) > limit:
        yield len(file.lines), f"{len(file.lines)} lines, at most {limit}: split it"


def functions(bare):
    """(first line, last line) of each outermost function body, found by its braces."""
    bare = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), bare,
                  flags=re.M)
    head, line, stack, inside = "", 1, [], None
    for character in bare:
        if character == "\n":
            line += 1
        if character == "{":
            is_type = re.search(r"\b(namespace|class|struct|enum|union)\b[^()]*$", head)
            is_body = ")" in head and not is_type and not re.search(r"[=,(]\s*$", head)
            stack.append(line if is_body and inside is None else None)
            if stack[-1] is not None:
                inside = len(stack)
            head = ""
        elif character == "}":
            if inside == len(stack) and stack:
                yield stack[-1], line
                inside = None
            if stack:
                stack.pop()
            head = ""
        elif character == ";":
            head = ""
        else:
            head += character


@rule
def function_length(file):
    if not file.is_code:
        return
    for first, last in functions(file.bare):
        if last - first - 1 > FUNCTION_LINES:
            yield first, f"function of {last - first - 1} lines, at most {FUNCTION_LINES}"


@rule
def columns(file):
    if file.suffix not in CODE | {".proto", ".py", ".sh", ".cmake"}:
        return
    for number, line in enumerate(file.lines, 1):
        if len(line) > COLUMNS:
            yield number, f"{len(line)} columns, at most {COLUMNS}"


def banned_word(name):
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    words = [word[:1].upper() + word[1:].lower() for word in words]
    for word in words:
        if word in BANNED_ANYWHERE:
            return word
    if not words or words[-1] not in BANNED_LAST or tuple(words[-2:]) in DOMAIN_TERMS:
        return None
    return words[-1]


@rule
def name(file):
    if not (file.is_code or file.suffix == ".proto"):
        return
    stem = re.sub(r"_test$", "", Path(file.path).stem)
    if banned_word(stem):
        yield 1, f"'{banned_word(stem)}' in a file name says nothing: name the thing"
    pattern = re.compile(r"\b(?:class|struct|union|enum(?:\s+class)?)\s+(?:\w+\(.*?\)\s*)?(\w+)")
    for number, line in enumerate(file.bare_lines, 1):
        for declared in pattern.findall(line):
            if file.is_code and banned_word(declared):
                yield number, f"'{declared}': '{banned_word(declared)}' says nothing: name the thing"


@rule
def header_head(file):
    if file.suffix != ".h":
        return
    if not file.text.startswith("//"):
        yield 1, "a header starts with a comment: its purpose, then Lifetime, Threading, Errors"
    if "#pragma once" not in file.lines:
        yield 1, "#pragma once is missing"


@rule
def namespace(file):
    if file.suffix != ".h" or file.folder is None or file.folder == layers.TESTS:
        return
    # A program that embeds the client library has nothing to do with the command line.
    is_client = file.path.startswith("cli/client/")
    wanted = "tidemark::" + ("client" if is_client else file.folder.split("/")[0])
    if "namespace " in file.bare and not re.search(rf"namespace {wanted}\b", file.bare):
        yield 1, f"path = namespace: want namespace {wanted}"


@rule
def sleep(file):
    if file.folder != layers.TESTS or not file.is_code:
        return
    for number, line in enumerate(file.bare_lines, 1):
        if re.search(r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(", line):
            yield number, "no sleeps in tests: wait for a condition with a deadline"


@rule
def skip(file):
    if file.folder != layers.TESTS or not file.is_code:
        return
    for number, line in enumerate(file.bare_lines, 1):
        if re.search(r"GTEST_SKIP\(\)\s*;", line):
            yield number, 'a skip names its reason: GTEST_SKIP() << "why"'
        if re.search(r"\bDISABLED_", line):
            yield number, "a disabled test is not seen by anybody: skip it with a reason"


@rule
def dangling_else(file):
    if file.folder != layers.TESTS or not file.is_code:
        return
    for match in re.finditer(r"^ *(?:else )?if \(.*\)\s+(?:EXPECT|ASSERT)_", file.bare, re.M):
        number = file.bare.count("\n", 0, match.start()) + 1
        yield number, "gtest's macros hold an if of their own: g++ wants braces here"


@rule
def todo(file):
    for number, line in enumerate(file.lines, 1):
        if re.search(r"\b(TODO|FIXME|HACK)\b(?!\(#\d+\))", line):
            yield number, "a TODO names an issue, TODO(#12), or does not exist"


@rule
def machine_path(file):
    for number, line in enumerate(file.lines, 1):
        if re.search(r"(?<![\w.])/(work|root|home)/\w", line):
            yield number, "a path of one machine"
        if file.is_code and file.folder != layers.TESTS and re.search(r'"/tmp\b', line):
            yield number, "a temporary path in the product: it comes from the configuration"


@rule
def whitespace(file):
    for number, line in enumerate(file.lines, 1):
        if line != line.rstrip() and file.suffix != ".md":
            yield number, "white space at the end of the line"
        if "\t" in line:
            yield number, "a tab"
    if file.text and not file.text.endswith("\n"):
        yield len(file.lines), "no line break at the end of the file"


def include_cycles(files):
    """(path, cycle as text) for each file-level include cycle."""
    known = {file.path: [target for _, target in file.includes()] for file in files if file.is_code}
    state, cycles = {}, []

    def visit(path, trail):
        state[path] = "open"
        for target in known[path]:
            if target not in known:
                continue
            if state.get(target) == "open":
                loop = trail[trail.index(target):] + [target]
                cycles.append((path, " → ".join(loop)))
            elif target not in state:
                visit(target, trail + [target])
        state[path] = "done"

    for path in sorted(known):
        if path not in state:
            visit(path, [path])
    return cycles


def tests_without_binary(files):
    """Test sources in a folder whose CMakeLists.txt builds no test."""
    cmake = {os.path.dirname(file.path): file.text for file in files
             if os.path.basename(file.path) == "CMakeLists.txt"}
    for file in files:
        if file.path.endswith("_test.cc"):
            if "tidemark_test(" not in cmake.get(os.path.dirname(file.path), ""):
                yield file.path


def folders_without_readme(files):
    paths = {file.path for file in files}
    folders = {file.folder for file in files if file.is_code and file.folder in layers.PRODUCT}
    folders |= {folder.split("/")[0] for folder in folders}
    for folder in sorted(folders):
        if f"{folder}/README.md" not in paths:
            yield folder


def broken_links(root, files):
    """(path, line, target) of each link in a document to a file that is not there."""
    for file in files:
        if file.suffix != ".md":
            continue
        for number, line in enumerate(file.lines, 1):
            for target in re.findall(r"\]\(([^)#:\s]+)[^):]*\)", line):
                if not (Path(root) / os.path.dirname(file.path) / target).exists():
                    yield file.path, number, target


def read_files(root):
    files = []
    for folder, names, file_names in os.walk(root):
        names[:] = sorted(name for name in names if name not in SKIPPED_FOLDERS)
        for file_name in sorted(file_names):
            path = Path(folder) / file_name
            if path.suffix in TEXT and not path.is_symlink():
                files.append(File(root, path))
    return files


def check_tree(root):
    """(errors, warnings) as sorted lists of lines."""
    files = read_files(Path(root))
    errors, warnings = [], []
    for file in files:
        if file.path in OWN_FILES:
            continue
        for rule_name, check in RULES:
            for number, message in check(file):
                errors.append(f"{file.path}:{number}: [{rule_name}] {message}")
        product = file.is_code and file.folder != layers.TESTS
        if product and FILE_LINES_WARN < len(file.lines) <= FILE_LINES_FAIL:
            warnings.append(f"{file.path}:1: [file-length] {len(file.lines)} lines, better at most "
                            f"{FILE_LINES_WARN}")
    for path, loop in include_cycles(files):
        errors.append(f"{path}:1: [include-cycle] {loop}")
    for path in tests_without_binary(files):
        errors.append(f"{path}:1: [test-binary] no tidemark_test in this folder's CMakeLists.txt")
    for path, number, target in broken_links(root, files):
        warnings.append(f"{path}:{number}: [link] '{target}' does not exist")
    for folder in folders_without_readme(files):
        warnings.append(f"{folder}/README.md:1: [readme] missing: what lives here, picture, "
                        "invariants, decisions")
    return sorted(errors), sorted(warnings)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strict", action="store_true", help="warnings fail too")
    parser.add_argument("root", nargs="?", default=Path(__file__).resolve().parent.parent)
    options = parser.parse_args(arguments)
    errors, warnings = check_tree(options.root)
    for line in warnings:
        print(f"{line} (warning)")
    for line in errors:
        print(line)
    print(f"tidy: {len(errors)} errors, {len(warnings)} warnings")
    return 1 if errors or (options.strict and warnings) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
