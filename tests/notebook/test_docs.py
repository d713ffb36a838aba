"""docs/notebook.md runs as it is written, from top to bottom, in an empty folder."""

import re
import shlex
from pathlib import Path

import pytest

from jobs.cli import main

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "notebook.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_example_runs_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STEWARD_WORKSPACE", raising=False)
    cells: dict[str, object] = {}
    blocks = BLOCK.findall(DOCUMENT)
    assert [language for language, _ in blocks].count("python") >= 5
    for language, text in blocks:
        if language == "yaml":
            declaration = tmp_path / "data" / "models" / "loans.yaml"
            declaration.parent.mkdir(parents=True)
            declaration.write_text(text)
        elif language == "sh":
            for line in text.splitlines():
                program, *arguments = shlex.split(line)
                assert program == "steward" and main(arguments) == 0, capsys.readouterr().err
        else:
            exec(compile(text, "notebook.md", "exec"), cells)
    assert (tmp_path / "comparison.html").read_text().startswith("<!doctype html>")
    assert "<svg" in cells["report"]._repr_html_()  # type: ignore[attr-defined]
