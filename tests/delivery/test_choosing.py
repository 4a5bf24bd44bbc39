"""Which channel reaches which account."""

from __future__ import annotations

import pytest

from agent.delivery.choosing import channel_for, channels_used
from agent.foundation.sections_running import Delivery

DELIVERY = Delivery.model_validate(
    {
        "channel": "smtp",
        "routes": [
            {"channel": "eml", "accounts": ["vip"]},
            {"channel": "resend", "domains": ["bigcorp.example", "@Other.example"]},
            {"channel": "postmark", "accounts": ["vip", "last"], "domains": ["bigcorp.example"]},
        ],
    }
)


@pytest.mark.parametrize(
    ("account", "address", "channel"),
    [
        ("acme", "ann@acme.example", "smtp"),
        ("vip", "ann@acme.example", "eml"),
        ("vip", "ann@bigcorp.example", "eml"),
        ("acme", "ann@bigcorp.example", "resend"),
        ("acme", "ann@EU.BigCorp.example", "resend"),
        ("acme", "ann@notbigcorp.example", "smtp"),
        ("acme", "ann@other.example", "resend"),
        ("last", "ann@acme.example", "postmark"),
    ],
)
def test_the_first_route_that_names_an_account_decides(account: str, address: str, channel: str) -> None:
    """By account or by the domain of the address; the rest leaves by the one channel."""
    assert channel_for(DELIVERY, account, address) == channel


def test_every_channel_that_is_used_is_named_once() -> None:
    """The doctor looks at each."""
    assert channels_used(DELIVERY) == ("smtp", "eml", "resend", "postmark")
    assert channels_used(Delivery()) == ("eml",)
