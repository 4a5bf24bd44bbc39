"""The SMTP channel against a real server, which is not always well."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agent.delivery.channel import (
    AnswerLost,
    ChannelDown,
    Envelope,
    PermanentFailure,
    TemporaryFailure,
)
from agent.delivery.smtp import SmtpChannel
from agent.foundation.settings import Company
from tests.approval.made import NOW
from tests.mailserver import (
    DIES_AFTER_DATA,
    DIES_AT_THE_END,
    TAKES_AND_DIES,
    Fault,
    MailServer,
    mail_access,
)

COMPANY = Company(name="Docs", product="Docs", sender_name="Dana", sender_email="dana@docs.example")


def an_envelope(**changes: Any) -> Envelope:
    """A message to Ann."""
    values: dict[str, Any] = {
        "delivery_id": "abcd-1",
        "message_id": "<abcd-1@docs.example>",
        "account_id": "acme",
        "account_name": "Acme",
        "to_name": "Ann",
        "to_address": "ann@acme.example",
        "from_name": "Dana",
        "from_address": "dana@docs.example",
        "company": "Docs",
        "product": "Docs",
        "subject": "Exports that stop",
        "body": "Hi Ann,\n\n.a line that begins with a point\n.\n\nDana",
        "at": NOW,
    }
    return Envelope(**{**values, **changes})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    """A server that is well until a test says otherwise."""
    with MailServer(tmp_path) as running:
        yield running


def deliver(server: MailServer, envelope: Envelope | None = None, **changes: Any) -> None:
    """Hand one message over."""
    SmtpChannel(server.access(**changes), COMPANY).deliver(envelope or an_envelope())


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
def test_the_message_arrives_as_it_was_approved(tmp_path: Path, security: str) -> None:
    """Whatever the connection: sender, recipient, id and every line, those that begin with a point too."""
    with MailServer(tmp_path, security=security) as server:
        deliver(server)
    [got] = server.messages
    assert (got.sender, got.to, got.message_id) == (
        "dana@docs.example",
        "ann@acme.example",
        "<abcd-1@docs.example>",
    )
    assert "\n.a line that begins with a point\n.\n" in got.message.get_content().replace("\r\n", "\n")


def test_it_logs_in_where_it_is_told_to(tmp_path: Path) -> None:
    """With the user and the password of the environment."""
    with MailServer(tmp_path, login=("dana", "s3cret")) as server:
        deliver(server, smtp_user="dana", smtp_password=SecretStr("s3cret"))
    assert len(server.messages) == 1


ADDRESS, MESSAGE = True, False
REFUSALS = [
    pytest.param(Fault("rcpt", "550 5.1.1 no such user"), ADDRESS, id="no such user"),
    pytest.param(Fault("rcpt", "550 no such user here"), ADDRESS, id="no such user, plainly"),
    pytest.param(Fault("rcpt", "551 user not local"), ADDRESS, id="moved"),
    pytest.param(Fault("rcpt", "553 5.1.3 bad syntax"), ADDRESS, id="bad syntax"),
    pytest.param(Fault("rcpt", "550 5.1.10 null MX"), ADDRESS, id="no mail there"),
    pytest.param(Fault("rcpt", "550 5.7.1 blocked by policy"), MESSAGE, id="policy"),
    pytest.param(Fault("rcpt", "550 relaying denied"), MESSAGE, id="relaying, plainly"),
    pytest.param(Fault("rcpt", "554 5.7.1 rejected"), MESSAGE, id="rejected"),
    pytest.param(Fault("rcpt", "550 5.1.8 bad sender"), MESSAGE, id="the sender's address"),
    pytest.param(Fault("end", "554 5.6.0 content"), MESSAGE, id="content"),
    pytest.param(Fault("end", "550 looks like spam"), MESSAGE, id="content, with an address's code"),
    pytest.param(Fault("end", "550 5.1.1 no such user"), ADDRESS, id="found out late"),
    pytest.param(Fault("data", "554 no"), MESSAGE, id="before the text"),
]


@pytest.mark.parametrize(("fault", "is_address_bad"), REFUSALS)
def test_a_lasting_refusal_says_whose_fault_it_is(
    server: MailServer, fault: Fault, is_address_bad: bool
) -> None:
    """Only an address that does not exist is silenced."""
    server.faults.append(fault)
    with pytest.raises(PermanentFailure, match=fault.says[:3]) as why:
        deliver(server)
    assert why.value.is_address_bad is is_address_bad
    assert server.messages == []


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("rcpt", "451 4.7.1 greylisted"), id="greylisted"),
        pytest.param(Fault("mail", "452 4.3.1 full"), id="full"),
        pytest.param(Fault("data", "451 later"), id="before the text"),
        pytest.param(Fault("end", "451 4.3.0 later"), id="after the text"),
        pytest.param(Fault("rcpt"), id="it dies before the text"),
    ],
)
def test_what_may_pass_is_tried_again(server: MailServer, fault: Fault) -> None:
    """It certainly did not take the message, and the next time it does."""
    server.faults.append(fault)
    with pytest.raises(TemporaryFailure) as why:
        deliver(server)
    assert not isinstance(why.value, ChannelDown)
    deliver(server)
    assert len(server.messages) == 1


@pytest.mark.parametrize(
    ("fault", "taken"), [(TAKES_AND_DIES, 1), (DIES_AT_THE_END, 0), (DIES_AFTER_DATA, 0)]
)
def test_without_an_answer_nobody_knows(server: MailServer, fault: Fault, taken: int) -> None:
    """From here a message that was taken looks like one that was not."""
    server.faults.append(fault)
    with pytest.raises((AnswerLost, TemporaryFailure)) as why:
        deliver(server)
    assert len(server.messages) == taken
    if taken or fault is DIES_AT_THE_END:
        assert isinstance(why.value, AnswerLost)


def test_an_answer_that_comes_too_late_is_no_answer(server: MailServer) -> None:
    """The server may still be at work."""
    server.faults.append(Fault("end", "250 taken", takes=True, seconds=1.5))
    with pytest.raises(AnswerLost, match="no answer in time"):
        deliver(server, smtp={"timeout_seconds": 0.5})


def test_an_address_without_mail_is_never_offered(server: MailServer) -> None:
    """Composing fails first."""
    with pytest.raises(PermanentFailure) as why:
        deliver(server, an_envelope(to_address="nobody"))
    assert why.value.is_address_bad
    assert server.messages == []


def test_what_only_a_person_can_mend_is_said_and_costs_no_attempt(tmp_path: Path) -> None:
    """Each sentence names what to mend."""
    with MailServer(tmp_path, login=("dana", "s3cret")) as server:
        with pytest.raises(ChannelDown, match="OUTGROWN_SMTP_PASSWORD"):
            deliver(server, smtp_user="dana", smtp_password=SecretStr("wrong"))
        with pytest.raises(ChannelDown, match="OUTGROWN_SMTP_USER"):
            deliver(server)
        with pytest.raises(ChannelDown, match="not trusted"):
            deliver(server, smtp={"ca_file": ""})
        with pytest.raises(ChannelDown, match="ca_file"):
            deliver(server, smtp={"ca_file": str(tmp_path / "none.pem")})
        with pytest.raises(ChannelDown, match="security or port"):
            deliver(server, smtp={"security": "tls"})
        assert server.messages == []


def test_nothing_goes_in_the_clear_where_encryption_was_asked_for(tmp_path: Path) -> None:
    """A server that does not offer STARTTLS gets nothing."""
    with MailServer(tmp_path, security="none") as server:
        with pytest.raises(ChannelDown, match="does not offer STARTTLS"):
            deliver(server, smtp={"security": "starttls"})
        assert server.messages == []


def test_a_password_never_travels_in_the_clear_over_a_network() -> None:
    """The refusal comes before anything is said."""
    from agent.delivery.smtp import is_loopback

    assert [is_loopback(one) for one in ("127.0.0.1", "::1", "localhost", "mail.docs.example", "10.0.0.1")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_a_refused_sender_is_ours_to_mend(server: MailServer) -> None:
    """No customer's message is given up for it."""
    server.faults.append(Fault("mail", "550 5.7.1 sender not owned"))
    with pytest.raises(ChannelDown, match="sender_email"):
        deliver(server)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    """A closed door, and a missing name."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        away = mail_access(smtp={"host": "127.0.0.1", "port": port, "timeout_seconds": 2})
        with pytest.raises(ChannelDown, match="cannot be reached"):
            SmtpChannel(away, COMPANY).deliver(an_envelope())
    nowhere = SmtpChannel(mail_access(), COMPANY)
    assert "host in [delivery.smtp]" in nowhere.lacks
    with pytest.raises(ChannelDown, match="not set up"):
        nowhere.deliver(an_envelope())


def test_what_a_server_says_is_shown_as_one_plain_line(server: MailServer) -> None:
    """Its words go into the state and onto terminals."""
    server.faults.append(Fault("rcpt", "550 5.7.1 no\x1b[31m " + "x" * 400))
    with pytest.raises(PermanentFailure) as why:
        deliver(server)
    assert "\x1b" not in str(why.value)
    assert len(str(why.value)) < 300
