"""Channels against real servers: what they are sent, and what is said when they do not take it."""

import base64
import hashlib
import hmac
import io
import json
import logging
import os
from datetime import UTC, datetime

import pytest

from core.errors import DeliveryError
from core.notify import channels, services, webhook
from core.notify.letter import as_text
from core.notify.messages import letter
from core.settings import Workspace
from tests.notify.conftest import MESSAGE_ID, URL, event, facts, free_port, message

TO = "ada@example.com,grace@example.com"


def send(workspace: Workspace, url: object, payload=None, kind: str = "alerts") -> None:
    (workspace.root / "steward.yaml").write_text(f"public_url: {URL}\nchannels: {{ops: {json.dumps(url)}}}")
    channels.send(Workspace.open(workspace.root), message(payload, kind))


def hook(url: str, **changes) -> dict[str, object]:
    return {"webhook": url, "secret": "s3cret-key", "allow_private": True} | changes


def refusal(workspace: Workspace, url: object, payload=None) -> DeliveryError:
    with pytest.raises(DeliveryError) as refused:
        send(workspace, url, payload)
    return refused.value


def test_a_mail_has_both_forms_the_id_and_its_links(workspace, mailbox):
    send(workspace, mailbox.url + TO)
    assert mailbox.recipients == TO.split(",")
    mail = mailbox.mails[0]
    assert mail["subject"] == "CRITICAL delay-30: F1 was 0.874, below 0.92 for 48 hours. [1f0c9a2e]"
    assert mail["x-steward-message"] == MESSAGE_ID
    for form in ("plain", "html"):
        body = mail.get_body((form,)).get_content()
        assert "F1 was 0.874" in body and f"{URL}/alert?id=12" in body


def test_a_stored_line_break_makes_no_header(workspace, mailbox):
    send(workspace, mailbox.url + TO, facts(event(message="bad\r\nBcc: eve@example.com\r\n\r\nbody")))
    assert mailbox.mails[0]["bcc"] is None
    assert mailbox.recipients == TO.split(",")
    assert "bad Bcc: eve@example.com body" in mailbox.mails[0]["subject"]


def test_a_recipient_that_is_refused_is_named_and_the_others_have_it(workspace, mailbox):
    mailbox.refuses = {"ada@example.com"}
    refused = refusal(workspace, mailbox.url + TO)
    assert "ada@example.com" in str(refused) and "no such person" in str(refused)
    assert refused.taken == ("grace@example.com",)
    assert mailbox.recipients == ["grace@example.com"]


def test_who_has_a_mail_is_not_written_to_again(workspace, mailbox):
    send(workspace, mailbox.url + TO, facts(taken=["grace@example.com"]))
    assert mailbox.recipients == ["ada@example.com"]


def test_a_mail_server_that_hangs_up_midway_has_not_taken_the_rest(workspace, mailbox):
    mailbox.hangs_up_after = 1
    refused = refusal(workspace, mailbox.url + TO)
    assert refused.taken == ("ada@example.com",) and "grace@example.com" in str(refused)


def test_a_mail_server_that_says_nothing_is_given_up(workspace, receiver):
    # An HTTP server waits for the client, as a mail server does not.
    url = f"mailto://127.0.0.1:{receiver.server.server_port}?from=a@example.com&to=b@example.com&cto=0.2"
    assert "timed out" in str(refusal(workspace, url))


def test_a_port_where_nothing_listens_is_said_without_the_password(workspace):
    url = f"mailto://steward:pa55word@127.0.0.1:{free_port()}?from=a@example.com&to=b@example.com"
    refused = str(refusal(workspace, url))
    assert "Connection refused" in refused and "127.0.0.1" in refused and "pa55word" not in refused


def test_chat_gets_text_that_is_no_markup(workspace, receiver):
    url = receiver.url.replace("http://", "json://")
    send(workspace, url, facts(event(message="<!channel> *x* <http://e|c>")))
    sent = json.loads(receiver.got[0][1])
    assert sent["message"].startswith("CRITICAL opened: F1\n  <!channel> *x* <http://e|c>.\n")
    assert sent["title"].endswith("[1f0c9a2e]") and sent["type"] == "failure"
    slack = services.Apprise.instantiate("slack://TAAAAAAAA/BBBBBBBBB/cccccccccccccccccccccccc")
    (call,) = slack._build_send_calls(body=sent["message"], title="t", body_format="text")
    assert "&lt;!channel&gt; *x* &lt;http://e|c&gt;" in call["body"] and call["body_format"] == "text"


def test_a_service_that_refuses_or_leads_elsewhere_has_not_taken_it(workspace, receiver):
    url = receiver.url.replace("http://", "json://")
    receiver.status = 500
    assert "error=500" in str(refusal(workspace, url))
    receiver.status, receiver.location = 302, receiver.url
    assert "error=302" in str(refusal(workspace, url))
    assert len(receiver.got) == 2
    assert refusal(workspace, url + "?optional=yes")  # Apprise would call this a success


def test_a_page_is_tied_to_its_alert_and_the_end_resolves_it():
    pager = services.Apprise.instantiate("pagerduty://integrationkey@apikey")
    opened = message(facts(event(7)))
    services._aim(pager, opened, letter(opened, URL))
    assert (pager.dedup, pager.action) == ("steward-7", "trigger")
    assert pager.click == f"{URL}/model?model=delay-30"
    ended = message(facts(event(7, event="resolved")))
    services._aim(pager, ended, letter(ended, URL))
    assert (pager.dedup, pager.action) == ("steward-7", "resolve")


def test_secrets_of_an_address_never_show():
    url = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ml-oncall"
    slack = services.Apprise.instantiate(url)
    said = (
        f"no answer from https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ {url}"
    )
    shown = services._without_secrets(said, url, slack)
    assert not any(secret in shown for secret in ("T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ"))
    assert "ml-oncall" in shown


def test_only_pagers_need_one_message_per_alert(workspace):
    urls = {"pager": "pagerduty://a@b", "ops": "slack://T/B/c", "disk": {"folder": "messages"}}
    (workspace.root / "steward.yaml").write_text(f"channels: {json.dumps(urls)}")
    settings = Workspace.open(workspace.root).settings
    names = ("pager", "ops", "disk", "removed")
    assert [channels.per_alert(settings, name) for name in names] == [True, False, False, False]


def test_a_webhook_is_signed_as_standard_webhooks_says(workspace, receiver):
    key = b"0123456789abcdef0123456789abcdef"
    send(workspace, hook(receiver.url, secret=f"whsec_{base64.b64encode(key).decode()}"))
    headers, body = receiver.got[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body.decode()}"
    expected = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == MESSAGE_ID
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    told = json.loads(body)
    assert told["type"] == "steward.alerts" and told["data"] == facts()
    assert as_text(letter(message(), URL)) in told["text"]


def test_a_secret_without_prefix_is_the_key_itself():
    headers = webhook.signature("s3cret", "id", b"{}", datetime(2024, 1, 1, tzinfo=UTC))
    expected = hmac.new(b"s3cret", b"id.1704067200.{}", hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_2xx_is_success(workspace, receiver, status):
    receiver.status = status
    send(workspace, hook(receiver.url))


def test_a_webhook_that_answers_otherwise_has_not_taken_it(workspace, receiver):
    receiver.status = 500
    assert str(refusal(workspace, hook(receiver.url))) == "the receiver answered 500 (Internal Server Error)"
    receiver.status, receiver.location = 307, receiver.url
    assert "answered 307 and wants to lead elsewhere" in str(refusal(workspace, hook(receiver.url)))
    assert len(receiver.got) == 2


def test_a_webhook_that_never_answers_is_given_up(workspace, receiver, monkeypatch):
    monkeypatch.setattr(webhook, "WITHIN_S", 0.3)
    receiver.silent.set()
    assert "did not answer within" in str(refusal(workspace, hook(receiver.url)))


def test_a_webhook_nobody_listens_at_is_said_without_its_address(workspace):
    refused = str(refusal(workspace, hook(f"http://127.0.0.1:{free_port()}/secret-path")))
    assert "cannot be reached" in refused and "secret-path" not in refused


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_webhook_into_a_private_network_is_refused_before_anything_is_sent(workspace, receiver, host):
    url = receiver.url.replace("127.0.0.1", host)
    refused = refusal(workspace, hook(url, allow_private=False))
    assert "private network; if that is meant, add allow_private: true" in str(refused)
    assert receiver.got == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:127.0.0.1", False),
        ("0.0.0.0", False),
    ],
)
def test_which_addresses_are_public(address, public):
    assert webhook._public(address) is public


def test_a_folder_gets_one_page_per_message_also_when_it_is_sent_twice(workspace):
    for _ in range(2):
        send(workspace, {"folder": "messages"}, facts(event(message="<script>")))
    (file,) = (workspace.root / "messages").iterdir()
    assert file.name == "20130305T060000-alerts-delay-30-1f0c9a2e.html"
    page = file.read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page and "<script" not in page


def test_a_folder_that_leads_out_of_the_workspace_gets_nothing(workspace, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (workspace.root / "messages").symlink_to(tmp_path / "elsewhere")
    assert "leads out of the workspace" in str(refusal(workspace, {"folder": "messages"}))


def problems(workspace: Workspace, url: object) -> list[str]:
    (workspace.root / "steward.yaml").write_text(f"channels: {{ops: {json.dumps(url)}}}")
    return list(channels.problems(Workspace.open(workspace.root)))


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        ("slack://t0ken", "this slack:// address is none that Apprise takes"),
        ("slakc://t0ken", "this slakc:// address is none that Apprise takes"),
        ("t0ken", "it is no address that Apprise takes"),
        ("json://a.example/t0ken, json://b.example/t0ken", "this json:// address is none that Apprise takes"),
        ({"webhook": "https://10.0.0.1/t0ken", "secret": "t0ken"}, "add allow_private: true"),
        ({"webhook": "https://h.example/t0ken", "secret": "whsec_t0ken!"}, "the secret is no base64"),
        ({"webhook": "https://h.example:port/t0ken", "secret": "t0ken"}, "the webhook is no address"),
    ],
)
def test_a_channel_that_cannot_work_is_told_by_name_without_its_secrets(workspace, channel, said):
    log = io.StringIO()
    logging.getLogger().addHandler(handler := logging.StreamHandler(log))
    (problem,) = problems(workspace, channel)
    logging.getLogger().removeHandler(handler)
    assert problem.startswith("steward.yaml: channels.ops: ") and said in problem
    assert "t0ken" not in problem + log.getvalue()


@pytest.mark.parametrize(
    "channel",
    [
        "mailto://user:pass@example.com?to=ada@example.com",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ml-oncall",
        "pagerduty://integrationkey@apikey",
        {"webhook": "https://hooks.example.com/x", "secret": "y"},
        {"webhook": "http://10.0.0.1/x", "secret": "y", "allow_private": True},
        {"folder": "messages"},
    ],
)
def test_a_channel_that_is_well_written_has_no_problem(workspace, channel):
    assert problems(workspace, channel) == []


def test_a_folder_that_cannot_be_written_is_told(workspace, monkeypatch):
    (workspace.root / "messages").write_text("a file")
    assert (
        "channels.ops: the folder messages cannot be written"
        in problems(workspace, {"folder": "messages"})[0]
    )
    (workspace.root / "messages").unlink()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    assert "cannot be written by this user" in problems(workspace, {"folder": "messages"})[0]
