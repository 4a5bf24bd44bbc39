"""What the environment adds to the settings: keys, which show themselves to nobody, and addresses of servers."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pydantic import SecretStr

from agent.foundation.errors import ConfigError
from agent.foundation.sections import Llm
from agent.foundation.sections_running import Delivery, Slack

MODEL_KEYS = ("OUTGROWN_LLM_KEY", "OPENAI_API_KEY")
"Where a model's key may stand; the first that is set counts."
MODEL_URL = "OUTGROWN_LLM_BASE_URL"
OWN_MODEL_URL = "https://api.openai.com/v1"
SLACK_URL = "OUTGROWN_SLACK_API_URL"
OWN_SLACK_URL = "https://slack.com/api/"
RESEND_URL = "OUTGROWN_RESEND_URL"
OWN_RESEND_URL = "https://api.resend.com"
POSTMARK_URL = "OUTGROWN_POSTMARK_URL"
OWN_POSTMARK_URL = "https://api.postmarkapp.com"


@dataclass(frozen=True)
class ModelAccess:
    """How the language model is reached: the settings, the key (which shows itself to nobody), the address."""

    llm: Llm
    key: SecretStr | None
    base_url: str
    "As set, or as OUTGROWN_LLM_BASE_URL says; empty means OpenAI's own."

    @property
    def is_on(self) -> bool:
        """Whether there is a model that may be asked."""
        return bool(self.llm.model and (self.key or self.base_url))

    @property
    def url(self) -> str:
        """Where requests go."""
        return self.base_url or OWN_MODEL_URL


@dataclass(frozen=True)
class SlackAccess:
    """How Slack is reached."""

    settings: Slack
    bot_token: SecretStr | None
    app_token: SecretStr | None
    "For Socket Mode."
    signing_secret: SecretStr | None
    "For HTTP mode."
    api_url: str
    "Ends in a slash."

    @property
    def is_on(self) -> bool:
        """Whether Slack is to be used at all: a token is there."""
        return self.bot_token is not None

    @property
    def lacks(self) -> tuple[str, ...]:
        """What is still missing before it can work, each in a few words; empty when nothing is."""
        socket = self.settings.mode == "socket"
        wanted = {
            "SLACK_BOT_TOKEN in .env": self.bot_token is None,
            "SLACK_APP_TOKEN in .env": socket and self.app_token is None,
            "SLACK_SIGNING_SECRET in .env": not socket and self.signing_secret is None,
            "channel in [slack]": not self.settings.channel,
            "approvers in [slack]": not self.settings.approvers,
        }
        return tuple(name for name, is_missing in wanted.items() if is_missing)


@dataclass(frozen=True)
class MailAccess:
    """How the mail server or the mail provider is reached, and how its own calls to us are known to be its."""

    settings: Delivery
    smtp_user: str
    smtp_password: SecretStr | None
    resend_key: SecretStr | None
    resend_url: str
    resend_webhook_secret: SecretStr | None
    postmark_token: SecretStr | None
    postmark_url: str
    postmark_webhook_password: SecretStr | None


def model_access(llm: Llm) -> ModelAccess:
    """The settings with what the environment adds to them.

    Raises ConfigError for an OUTGROWN_LLM_BASE_URL that is no URL.
    """
    key = next((found for name in MODEL_KEYS if (found := _word(name))), "")
    return ModelAccess(llm, SecretStr(key) if key else None, _url(MODEL_URL) or llm.base_url)


def slack_access(slack: Slack) -> SlackAccess:
    """The settings with the tokens of the environment.

    Raises ConfigError for a token of the wrong kind, which Slack would only call invalid.
    """
    for name, start in (("SLACK_BOT_TOKEN", "xoxb-"), ("SLACK_APP_TOKEN", "xapp-")):
        given = _word(name)
        if given and not given.startswith(start):
            raise ConfigError(f"{name} does not begin with {start}; copy the right one from your Slack app.")
    return SlackAccess(
        slack,
        _secret("SLACK_BOT_TOKEN"),
        _secret("SLACK_APP_TOKEN"),
        _secret("SLACK_SIGNING_SECRET"),
        (_url(SLACK_URL) or OWN_SLACK_URL).rstrip("/") + "/",
    )


def mail_access(delivery: Delivery) -> MailAccess:
    """The settings with the keys of the environment.

    Raises ConfigError for an address of a provider that is no URL.
    """
    return MailAccess(
        delivery,
        _word("OUTGROWN_SMTP_USER"),
        _secret("OUTGROWN_SMTP_PASSWORD"),
        _secret("RESEND_API_KEY"),
        _url(RESEND_URL) or OWN_RESEND_URL,
        _secret("RESEND_WEBHOOK_SECRET"),
        _secret("POSTMARK_SERVER_TOKEN"),
        _url(POSTMARK_URL) or OWN_POSTMARK_URL,
        _secret("POSTMARK_WEBHOOK_PASSWORD"),
    )


def _word(name: str) -> str:
    return os.environ.get(name, "").strip()


def _secret(name: str) -> SecretStr | None:
    found = _word(name)
    return SecretStr(found) if found else None


def _url(name: str) -> str:
    found = _word(name).rstrip("/")
    if found and not found.startswith(("http://", "https://")):
        raise ConfigError(f"{name} must begin with https:// or http://; mend it.")
    return found


def given(name: str) -> str:
    """What stands in the environment under `name`, without outer blanks; empty when nothing does."""
    return _word(name)
