"""The message as a file: correct, stable, and closed to what a name may carry."""

from __future__ import annotations

import email
import email.policy
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from agent.delivery.channel import Envelope, PermanentFailure, TemporaryFailure
from agent.delivery.eml import EmlChannel
from agent.delivery.mime import address, compose
from agent.foundation.settings import Company

HEADERS = {
    "Message-ID",
    "List-Unsubscribe",
    "From",
    "To",
    "Subject",
    "Date",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
}


def a_company(**changes: Any) -> Company:
    """Who writes."""
    values: dict[str, Any] = {
        "name": "Docs",
        "product": "Docs",
        "sender_name": "Dana",
        "sender_email": "dana@docs.example",
    }
    return Company(**{**values, **changes})


def an_envelope(**changes: Any) -> Envelope:
    """A message to Ann."""
    values: dict[str, Any] = {
        "delivery_id": "0123456789abcdef-1",
        "message_id": "<0123456789abcdef-1@docs.example>",
        "account_id": "acme",
        "account_name": "Acme",
        "to_name": "Ann",
        "to_address": "ann@acme.example",
        "from_name": "Dana",
        "from_address": "dana@docs.example",
        "company": "Docs",
        "product": "Docs",
        "subject": "Exports that stop",
        "body": "Hi Ann,\n\nexports stopped 5 times, für €49.\n\nDana",
        "at": datetime(2026, 3, 2, 9, 0),
    }
    return Envelope(**{**values, **changes})


def read(envelope: Envelope, company: Company | None = None) -> EmailMessage:
    """The message as a mail reader sees it."""
    raw = compose(envelope, company or a_company())
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    assert parsed.defects == []
    return parsed


def test_the_message_is_what_was_approved() -> None:
    """Sender, recipient, subject, date, text, and a footer that says how to stop it."""
    seen = read(an_envelope())
    assert (seen["From"], seen["To"]) == ("Dana <dana@docs.example>", "Ann <ann@acme.example>")
    assert seen["Subject"] == "Exports that stop"
    assert seen["Date"] == "Mon, 02 Mar 2026 09:00:00 +0000"
    assert seen["Message-ID"] == "<0123456789abcdef-1@docs.example>"
    assert seen.get_content_type() == "text/plain"
    assert seen.get_content().replace("\r\n", "\n") == (
        "Hi Ann,\n\nexports stopped 5 times, für €49.\n\nDana\n\n-- \n"
        'You get this because Acme uses Docs. Reply "stop" and we will not write about plans again.\n'
    )


def test_it_has_the_headers_it_needs_and_no_other() -> None:
    """It is a person's mail: nothing marks it as a machine's."""
    assert set(read(an_envelope()).keys()) == HEADERS


def test_it_is_seven_bit_with_short_lines_and_network_line_ends() -> None:
    """So that every server on the way passes it on unchanged."""
    raw = compose(an_envelope(to_name="Zoë Ångström", subject="Für Zoë: €" * 9, body="ü" * 500), a_company())
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78


def test_the_postal_address_stands_in_the_footer_when_there_is_one() -> None:
    """Some laws ask for it."""
    text = read(an_envelope(), a_company(postal_address="1 Main St, Springfield")).get_content()
    assert text.replace("\r\n", "\n").endswith("again.\nDocs, 1 Main St, Springfield\n")


@pytest.mark.parametrize(
    ("configured", "header", "post"),
    [
        pytest.param("", "<mailto:dana@docs.example?subject=stop>", None, id="nothing configured"),
        pytest.param("stop@docs.example", "<mailto:stop@docs.example?subject=stop>", None, id="address"),
        pytest.param(
            "mailto:stop@docs.example", "<mailto:stop@docs.example?subject=stop>", None, id="mailto"
        ),
        pytest.param(
            "https://docs.example/stop?a=1",
            "<https://docs.example/stop?a=1>, <mailto:dana@docs.example?subject=stop>",
            "List-Unsubscribe=One-Click",
            id="link",
        ),
        pytest.param(
            "https://docs.example/" + "x" * 200,
            f"<https://docs.example/{'x' * 200}>, <mailto:dana@docs.example?subject=stop>",
            "List-Unsubscribe=One-Click",
            id="long link",
        ),
    ],
)
def test_it_says_how_to_unsubscribe(configured: str, header: str, post: str | None) -> None:
    """By mail always, by link where one is configured, and then with one click."""
    seen = read(an_envelope(), a_company(unsubscribe=configured))
    assert seen["List-Unsubscribe"] == header
    assert seen["List-Unsubscribe-Post"] == post


@pytest.mark.parametrize(
    "configured", ["https://docs.example/\r\nBcc: x@y.example", "no address", "https://a b"]
)
def test_a_wrong_unsubscribe_setting_sends_nothing(configured: str) -> None:
    """Rather than a header that means something else."""
    with pytest.raises(PermanentFailure, match="not an address"):
        compose(an_envelope(), a_company(unsubscribe=configured))


@pytest.mark.parametrize(
    ("name", "sender", "recipient"),
    [
        pytest.param("Ann\r\nBcc: evil@x.example", "Ann Bcc: evil@x.example", "", id="line break"),
        pytest.param("Ann\nBcc: evil@x.example", "Ann Bcc: evil@x.example", "", id="bare line feed"),
        pytest.param("Ann\rBcc: evil@x.example", "Ann Bcc: evil@x.example", "", id="bare carriage return"),
        pytest.param("Ann\u2028Bcc: evil@x.example", "Ann Bcc: evil@x.example", "", id="line separator"),
        pytest.param("Ann\u0085Bcc: evil@x.example", "Ann Bcc: evil@x.example", "", id="next line"),
        pytest.param("Ann\0\x1b[31m", "Ann[31m", "", id="control characters"),
        pytest.param("Ann, evil@x.example", "Ann, evil@x.example", "", id="comma"),
        pytest.param("Chen, Ann", "Chen, Ann", "Chen, Ann", id="last name first"),
        pytest.param('Ann "The" Boss', 'Ann "The" Boss', "", id="quotes"),
        pytest.param("Ann <evil@x.example>", "Ann <evil@x.example>", "", id="angle brackets"),
        pytest.param("Ann\\", "Ann\\", "", id="backslash"),
        pytest.param("=?utf-8?q?A=0ABcc=3Ax?=", "= ?utf-8?q?A=0ABcc=3Ax?=", "", id="encoded word"),
        pytest.param(
            "==??utf-8?q?A=0ABcc=3Ax?=", "== ??utf-8?q?A=0ABcc=3Ax?=", "", id="disguised encoded word"
        ),
        pytest.param("\u202eevil\u202c Ann", "evil Ann", "evil Ann", id="bidirectional"),
        pytest.param("A\u200bn\ufeffn", "Ann", "Ann", id="zero width"),
        pytest.param("Ann 🚀", "Ann 🚀", "Ann", id="emoji"),
        pytest.param("Ann (boss); a:b;", "Ann (boss); a:b;", "", id="comment and group"),
        pytest.param("{{ 7*7 }}", "{{ 7*7 }}", "", id="template"),
        pytest.param("call +1 555 123 4567", "call +1 555 123 4567", "", id="phone number"),
        pytest.param("win at evil.example", "win at evil.example", "", id="link"),
        pytest.param("李小龍", "李小龍", "李小龍", id="other script"),
        pytest.param("\udc80Ann", "Ann", "", id="half a character"),
        pytest.param("A" * 300, "A" * 80, "", id="long"),
        pytest.param("   ", "", "", id="blank"),
    ],
)
def test_a_name_cannot_become_anything_else(name: str, sender: str, recipient: str) -> None:
    """One recipient, no added header, whatever it contains; and a customer is called by a plain name or none."""
    for seen, header, mail, shown in [
        (read(an_envelope(to_name=name)), "To", "ann@acme.example", recipient),
        (read(an_envelope(from_name=name)), "From", "dana@docs.example", sender),
    ]:
        assert set(seen.keys()) == HEADERS
        addresses = seen[header].addresses
        assert [one.addr_spec for one in addresses] == [mail]
        assert addresses[0].display_name == shown


@pytest.mark.parametrize(
    "subject", ["Exports\r\nBcc: evil@x.example", "Exports\n\nHi", "Exports\u2029Bcc: x"]
)
def test_a_subject_cannot_end_its_header(subject: str) -> None:
    """Also when a person's edit brings a line break."""
    seen = read(an_envelope(subject=subject))
    assert set(seen.keys()) == HEADERS
    assert seen["Subject"] == " ".join(subject.split())


def test_a_body_cannot_become_a_header_or_a_part() -> None:
    """What looks like one is text."""
    body = "Bcc: evil@x.example\n\n--boundary\nContent-Type: text/html\n\n<b>x</b>\n.\nFrom here on"
    seen = read(an_envelope(body=body))
    assert set(seen.keys()) == HEADERS
    assert not seen.is_multipart()
    assert seen.get_content().replace("\r\n", "\n").startswith(body)


@pytest.mark.parametrize(
    ("account", "named"),
    [
        pytest.param("Söhne & Co.", "Söhne & Co", id="plain"),
        pytest.param("O'Brien-Meyer", "O'Brien-Meyer", id="punctuation of names"),
        pytest.param("{{ 7 * 7 }}{% raw %}", "your team", id="template"),
        pytest.param(
            "pay victim@evil.example at https://evil.example +1 555 123 4567",
            "your team",
            id="address and link",
        ),
        pytest.param("win at evil.example", "your team", id="bare link"),
        pytest.param("call +1 555 123 4567", "your team", id="phone number"),
        pytest.param("Acme\n\nBcc: x@evil.example", "your team", id="line break"),
        pytest.param("A" * 300, "your team", id="long"),
        pytest.param(" ", "your team", id="blank"),
    ],
)
def test_the_footer_names_the_account_by_a_plain_name_or_not_at_all(account: str, named: str) -> None:
    """No check reads the footer, so a customer's words stand there only as a name."""
    text = read(an_envelope(account_name=account)).get_content().replace("\r\n", "\n")
    assert text.partition("\n-- \n")[2] == (
        f'You get this because {named} uses Docs. Reply "stop" and we will not write about plans again.\n'
    )


def test_the_body_is_a_value_and_no_template() -> None:
    """Nobody can write in the footer's language."""
    assert read(an_envelope(body="{{ company }}")).get_content().startswith("{{ company }}")


@pytest.mark.parametrize(
    ("written", "reached"),
    [
        ("ann@acme.example", "ann@acme.example"),
        (" Ann.B+c@Acme.Example ", "Ann.B+c@acme.example"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_written_as_mail_reaches_it(written: str, reached: str) -> None:
    """Its domain as DNS knows it."""
    assert address(written) == reached


@pytest.mark.parametrize(
    "written",
    [
        "",
        "ann",
        "@acme.example",
        "ann@",
        "ann@localhost",
        "ann@10.0.0.1",
        "ann@acme.example\u200b",
        "a" * 60 + "@" + "a.a" * 60 + ".toolong.example.example",
        "ann@acme..example",
        ".ann@acme.example",
        "a..n@acme.example",
        "ann@acme.example, evil@x.example",
        "ann@acme.example\r\nBcc: evil@x.example",
        "ann@acme.example>",
        "<ann@acme.example>",
        '"a b"@acme.example',
        "änn@acme.example",
        "ann@evil@acme.example",
        "ann@" + "a" * 260 + ".example",
        "a" * 65 + "@acme.example",
    ],
)
def test_what_is_no_address_is_refused(written: str) -> None:
    """For good, and as the address's fault."""
    with pytest.raises(PermanentFailure, match="not an address") as refused:
        compose(an_envelope(to_address=written), a_company())
    assert refused.value.is_address_bad


def test_the_same_delivery_is_the_same_file(tmp_path: Path) -> None:
    """A second handing over changes nothing."""
    channel = EmlChannel(tmp_path, a_company())
    assert not channel.was_delivered("0123456789abcdef-1")
    channel.deliver(an_envelope())
    first = (tmp_path / "0123456789abcdef-1.eml").read_bytes()
    channel.deliver(an_envelope(at=datetime(2026, 4, 1)))
    assert channel.was_delivered("0123456789abcdef-1")
    assert [path.name for path in tmp_path.iterdir()] == ["0123456789abcdef-1.eml"]
    assert (tmp_path / "0123456789abcdef-1.eml").read_bytes() == first
    assert (tmp_path / "0123456789abcdef-1.eml").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_a_passing_failure(tmp_path: Path) -> None:
    """Somebody may bring it back."""
    with pytest.raises(TemporaryFailure, match="cannot be written: No such file"):
        EmlChannel(tmp_path / "gone", a_company()).deliver(an_envelope())


def test_erasing_takes_the_file_and_the_remains_of_an_interrupted_writing(tmp_path: Path) -> None:
    """And nothing of another delivery."""
    channel = EmlChannel(tmp_path, a_company())
    channel.deliver(an_envelope())
    (tmp_path / ".0123456789abcdef-1.99.part").write_text("half")
    (tmp_path / "other-1.eml").write_text("other")
    channel.erase("0123456789abcdef-1")
    assert [path.name for path in tmp_path.iterdir()] == ["other-1.eml"]


@pytest.mark.parametrize("delivery_id", ["../x", "a/b", "", "a*"])
def test_an_id_is_never_a_path(tmp_path: Path, delivery_id: str) -> None:
    """Nothing is written, found or erased outside the folder."""
    channel = EmlChannel(tmp_path, a_company())
    with pytest.raises(ValueError, match="letters, digits and hyphens"):
        channel.erase(delivery_id)
