"""The house rules about who imports whom, read from the source itself."""

import ast
import re
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(p for part in ("core", "jobs", "pages") for p in (ROOT / part).rglob("*.py")) + [
    ROOT / "app.py",
    ROOT / "steward.py",
]

# Numbers in, numbers out: no files, no SQL, no clock, no environment.
PURE = (
    *(
        "entities",
        "errors",
        "windows",
        "schedule",
        "strict",
        "monitors",
        "consistency",
        "declaration",
        "catalogue",
    ),
    *("bins", "cells", "drift", "column_drift", "quality", "operations", "fairness", "estimates", "measures"),
    *("performance", "regression", "multiclass", "score_curves", "metric_rows", "charts", "reconstruction"),
    *("auto", "usual", "maturity", "verdicts", "fold", "reconcile", "alerts", "alert_text"),
    *(
        "permissions",
        "addresses",
        "records",
        "governed",
        "lifecycle",
        "gates",
        "approving",
        "reconciliation",
        "card",
    ),
    *("monitor_text", "monitor_form", "monitor_yaml", "suggestions"),
)
EDGE = ("settings", "steward_yaml", "logs", "engine", "store", "notify")
STORY = (
    "actions",
    "rehearsal",
    "monitoring",
    "views",
    "inspection",
    "demo",
    "documents",
    "survey",
    "publishing",
    "alerting",
)


def imported(path: Path) -> set[str]:
    """Return the modules a file imports, `from core import store` as core.store."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def imports_any(path: Path, *modules: str) -> list[str]:
    return sorted(n for n in imported(path) if any(n == m or n.startswith(f"{m}.") for m in modules))


def of(*parts: str) -> list[Path]:
    return [path for path in SOURCES if path.relative_to(ROOT).as_posix().startswith(parts)]


def shown(paths: dict[Path, list[str]]) -> dict[str, list[str]]:
    return {path.relative_to(ROOT).as_posix(): names for path, names in paths.items() if names}


def test_core_knows_neither_screen_nor_clockwork():
    assert (
        shown({p: imports_any(p, "streamlit", "apscheduler", "pages", "jobs", "app") for p in of("core/")})
        == {}
    )


def test_pure_modules_import_nothing_from_the_floors_above():
    above = [f"core.{name}" for name in (*EDGE, *STORY)]
    outside = ("os", "random", "secrets", "socket", "subprocess", "time", "duckdb", "sqlalchemy")
    pure = of(*(f"core/{name}.py" for name in PURE), *(f"core/{name}/" for name in PURE))
    assert len(pure) > 12
    assert shown({p: imports_any(p, *above, *outside) for p in pure if p.name != "__main__.py"}) == {}


def test_edge_modules_do_not_import_the_story():
    edge = of(*(f"core/{name}.py" for name in EDGE), *(f"core/{name}/" for name in EDGE))
    assert shown({p: imports_any(p, *(f"core.{name}" for name in STORY)) for p in edge}) == {}


def test_pure_modules_ask_no_clock():
    asked = {}
    for path in of(*(f"core/{name}.py" for name in PURE), *(f"core/{name}/" for name in PURE)):
        calls = (
            n.func for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)
        )
        asked[path] = [
            ast.unparse(f)
            for f in calls
            if ast.unparse(f) in ("datetime.now", "date.today", "datetime.utcnow")
        ]
    assert shown(asked) == {}


@pytest.mark.parametrize(
    ("module", "places"),
    [
        ("duckdb", ("core/store/", "core/engine/")),
        ("apscheduler", ("jobs/scheduler.py",)),
        ("streamlit", ("pages/", "app.py")),
        ("pickle", ()),
        ("apprise", ("core/notify/",)),
        ("argon2", ("core/identity.py",)),
        ("httpx", ("core/notify/",)),
    ],
)
def test_each_outside_tool_has_one_door(module, places):
    elsewhere = (
        [path for path in SOURCES if not path.relative_to(ROOT).as_posix().startswith(places)]
        if places
        else SOURCES
    )
    assert shown({path: imports_any(path, module) for path in elsewhere}) == {}


def test_outside_the_store_a_connection_is_passed_on_and_nothing_else():
    used = {}
    for path in SOURCES:
        if path not in of("core/store/"):
            text = path.read_text(encoding="utf-8")
            used[path] = sorted(set(re.findall(r"\bsa\.(\w+)", text)) - {"Connection"})
            used[path] += [name for name in imports_any(path, "sqlalchemy") if name != "sqlalchemy"]
    assert shown(used) == {}


def test_sql_is_written_in_the_store_and_the_engine_only():
    found = {}
    for path in SOURCES:
        if path in of("core/store/", "core/engine/"):
            continue
        texts = (
            n.value
            for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(n, ast.Constant)
        )
        found[path] = [
            t[:40] for t in texts if isinstance(t, str) and t.lstrip().startswith(("SELECT ", "INSERT INTO "))
        ]
    assert shown(found) == {}


def test_everything_may_go_wrong_only_at_the_boundary_of_an_item():
    caught = {}
    for path in of("core/", "pages/"):
        tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        caught[path] = [
            f"line {n.lineno}"
            for n in tree
            if isinstance(n, ast.ExceptHandler)
            and (n.type is None or ast.unparse(n.type) in ("Exception", "BaseException"))
        ]
    assert shown(caught) == {}


def test_our_top_level_packages_belong_to_us_alone():
    owners = packages_distributions()
    for name in ("app", "core", "jobs", "pages", "steward"):
        assert set(owners.get(name, ["model-steward"])) == {"model-steward"}
