"""The tables of outgrown.toml."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from agent.foundation.section import Section
from agent.foundation.sections_outward import Targets
from agent.foundation.sections_running import Delivery, Digest, Serve, Slack, TimeZone

CURRENCY = re.compile(r"[A-Z]{3}")
ADDRESS = re.compile(r"[^@\s<>\"\x00-\x1f\x7f]+@[^@\s<>\"\x00-\x1f\x7f]+\.[^@\s<>\"\x00-\x1f\x7f]+")
LINK = re.compile(r"(https?://)?[^\s:/<>\"\x00-\x1f\x7f]+(:\d+)?(/[^\s<>\"\x00-\x1f\x7f]*)?")


STALE_AFTER_HOURS = 48.0
"How old what was read from a source may be before messages that rest on it are held, rule book §6."


class Company(Section):
    """Who writes, and what they sell."""

    name: str = Field(min_length=1)
    product: str = Field(min_length=1)
    sender_name: str = Field(min_length=1)
    sender_email: str
    allowed_links: tuple[str, ...] = ()
    postal_address: str = ""
    time_zone: TimeZone = "UTC"
    "The founder's, for the digest and daily work; also that of customers whose own is not known."
    unsubscribe: str = ""
    "An address or link for the List-Unsubscribe header; empty means the sender's own address."

    @field_validator("name", "product", "sender_name")
    @classmethod
    def one_line(cls, value: str) -> str:
        """Names go into mail headers, so they are one line."""
        if any(ord(letter) < 32 for letter in value):
            raise ValueError("must be one line without control characters")
        return value.strip()

    @field_validator("sender_email")
    @classmethod
    def an_address(cls, value: str) -> str:
        """The address goes into a mail header."""
        if not ADDRESS.fullmatch(value):
            raise ValueError("must be one e-mail address, such as dana@acme.example")
        return value

    @field_validator("allowed_links")
    @classmethod
    def web_links(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """A customer may be asked to follow these."""
        for link in value:
            if not LINK.fullmatch(link):
                raise ValueError(f"must be links such as https://acme.example/plans, not {link!r}")
        return value


class FilesConnector(Section):
    """Where the exports lie, and how foreign ones are read."""

    dir: str = "exports"
    max_rejected: float = Field(0.01, ge=0, le=1)
    "Share of bad rows per table above which a sync changes nothing (never fewer than 10 rows)."
    stale_after_hours: float = Field(STALE_AFTER_HOURS, gt=0)
    map: dict[str, Any] = Field({})
    "Validated by the files connector, which owns its meaning."
    rows: dict[str, tuple[dict[str, Any], ...]] = Field({})
    "Rows given here rather than in a file, by canonical table: what an export lacks (plans, metrics)."


class Connectors(BaseModel):
    """The sources facts are pulled from; the tables of vendors are checked by their own connectors."""

    model_config = ConfigDict(extra="allow", frozen=True)

    files: FilesConnector | None = None

    @property
    def vendors(self) -> dict[str, Any]:
        """What stands in [connectors.<name>], by name, files aside."""
        return dict(self.model_extra or {})

    @property
    def limits(self) -> dict[str, float]:
        """How many hours what was read from each configured source may be old."""
        given = {name: _stale_after(table) for name, table in self.vendors.items()}
        return given | ({"files": self.files.stale_after_hours} if self.files else {})


def _stale_after(table: Any) -> float:
    given = table.get("stale_after_hours") if isinstance(table, dict) else None
    return float(given) if isinstance(given, int | float) else STALE_AFTER_HOURS


class OfferSetting(Section):
    """Something that may be offered besides the sold plans themselves."""

    kind: Literal["seat_expansion", "service_addon", "sprint_package", "scope_agreement", "cross_sell"]
    name: str = Field(min_length=1, max_length=80)
    price_minor: int = Field(ge=0)
    currency: str
    per: Literal["month", "once"] = "month"
    benefit: str = ""
    seats: int | None = Field(None, ge=1)
    "How many seats a seat_expansion adds; read from the name's first number when absent."
    product: str | None = None
    "For cross_sell: the product this is the entry to."

    @field_validator("currency")
    @classmethod
    def a_currency(cls, value: str) -> str:
        """An ISO code."""
        if not CURRENCY.fullmatch(value):
            raise ValueError("must be a currency of three capital letters, such as EUR")
        return value


class ProductSetting(Section):
    """Another product: the use cases that point to it, each a phrase a customer might write."""

    name: str = ""
    use_cases: tuple[str, ...] = ()


class Scoring(Section):
    """The ready bar and who is left out of it on purpose."""

    ready_points: int = Field(9, ge=1)
    watch_points: int = Field(5, ge=0)
    ready_groups: int = Field(2, ge=1)
    holdout_share: float = Field(0.0, ge=0, le=0.9)
    faster_service: tuple[str, ...] = ()
    "Features that mean a faster answer; a faster_turnaround ask may be met by the lowest plan with one."


class Guardrails(Section):
    """What the contact cap allows beyond the rule book's one prompt in 30 days."""

    second_prompt: bool = False


class State(Section):
    """Where the state lives: empty means SQLite in the workspace."""

    url: str = ""


class WarehouseSetting(Section):
    """The founder's own warehouse, read in place: then nothing is synced."""

    url: str = ""
    "Where it stands; `${NAME}` is taken from the environment or .env, so that no password is written here."
    views_in: str = ""
    "Where the views are, `schema` or `catalog.schema`; empty means where the connection begins."
    tables: dict[str, str] = Field({})
    "What a canonical table is called there, where not by its own name: `table`, `schema.table` or longer."
    options: dict[str, str | int | float | bool] = Field({})
    "What else the client of that warehouse takes."
    fresh_within_hours: float = Field(48, ge=0)
    "How old the newest row may be before messages are held; 0 means that freshness is not judged."


class Price(Section):
    """What a model's tokens cost, per million, in the currency of the price table."""

    input: Decimal = Field(ge=0)
    cached: Decimal | None = Field(None, ge=0)
    "Of input the provider had seen before; the full price where it is not given."
    output: Decimal = Field(ge=0)


class Llm(Section):
    """The language model: which, how long it may take, and what it may cost."""

    model: str = "openai:gpt-5-mini"
    "Empty switches the model off."
    base_url: str = ""
    "Of a server that speaks OpenAI's protocol; empty means OpenAI's own. OUTGROWN_LLM_BASE_URL overrides it."
    api: Literal["chat", "responses"] = "chat"
    "Which of OpenAI's two interfaces is spoken."
    structured: Literal["json_schema", "function_calling"] = "json_schema"
    "How an answer's form is asked for; function_calling for servers that know no JSON schema."
    effort: Literal["", "none", "minimal", "low", "medium", "high"] = "low"
    "How long a reasoning model may think; empty leaves it to the model. Other models are not told."
    cache_key: bool = True
    "Whether a prompt_cache_key is sent; some servers refuse what they do not know."
    timeout_seconds: float = Field(20, gt=0, le=600)
    "Per question, repeated attempts included."
    retries: int = Field(2, ge=0, le=10)
    patience_seconds: float = Field(25, ge=0, le=3600)
    "What one run may wait for the model in all; the templates write what is left."
    at_once: int = Field(8, ge=1, le=64)
    "How many questions may be under way at a time."
    max_output_tokens: int = Field(4000, ge=100, le=100_000)
    "Per answer, the model's thinking included."
    write: bool = True
    classify: bool = True
    classify_days: int = Field(45, ge=1, le=365)
    "Tickets older than this are not put before the model."
    monthly_tokens: int = Field(2_000_000, ge=0)
    "In a calendar month (UTC); 0 means that none may be spent."
    monthly_cost: Decimal = Field(Decimal(20), ge=0)
    "In the currency of the price table; it binds models whose price is known, 0 means none of those is asked."
    prices: dict[str, Price] = Field({})
    "Prices of models that the table lacks or has at an old price."
    tracing: bool = False
    "Whether LangSmith may see prompts and answers, where the environment names it."

    @field_validator("model", "base_url")
    @classmethod
    def one_word(cls, value: str) -> str:
        """Both go into requests."""
        if any(ord(letter) <= 32 for letter in value.strip()):
            raise ValueError("must be one word, without spaces")
        return value.strip()

    @field_validator("base_url")
    @classmethod
    def a_url(cls, value: str) -> str:
        """Whatever else a base URL is, it is one of these."""
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with https:// or http://")
        return value.rstrip("/")


class Settings(Section):
    """The whole of outgrown.toml."""

    company: Company
    connectors: Connectors = Connectors()
    offers: tuple[OfferSetting, ...] = ()
    benefits: dict[str, str] = Field({})
    products: dict[str, ProductSetting] = Field({})
    triggers: dict[str, dict[str, Any]] = Field({})
    "Validated by the trigger library, which owns their meaning."
    groups: dict[str, Annotated[int, Field(strict=True, ge=0, le=20)]] = Field({})
    "What a trigger group is worth, for the rule book's groups and for new ones."
    trigger_files: tuple[str, ...] = ()
    "Python files with triggers of the founder's own; when none is named, triggers.py and triggers/*.py."
    scoring: Scoring = Scoring()
    guardrails: Guardrails = Guardrails()
    state: State = State()
    warehouse: WarehouseSetting = WarehouseSetting()
    llm: Llm = Llm()
    delivery: Delivery = Delivery()
    slack: Slack = Slack()
    digest: Digest = Digest()
    serve: Serve = Serve()
    targets: Targets = Targets()
