"""`steward card`: what it prints, writes and refuses."""

import hashlib
import json
from pathlib import Path

import pytest

from core.store import Store
from jobs.cli import main

Capture = pytest.CaptureFixture[str]


def run(store: Store, *words: str) -> int:
    return main(["card", *words, "--workspace", str(store.root)])


def test_it_says_what_is_missing_and_who_entered_what(documented: Store, capsys: Capture):
    assert run(documented, "never-swept", "--set", "caveats=Only for tests") == 0
    told = capsys.readouterr().out
    assert told.startswith("never-swept: 11% complete")
    assert "missing training_data: Register the version with its training datasets." in told
    assert "caveats: Only for tests (entered by single-user on 2014-01-01)" in told


def test_a_text_comes_from_a_file_and_an_empty_one_takes_it_back(
    documented: Store, tmp_path: Path, capsys: Capture
):
    (tmp_path / "factors.txt").write_text("Airports.\n\nMonths.\n")
    assert run(documented, "delay-30", "--set-file", f"factors={tmp_path / 'factors.txt'}", "--json") == 0
    card = json.loads(capsys.readouterr().out)
    said = {section["name"]: section["entered"] for section in card["sections"]}
    assert said["factors"]["text"] == "Airports.\n\nMonths."
    assert run(documented, "delay-30", "--set", "factors=") == 0
    assert "factors:" not in capsys.readouterr().out


def test_it_writes_every_form_and_the_signed_bytes(documented: Store, tmp_path: Path, capsys: Capture):
    names = ("markdown", "html", "pdf", "canonical")
    asked = [word for name in names for word in (f"--{name}", str(tmp_path / name))]
    assert run(documented, "delay-30", "--sign-off", *asked) == 0
    told = capsys.readouterr().out
    assert all(f"Wrote {tmp_path / name}." in told for name in names)
    assert (tmp_path / "pdf").read_bytes().startswith(b"%PDF-")
    assert (tmp_path / "html").read_text().startswith("<!doctype html>")
    digest = hashlib.sha256((tmp_path / "canonical").read_bytes()).hexdigest()
    assert digest in (tmp_path / "markdown").read_text()


def test_a_signed_card_stays_and_says_what_changed_since(documented: Store, tmp_path: Path, capsys: Capture):
    assert run(documented, "delay-30", "--sign-off") == 0
    assert "since then nothing changed" in capsys.readouterr().out
    assert run(documented, "delay-30", "--set", "caveats=none known") == 0
    assert "since then changed: Caveats and recommendations." in capsys.readouterr().out
    assert run(documented, "delay-30", "--signed", "1", "--markdown", str(tmp_path / "then.md")) == 0
    assert "esrever" in (tmp_path / "then.md").read_text()
    assert run(documented, "delay-30", "--markdown", str(tmp_path / "now.md")) == 0
    assert "> none known" in (tmp_path / "now.md").read_text()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("nobody",), "no model 'nobody' is registered"),
        (("delay-30", "--version", "9"), "has no version 9"),
        (("delay-30", "--set", "caveats"), "'caveats' names no section; expected SECTION=TEXT"),
        (("delay-30", "--set", "caveat=x"), "did you mean 'caveats'"),
        (("delay-30", "--set-file", "caveats=/nowhere/x"), "No such file"),
        (("delay-30", "--signed", "7"), "has no signed card 7; there is: none"),
    ],
)
def test_what_cannot_be_is_said(documented: Store, words: tuple[str, ...], problem: str, capsys: Capture):
    assert run(documented, *words) == 2
    assert problem in capsys.readouterr().err
