"""Limits that keep the code readable, and things that must never be committed."""

import ast
import re
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(p for part in ("core", "jobs", "pages") for p in (ROOT / part).rglob("*.py")) + [
    ROOT / "app.py",
    ROOT / "steward.py",
]
WRITTEN = [
    *SOURCES,
    *(p for part in ("tests", "benchmarks", "docs", ".ci") for p in (ROOT / part).rglob("*") if p.is_file()),
    *(p for p in (ROOT / "core").rglob("*") if p.suffix in (".yaml", ".css", ".md", ".mako")),
    *(
        ROOT / n
        for n in (
            "README.md",
            "CHANGELOG.md",
            "Makefile",
            "pyproject.toml",
            "requirements.lock",
            ".gitignore",
        )
    ),
]
TEXTS = (".py", ".md", ".yaml", ".toml", ".lock", ".css", ".sh", "")
BANNED = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
LONGEST_FILE, LONGEST_FUNCTION, MEDIAN_FILE = 500, 60, 150


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return a function's lines without its docstring."""
    docstring = ast.get_docstring(function, clean=False)
    return (
        (function.end_lineno or 0) - function.lineno + 1 - (len(docstring.splitlines()) if docstring else 0)
    )


def test_files_stay_short():
    assert {p.name: n for p in SOURCES if (n := lines(p)) > LONGEST_FILE} == {}
    assert median(lines(path) for path in SOURCES if path.name != "__init__.py") <= MEDIAN_FILE


def test_functions_stay_short():
    long = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and length(node) > LONGEST_FUNCTION:
                long[f"{path.name}:{node.name}"] = length(node)
    assert long == {}


def test_files_are_named_by_what_they_are_about():
    assert [path for path in SOURCES if path.stem.strip("_") in BANNED or path.parent.name in BANNED] == []


def test_every_file_says_what_it_is_about():
    assert [
        p
        for p in SOURCES
        if p.stat().st_size and not ast.get_docstring(ast.parse(p.read_text(encoding="utf-8")))
    ] == []


def test_nothing_is_left_for_later():
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
    assert [path for path in SOURCES if marks.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a folder of one machine", r"(?<![\w.])/(?:wo" + r"rk|ro" + r"ot|home/\w+|Users/\w+)/"),
        (
            "the address of a package index",
            r"(?:--(?:extra-)?index-url|https?://[^\s]*/sim" + r"ple\b|files\.pythonhosted)",
        ),
        ("a private key", r"-----BEGIN [A-Z ]*PRIVATE" + r" KEY-----"),
    ],
)
def test_the_repository_holds_nothing_of_one_machine(what, pattern):
    found = re.compile(pattern)
    written = [
        path for path in WRITTEN if path.exists() and path.suffix in TEXTS and "__pycache__" not in path.parts
    ]
    assert len(written) > 50
    held = [
        p.relative_to(ROOT).as_posix()
        for p in written
        if found.search(p.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert held == [], f"these files hold {what}"
