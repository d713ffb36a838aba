"""Whoever adds a command, a page or a setting adds the line that documents it."""

import argparse
import re
from pathlib import Path

from core.steward_yaml import TEMPLATE, Settings
from jobs.cli import parser

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_command_is_in_the_readme():
    (commands,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    assert [name for name in commands.choices if not re.search(rf"\bsteward {name}\b", README)] == []


def test_every_page_is_in_the_readme():
    titles = re.findall(r'\btitle="([^"]+)"', (ROOT / "pages" / "_shell.py").read_text(encoding="utf-8"))
    assert titles
    assert [title for title in titles if title not in README] == []


def test_every_setting_stands_in_the_steward_yaml_that_init_writes():
    assert "steward.yaml" in README
    assert set(Settings.model_fields) <= set(re.findall(r"^# (\w+):", TEMPLATE, re.MULTILINE))
