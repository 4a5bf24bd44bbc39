"""The doctor on delivery: each channel that is used, whether it would take a message, and what keeps messages back."""

from __future__ import annotations

import os
import smtplib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from agent.faces.examining import Check
from agent.foundation import clock
from agent.foundation.errors import OutgrownError

if TYPE_CHECKING:
    from agent.delivery.channel import Channel
    from agent.delivery.smtp import SmtpChannel
    from agent.wiring import House


def delivery_checks(house: House) -> Iterator[Check]:
    """Every check of delivery; none of them sends a message."""
    from agent.delivery.choosing import channels_used

    try:
        channels = {channel.name: channel for channel in house.channels}
    except OutgrownError as error:
        yield Check(name="channel", state="fail", says=str(error))
        return
    for name in channels_used(house.settings.delivery):
        yield from _channel(house, channels[name])
    if any(channels[name].reaches_customers for name in channels_used(house.settings.delivery)):
        yield from _hours(house)
    yield from _switch(house)


def _channel(house: House, channel: Channel) -> Iterator[Check]:
    from agent.delivery.eml import EmlChannel
    from agent.delivery.providers.postmark import PostmarkChannel
    from agent.delivery.providers.resend import ResendChannel
    from agent.delivery.smtp import SmtpChannel

    if channel.lacks:
        yield Check(
            name="channel", state="fail", says=f"{channel.name} is not set up: {channel.lacks}; put it there"
        )
    elif isinstance(channel, EmlChannel):
        yield _folder(house)
    elif isinstance(channel, SmtpChannel):
        yield from _smtp(house, channel)
    elif isinstance(channel, ResendChannel | PostmarkChannel):
        try:
            yield Check(name="channel", state="ok", says=f"{channel.name}: {channel.look()}")
        except OutgrownError as error:
            yield Check(name="channel", state="fail", says=str(error))


def _folder(house: House) -> Check:
    folder = house.workspace.outbox_folder
    if os.access(folder, os.W_OK):
        return Check(name="channel", state="ok", says=f".eml files in {folder}")
    return Check(name="channel", state="fail", says=f"{folder} cannot be written to; mend its permissions")


def _smtp(house: House, channel: SmtpChannel) -> Iterator[Check]:
    from agent.delivery.smtp import is_loopback

    smtp, user = house.settings.delivery.smtp, house.workspace.mail.smtp_user
    place = f"{smtp.host}:{smtp.port}"
    try:
        with channel.connection() as server:
            code, said = server.noop()
    except (OutgrownError, smtplib.SMTPException, OSError) as error:
        says = (
            str(error) if isinstance(error, OutgrownError) else f"{place} hangs up ({type(error).__name__})"
        )
        yield Check(name="channel", state="fail", says=says)
        return
    if code != 250:
        words = said.decode("utf-8", "replace")
        yield Check(name="channel", state="fail", says=f"{place} answers {code} {words}, not 250")
        return
    way = {"starttls": "STARTTLS", "tls": "TLS", "none": "no encryption"}[smtp.security]
    login = f"logged in as {user}" if user else "without a login"
    yield Check(name="channel", state="ok", says=f"SMTP at {place}, {way}, {login}; no message was sent")
    if smtp.security == "none" and not is_loopback(smtp.host):
        yield Check(
            name="channel",
            state="warn",
            says=f"messages to {place} travel in the clear; set security in [delivery.smtp] to starttls",
        )
    sender, of_login = _domain(house.settings.company.sender_email), _domain(user)
    if of_login and sender != of_login and not sender.endswith(f".{of_login}"):
        yield Check(
            name="channel",
            state="warn",
            says=f"the login is of {of_login} and the sender of {sender}: servers may refuse it, and customers' "
            "spam filters may too; see that the relay may send for the sender's domain (SPF, DKIM)",
        )


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower() if "@" in address else ""


def _hours(house: House) -> Iterator[Check]:
    """What the rules say, and how many of the day have left."""
    from agent.delivery.ceiling import taken_on

    rules = house.sending_rules
    try:
        with house.store.reading() as session:
            taken = taken_on(session, rules.day_of(clock.now()))
    except OutgrownError:
        return  # The check of the state says why.
    quiet = (
        "at any hour"
        if rules.quiet_from == rules.quiet_until
        else f"not from {rules.quiet_from:%H:%M} to {rules.quiet_until:%H:%M}"
    )
    days = "on any day" if rules.weekends else "not at weekends"
    ceiling = (
        f"{taken} of {rules.daily_ceiling} today" if rules.daily_ceiling else f"{taken} today, no ceiling"
    )
    yield Check(
        name="sending",
        state="ok",
        says=f"{ceiling}; {quiet} and {days}, where the customer is (else {rules.time_zone})",
    )


def _switch(house: House) -> Iterator[Check]:
    try:
        stopped = house.stopped
    except OutgrownError:
        return
    if stopped is not None:
        from agent.delivery.outbox import said

        yield Check(
            name="sending", state="warn", says=f"{said(stopped)}; `outgrown resume` lets messages leave again"
        )
