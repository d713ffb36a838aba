"""`steward evidence attach` and `list`: reports kept under their digest, signed or vouched for."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.actions.reports import attach_report
from core.entities import Actor
from core.errors import NotAllowed
from core.signatures import signer_of
from core.store import audit, evidence
from tests.evaluation.conftest import Office

KEY = Ed25519PrivateKey.generate()
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
WORDS = ("--verdict", "passed", "--summary", "income and region explain most")


def report(office: Office, content: bytes = b"<h1>SHAP</h1>") -> str:
    file = office.root.parent / "shap.html"
    file.write_bytes(content)
    return str(file)


def attach(office: Office, *words: str, kind: str = "explainability") -> int:
    return office.run("evidence", "attach", "loans", "2", "--kind", kind, *WORDS, *words)


def of_version(office: Office) -> list:
    store = office.store()
    with store.read() as c:
        found = evidence.of_version(c, "loans", 2)
    store.close()
    return found


def test_a_report_is_kept_under_its_digest_and_the_audit_log_has_it(office, capsys):
    assert attach(office, "--report", report(office), "--valid-days", "30") == 0
    digest = hashlib.sha256(b"<h1>SHAP</h1>").hexdigest()
    assert (
        f"kept as evidence/{digest} (text/html), not signed, single-user vouches" in capsys.readouterr().out
    )
    assert (office.root / "evidence" / digest).read_bytes() == b"<h1>SHAP</h1>"
    store = office.store()
    with store.read() as c:
        entry = next(e for e in audit.entries(c) if e.action == "evidence.attached")
    store.close()
    assert entry.after == [{"kind": "explainability", "verdict": "passed", "report": digest}]
    (found,) = of_version(office)
    assert (found.record.report_name, found.record.valid_until is None) == ("shap.html", False)


def test_the_gate_takes_it(office, capsys):
    assert attach(office) == 0
    capsys.readouterr()
    office.run("gate", "loans", "2", "--json")
    states = {c["name"]: c["state"] for c in json.loads(capsys.readouterr().out)["checks"]}
    assert states["explainability"] == "passed"


@pytest.mark.parametrize("encode", [bytes, base64.b64encode])
def test_a_signature_by_a_known_key_is_told(office, capsys, encode):
    office.settings(signers={"scanner": PUBLIC})
    file = report(office)
    (office.root.parent / "shap.html.sig").write_bytes(encode(KEY.sign(b"<h1>SHAP</h1>")))
    assert attach(office, "--report", file) == 0
    assert "signed by scanner" in capsys.readouterr().out
    assert of_version(office)[0].record.produced_by == "scanner"


def test_a_signature_that_is_not_of_the_report_is_refused_and_nothing_is_kept(office, capsys):
    office.settings(signers={"scanner": PUBLIC})
    for signature in (
        KEY.sign(b"another report"),
        Ed25519PrivateKey.generate().sign(b"<h1>SHAP</h1>"),
        b"",
        b"x",
    ):
        other = office.root.parent / "my.sig"
        other.write_bytes(signature)
        assert attach(office, "--report", report(office), "--signature", str(other)) == 2
        assert (
            "my.sig is no signature of shap.html by a key that steward.yaml trusts" in capsys.readouterr().err
        )
    assert of_version(office) == []
    assert not (office.root / "evidence").exists()


def test_the_key_that_keygen_prints_is_a_signer_too():
    raw = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
    assert signer_of(b"x", KEY.sign(b"x"), {"other": raw}) == "other"


def test_a_key_that_is_none_is_refused_in_steward_yaml(office, capsys):
    office.settings(signers={"scanner": "abc"})
    assert office.run("status") == 2
    assert "signers.scanner: 'abc' is no Ed25519 public key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--report", "absent.pdf"), "absent.pdf is no file"),
        (("--signature", "x.sig"), "there is a signature and no report"),
    ],
)
def test_what_cannot_be_kept_is_refused(office, capsys, words, said):
    assert attach(office, *words) == 2
    assert said in capsys.readouterr().err
    assert of_version(office) == []


def test_an_empty_report_and_an_unknown_kind_are_refused(office, capsys):
    assert attach(office, "--report", report(office, b"")) == 2
    assert "has 0 bytes" in capsys.readouterr().err
    assert attach(office, kind="explainabilty") == 2
    assert "did you mean 'explainability'" in capsys.readouterr().err


def test_only_a_validator_attests_a_validation(office):
    store = office.store()
    dora = Actor("dora@example.com", "ui", frozenset({"data_scientist"}))
    with pytest.raises(NotAllowed, match="may not attest a validation"):
        attach_report(
            store, "loans", 2, dora, kind="independent_validation", verdict="passed", summary="read and rerun"
        )
    store.close()
    assert of_version(office) == []


def test_the_list_shows_the_newest_first_and_says_when_there_is_nothing(office, capsys):
    capsys.readouterr()
    assert office.run("evidence", "list", "loans", "2") == 0
    assert "Nothing is known of loans version 2 yet; run: steward evaluate loans 2" in capsys.readouterr().out
    for kind in ("explainability", "security_scan"):
        assert attach(office, kind=kind) == 0
    capsys.readouterr()
    assert office.run("evidence", "list", "loans", "2", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["kind"] for each in told] == ["security_scan", "explainability"]
    assert {each["counts"] for each in told} == {True}
