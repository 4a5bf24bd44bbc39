"""The webhook: its signature, its address, what it says."""

import json
import socket
from ipaddress import ip_address

import pytest

from agent.foundation.errors import ConfigError
from agent.foundation.outward import OutwardKind, TargetDown
from agent.foundation.sections_outward import WebhookTarget
from connectors.outward import _http, webhook
from connectors.outward.webhook import Webhook, is_public, signature
from tests.connectors.outward.made import a_record, an_outcome, going
from tests.vendors.hooksink import ENV, HookSink
from tests.vendors.outward import Trouble

ALL = tuple(OutwardKind)


@pytest.fixture
def sink():
    """A receiver."""
    with HookSink() as running:
        yield running


def a_target(url, open_target, env=ENV, **given):
    return open_target(Webhook, WebhookTarget(on=ALL, url=url, timeout_seconds=2.0, **given), env)


def test_the_signature_is_the_standards_own_example():
    """Standard Webhooks' published test: the same secret, id, time and body."""
    import base64

    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_a_receiver_reads(sink, open_target):
    """Money in minor and in major units, the kind as a type, no score."""
    a_target(f"{sink.url}/hook?x=1", open_target).put(going(an_outcome(currency="JPY", amount="4900")))
    [found] = sink.taken.values()
    assert found["type"] == "outgrown.outcome.recorded"
    assert found["timestamp"] == "2026-03-02T09:30:00Z"
    assert (found["data"]["amount_minor"], found["data"]["amount"], found["data"]["currency"]) == (
        4900,
        "4900",
        "JPY",
    )
    assert found["data"]["result"] == "won"
    assert sink.asked[0].target == "/hook?x=1"


def test_repeats_carry_the_same_id_and_body(sink, open_target):
    """So that a receiver can drop them."""
    target = a_target(f"{sink.url}/hook", open_target)
    target.put(going())
    target.put(going(is_repeat=True))
    assert (len(sink.taken), sink.repeats) == (1, 1)
    first, second = sink.asked
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "og-ready-1"


def test_a_wrong_secret_is_refused_there(sink, open_target):
    """And stops the target."""
    with pytest.raises(TargetDown, match="OUTGROWN_WEBHOOK_SECRET"):
        a_target(f"{sink.url}/hook", open_target, {"OUTGROWN_WEBHOOK_SECRET": "whsec_" + "QUJD" * 8}).put(
            going()
        )


@pytest.mark.parametrize("secret", ["whsec_short", "plain words!", "whsec_QUJD", "whsec_" + "QUJD" * 40])
def test_what_is_no_secret_signs_nothing(sink, open_target, secret):
    """It says how to make one, and not what it was."""
    with pytest.raises(TargetDown, match="openssl rand") as down:
        a_target(f"{sink.url}/hook", open_target, {"OUTGROWN_WEBHOOK_SECRET": secret}).put(going())
    assert secret not in str(down.value)
    assert sink.asked == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_receiver_that_is_switched_off_stops_the_target(sink, open_target, status):
    """The record waits; the address, which may be a secret, is not shown."""
    sink.troubles.append(Trouble(status))
    with pytest.raises(TargetDown, match=r"127\.0\.0\.1") as down:
        a_target(f"{sink.url}/hook/secret-path", open_target).put(going())
    assert "secret-path" not in str(down.value)


@pytest.mark.parametrize(
    "url", ["http://hooks.example/x", "ftp://hooks.example", "https://user:pw@hooks.example", "https://", "x"]
)
def test_addresses_that_are_not_safe_are_refused(monkeypatch, open_target, url):
    """In the settings and in the environment."""
    with pytest.raises(ValueError, match="must"):
        WebhookTarget(url=url)
    with pytest.raises(ConfigError, match="OUTGROWN_WEBHOOK_URL"):
        a_target("", open_target, {**ENV, "OUTGROWN_WEBHOOK_URL": url})


@pytest.mark.parametrize(
    "leads_to",
    [
        "10.0.0.5",
        "127.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "0.0.0.0",
        "100.64.0.1",
    ],
)
def test_a_name_that_leads_inside_is_refused(monkeypatch, open_target, leads_to):
    """Unless that is meant; what was looked at is what is connected to."""
    asked = []

    def found(host, port, **more):
        asked.append(host)
        family = socket.AF_INET6 if ":" in leads_to else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (leads_to, port))]

    monkeypatch.setattr(webhook.socket, "getaddrinfo", found)
    with pytest.raises(TargetDown, match="inside a network"):
        a_target("https://hooks.example/x", open_target).put(going())
    url, name = a_target("https://hooks.example/x?y=1", open_target, allow_private=True)._where()
    assert name == "hooks.example"
    assert url == f"https://{f'[{leads_to}]' if ':' in leads_to else leads_to}:443/x?y=1"
    assert asked == ["hooks.example"] * 2


def test_one_inside_among_several_is_enough_to_refuse(monkeypatch, open_target):
    """Nobody chooses which of them is connected to."""
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(webhook.socket, "getaddrinfo", lambda host, port, **more: both)
    with pytest.raises(TargetDown, match=r"10\.0\.0\.1"):
        a_target("https://hooks.example/x", open_target).look()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("64:ff9b::5db8:d822", True),
        ("224.0.0.1", False),
        ("2002:0a00:0001::", False),
    ],
)
def test_public_addresses(text, wanted):
    """Whatever an address is wrapped in."""
    assert ip_address(text)
    assert is_public(text) is wanted


@pytest.fixture
def secure(sink, monkeypatch):
    """The receiver behind TLS, as hooks.example: its certificate is for that name, and that name leads to this machine."""
    import ssl

    import trustme

    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("hooks.example").configure_cert(server)
    authority.configure_trust(client)
    sink._server.socket = server.wrap_socket(sink._server.socket, server_side=True)
    monkeypatch.setattr(_http, "_authorities", lambda: client)
    real = socket.getaddrinfo
    names = {"hooks.example": "127.0.0.1", "other.example": "127.0.0.1"}
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, *rest, **more: real(names.get(host, host), port, *rest, **more),
    )
    return sink.url.rpartition(":")[2]


def test_the_certificate_is_the_names(secure, sink, open_target):
    """Connected to is the address that was looked at, asked for is the name."""
    a_target(f"https://hooks.example:{secure}/x", open_target, allow_private=True).put(going())
    assert list(sink.taken) == ["og-ready-1"]
    assert sink.asked[0].headers["host"] == f"hooks.example:{secure}"


def test_anothers_certificate_is_refused(secure, sink, open_target):
    """Nothing is sent to whoever cannot prove the name."""
    with pytest.raises(TargetDown, match="cannot be reached"):
        a_target(f"https://other.example:{secure}/x", open_target, allow_private=True).put(going())
    assert sink.asked == []


def test_hostile_text_stays_within_its_field(sink, open_target):
    """JSON holds anything; headers hold our id alone."""
    record = a_record(account_name="x\r\nwebhook-id: y\u2028", title='Ready: "},{"')
    a_target(f"{sink.url}/hook", open_target).put(going(record))
    assert json.loads(sink.asked[0].body)["data"]["account_name"] == "x\r\nwebhook-id: y\u2028"
