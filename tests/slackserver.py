"""A stand-in for Slack on loopback: its Web API over real HTTP and Socket Mode over a real websocket.

It holds us to what Slack has published: every request is checked against the Web API's description
(`../shared/specs/slack`) and against Block Kit's limits; what breaks them is kept in `refused` and answered
as Slack answers. People are played by `click`, `submit`, `mention`, `message_im` and `open_assistant`.
`python -m tests.slackserver` runs it by hand.

Where it is stricter than Slack, so that we are never too lax: one message a second and channel without
Slack's tolerance for bursts; a length counts an emoji as two; all texts of a message together hold 12,000
characters; whatever is not acknowledged comes again after 3 s under another envelope id, clicks included
(Slack repeats only events); what is clicked while nobody is connected waits instead of being lost.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import copy
import functools
import hashlib
import hmac
import itertools
import json
import logging
import math
import os
import re
import secrets
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.http.h11_impl import H11Protocol

Json = dict[str, Any]

TEAM = "T0OUTGROWN"
BOT_USER = "U0OUTGROWN"
APP = "A0OUTGROWN"
CHANNEL = "C0REVENUE"
ACKNOWLEDGE_SECONDS = 3.0
TRIGGER_SECONDS = 3.0


# What Slack has published about its methods.

JSON_VALUED = {"attachments", "blocks", "files", "metadata", "prompts", "view"}
"Parameters that hold JSON: as text in a form, as themselves in a JSON body."

NEWER_PARAMETERS: dict[str, dict[str, str]] = {
    "chat.postMessage": {"metadata": "string", "markdown_text": "string"},
    "chat.update": {
        "metadata": "string",
        "markdown_text": "string",
        "file_ids": "string",
        "reply_broadcast": "boolean",
        "unfurl_links": "boolean",
        "unfurl_media": "boolean",
    },
    "chat.postEphemeral": {"markdown_text": "string"},
    "conversations.history": {"include_all_metadata": "boolean"},
    "conversations.replies": {"include_all_metadata": "boolean"},
    "conversations.open": {"prevent_creation": "boolean"},
}
"Documented since the description was published."

NEWER_METHODS: dict[str, dict[str, tuple[str, bool]]] = {
    "apps.connections.open": {},
    "files.getUploadURLExternal": {
        "filename": ("string", True),
        "length": ("integer", True),
        "alt_txt": ("string", False),
        "snippet_type": ("string", False),
    },
    "files.completeUploadExternal": {
        "files": ("string", True),
        "channel_id": ("string", False),
        "channels": ("string", False),
        "initial_comment": ("string", False),
        "thread_ts": ("string", False),
    },
    "assistant.threads.setStatus": {
        "channel_id": ("string", True),
        "thread_ts": ("string", True),
        "status": ("string", True),
        "loading_messages": ("string", False),
    },
    "assistant.threads.setSuggestedPrompts": {
        "channel_id": ("string", True),
        "thread_ts": ("string", True),
        "prompts": ("string", True),
        "title": ("string", False),
    },
    "assistant.threads.setTitle": {
        "channel_id": ("string", True),
        "thread_ts": ("string", True),
        "title": ("string", True),
    },
}
"Name -> (type, whether it is required)."

ALSO_REQUIRED = {
    "conversations.history": ("channel",),
    "conversations.replies": ("channel", "ts"),
    "conversations.info": ("channel",),
    "conversations.members": ("channel",),
    "users.info": ("user",),
    "views.update": ("view",),
}
"Required by the documentation where the description says nothing."


def description_path() -> Path:
    """Where the published description lies: OUTGROWN_SHARED, or ../shared next to the repository."""
    beside = Path(__file__).parent.parent.parent / "shared"
    shared = Path(os.environ.get("OUTGROWN_SHARED") or beside)
    return shared / "specs" / "slack" / "slack_web_openapi_v2.json"


class Description:
    """What each method takes, as published."""

    def __init__(self) -> None:
        path = description_path()
        self.is_there = path.is_file()
        self.methods: dict[str, dict[str, tuple[str, bool]]] = {}
        paths = _published(path) if self.is_there else {}
        for name, verbs in paths.items():
            method = name.removeprefix("/")
            known = {
                one["name"]: (one.get("type", "string"), bool(one.get("required")))
                for verb in verbs.values()
                for one in verb["parameters"]
                if one["name"] != "token"
            }
            known |= {one: (kind, False) for one, kind in NEWER_PARAMETERS.get(method, {}).items()}
            known |= {one: (known[one][0], True) for one in ALSO_REQUIRED.get(method, ()) if one in known}
            self.methods[method] = known
        self.methods |= NEWER_METHODS

    def breaches(self, method: str, given: Json, *, is_json: bool) -> list[str]:
        """What is wrong with a request's parameters."""
        if method not in self.methods:
            return []
        known = self.methods[method]
        found = [f"missing required field: {name}" for name in known if known[name][1] and name not in given]
        for name, value in given.items():
            if name == "team_id":
                continue  # taken by every method since tokens may hold for several teams; Bolt sends it along
            if name not in known:
                found.append(f"unknown parameter: {name}")
            elif not _fits(known[name][0], name, value, is_json=is_json):
                found.append(f"must be of type {known[name][0]}: {name}")
        return found


@functools.cache
def _published(path: Path) -> Json:
    return dict(json.loads(path.read_text(encoding="utf-8"))["paths"])


def _fits(kind: str, name: str, value: Any, *, is_json: bool) -> bool:
    if name in JSON_VALUED:
        return isinstance(value, dict | list) if is_json and not isinstance(value, str) else _is_json(value)
    if kind == "boolean":
        return isinstance(value, bool) or str(value) in ("true", "false", "1", "0")
    if kind in ("integer", "number"):
        pattern = r"\d+" if kind == "integer" else r"\d+(\.\d+)?"
        return not isinstance(value, bool) and bool(re.fullmatch(pattern, str(value)))
    return isinstance(value, str)


def _is_json(value: Any) -> bool:
    try:
        json.loads(value)
    except (TypeError, ValueError):
        return False
    return True


# Block Kit: what may stand where, and how long it may be.

SELECTS = {"static_select", "multi_static_select", "users_select"}
CHOICES = {"radio_buttons", "checkboxes", "datepicker", "timepicker"} | SELECTS
CLICKABLE = {"button", "overflow"} | CHOICES
INPUTS = {"plain_text_input", "number_input", "email_text_input", "url_text_input"} | CHOICES

BLOCKS: dict[str, tuple[set[str], set[str]]] = {
    "section": (set(), {"text", "fields", "accessory", "expand"}),
    "divider": (set(), set()),
    "header": ({"text"}, set()),
    "context": ({"elements"}, set()),
    "actions": ({"elements"}, set()),
    "image": ({"alt_text"}, {"image_url", "slack_file", "title"}),
    "input": ({"label", "element"}, {"dispatch_action", "hint", "optional"}),
    "rich_text": ({"elements"}, set()),
    "markdown": ({"text"}, set()),
    "context_actions": ({"elements"}, set()),
}
"Type -> (what it must have, what it may have besides type and block_id)."

SURFACES = {
    "message": set(BLOCKS) - {"input"},
    "modal": set(BLOCKS) - {"markdown", "context_actions"},
    "home": set(BLOCKS) - {"markdown", "context_actions"},
}

COMMON = {"type", "action_id", "confirm", "focus_on_load"}
TYPED = {"placeholder", "initial_value", "dispatch_action_config"}
ELEMENTS: dict[str, tuple[set[str], set[str]]] = {
    "button": ({"text"}, {"url", "value", "style", "accessibility_label"}),
    "overflow": ({"options"}, set()),
    "static_select": (set(), {"placeholder", "options", "option_groups", "initial_option"}),
    "multi_static_select": (
        set(),
        {"placeholder", "options", "option_groups", "initial_options", "max_selected_items"},
    ),
    "users_select": (set(), {"placeholder", "initial_user"}),
    "radio_buttons": ({"options"}, {"initial_option"}),
    "checkboxes": ({"options"}, {"initial_options"}),
    "datepicker": (set(), {"placeholder", "initial_date"}),
    "timepicker": (set(), {"placeholder", "initial_time", "timezone"}),
    "plain_text_input": (set(), {"multiline", "min_length", "max_length"} | TYPED),
    "number_input": ({"is_decimal_allowed"}, {"min_value", "max_value"} | TYPED),
    "email_text_input": (set(), TYPED),
    "url_text_input": (set(), TYPED),
    "image": ({"alt_text"}, {"image_url", "slack_file"}),
    "feedback_buttons": ({"positive_button", "negative_button"}, set()),
    "icon_button": ({"icon", "text"}, {"value", "accessibility_label", "visible_to_user_ids"}),
}
OPTIONS_AT_MOST = {"overflow": 5, "radio_buttons": 10, "checkboxes": 10}
RICH_PARTS = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
RICH_ELEMENTS = {
    "text": {"text"},
    "link": {"url"},
    "emoji": {"name"},
    "user": {"user_id"},
    "channel": {"channel_id"},
    "usergroup": {"usergroup_id"},
    "broadcast": {"range"},
    "date": {"timestamp", "format"},
    "color": {"value"},
}
RICH_MORE = {"type", "style", "unsafe", "unicode", "skin_tone", "url", "fallback", "text"}
ALL_TEXT = 12_000
"Characters of all texts of a message together: beyond it Slack answers msg_blocks_too_long."


def length(text: str) -> int:
    """How long Slack may find a text: in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Checked:
    """One look at the blocks of a message or the whole of a view; `breaches` says what is wrong."""

    def __init__(self, surface: str, file_is_ready: Callable[[Json], bool | None]) -> None:
        self.surface = surface
        self.breaches: list[str] = []
        self.waits_for_file = False
        self.characters = 0
        self._file_is_ready = file_is_ready
        self._block_ids: list[str] = []

    def say(self, at: str, what: str) -> None:
        """Note a breach the way Slack words it."""
        self.breaches.append(f"[ERROR] {what} [json-pointer:{at}]")

    def blocks(self, blocks: Any, at: str = "/blocks") -> Checked:
        """A list of blocks."""
        if not isinstance(blocks, list):
            self.say(at, "must be an array")
            return self
        most = 50 if self.surface == "message" else 100
        if len(blocks) > most:
            self.say(at, f"no more than {most} items allowed")
        for number, block in enumerate(blocks):
            self._block(block, f"{at}/{number}")
        return self

    def view(self, view: Any) -> Checked:
        """A modal or a home."""
        at = "/view"
        if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
            self.say(at, "must be a modal or a home")
            return self
        self.surface = view["type"]
        more = {"title", "submit", "close", "clear_on_close", "notify_on_close", "submit_disabled"}
        known = {"type", "blocks", "private_metadata", "callback_id", "external_id"}
        self._keys(view, {"type", "blocks"}, known | (more if self.surface == "modal" else set()), at)
        if self.surface == "modal":
            for name, is_needed in (("title", True), ("submit", False), ("close", False)):
                if is_needed or name in view:
                    self.text(view.get(name), 24, f"{at}/{name}", plain=True)
        for name, most in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
            if name in view:
                self.string(view[name], most, f"{at}/{name}", least=0)
        self.blocks(view.get("blocks"), f"{at}/blocks")
        asks = any(isinstance(one, dict) and one.get("type") == "input" for one in view.get("blocks") or [])
        if self.surface == "modal" and asks and "submit" not in view:
            self.say(at, "missing required field: submit")
        if length(json.dumps(view, ensure_ascii=False)) > 250_000:
            self.say(at, "view is too large")
        return self

    def string(self, value: Any, most: int, at: str, least: int = 1) -> None:
        """A text of so many characters."""
        if not isinstance(value, str):
            self.say(at, "must be a string")
        elif length(value) > most:
            self.say(at, f"must be less than {most + 1} characters")
        elif length(value) < least:
            self.say(at, f"must be more than {least - 1} characters")

    def text(self, value: Any, most: int, at: str, *, plain: bool = False) -> None:
        """A text object."""
        if not isinstance(value, dict) or value.get("type") not in ("plain_text", "mrkdwn"):
            self.say(at, "must be a text object")
            return
        if plain and value["type"] != "plain_text":
            self.say(at, "must be plain_text")
        self._keys(
            value, {"text"}, {"emoji"} if value["type"] == "plain_text" else {"verbatim"}, at, {"type"}
        )
        self.string(value.get("text"), most, f"{at}/text")
        self.characters += length(str(value.get("text", "")))

    def _keys(self, value: Json, must: set[str], may: set[str], at: str, own: Iterable[str] = ()) -> None:
        for name in sorted(must - set(value)):
            self.say(at, f"missing required field: {name}")
        for name in sorted(set(value) - must - may - set(own)):
            self.say(at, f"invalid additional property: {name}")

    def _block(self, block: Any, at: str) -> None:
        kind = block.get("type") if isinstance(block, dict) else None
        if kind not in BLOCKS or kind not in SURFACES[self.surface]:
            self.say(at, f"unsupported type: {kind}")
            return
        self._keys(block, *BLOCKS[kind], at, ("type", "block_id"))
        if "block_id" in block:
            self.string(block["block_id"], 255, f"{at}/block_id")
            if block["block_id"] in self._block_ids:
                self.say(f"{at}/block_id", f"`block_id` {block['block_id']} already exists for another block")
            self._block_ids.append(block["block_id"])
        getattr(self, f"_{kind}_block", lambda block, at: None)(block, at)
        ids = [one.get("action_id") for one in _elements(block)]
        for twice in {one for one in ids if one and ids.count(one) > 1}:
            self.say(at, f"`action_id` {twice} already exists for another element")

    def _section_block(self, block: Json, at: str) -> None:
        if "text" not in block and not block.get("fields"):
            self.say(at, "missing required field: text or fields")
        if "text" in block:
            self.text(block["text"], 3000, f"{at}/text")
        if len(block.get("fields", ())) > 10:
            self.say(f"{at}/fields", "no more than 10 items allowed")
        for number, one in enumerate(block.get("fields", ())):
            self.text(one, 2000, f"{at}/fields/{number}")
        if "accessory" in block:
            self._element(block["accessory"], CLICKABLE | {"image"}, f"{at}/accessory")

    def _header_block(self, block: Json, at: str) -> None:
        self.text(block.get("text"), 150, f"{at}/text", plain=True)

    def _markdown_block(self, block: Json, at: str) -> None:
        self.string(block.get("text"), 12_000, f"{at}/text")
        self.characters += length(str(block.get("text", "")))

    def _context_block(self, block: Json, at: str) -> None:
        for number, one in enumerate(self._some(block, 10, at)):
            if isinstance(one, dict) and one.get("type") == "image":
                self._element(one, {"image"}, f"{at}/elements/{number}")
            else:
                self.text(one, 3000, f"{at}/elements/{number}")

    def _actions_block(self, block: Json, at: str) -> None:
        for number, one in enumerate(self._some(block, 25, at)):
            self._element(one, CLICKABLE, f"{at}/elements/{number}")

    def _context_actions_block(self, block: Json, at: str) -> None:
        for number, one in enumerate(self._some(block, 5, at)):
            self._element(one, {"feedback_buttons", "icon_button"}, f"{at}/elements/{number}")

    def _some(self, block: Json, most: int, at: str) -> list[Any]:
        elements = block.get("elements")
        if not isinstance(elements, list) or not elements:
            self.say(f"{at}/elements", "no fewer than 1 items allowed")
            return []
        if len(elements) > most:
            self.say(f"{at}/elements", f"no more than {most} items allowed")
        return elements

    def _image_block(self, block: Json, at: str) -> None:
        self.string(block.get("alt_text"), 2000, f"{at}/alt_text")
        if "title" in block:
            self.text(block["title"], 2000, f"{at}/title", plain=True)
        if ("image_url" in block) == ("slack_file" in block):
            self.say(at, "must have image_url or slack_file")
        elif "image_url" in block:
            self.string(block["image_url"], 3000, f"{at}/image_url")
            if not str(block["image_url"]).startswith(("https://", "http://")):
                self.say(f"{at}/image_url", "must be a URL")
        else:
            ready = self._file_is_ready(block["slack_file"])
            self.waits_for_file |= ready is False
            if ready is None:
                self.say(f"{at}/slack_file", "invalid slack file")

    def _input_block(self, block: Json, at: str) -> None:
        self.text(block.get("label"), 2000, f"{at}/label", plain=True)
        if "hint" in block:
            self.text(block["hint"], 2000, f"{at}/hint", plain=True)
        self._element(block.get("element"), INPUTS, f"{at}/element")

    def _rich_text_block(self, block: Json, at: str) -> None:
        for number, part in enumerate(block.get("elements") or ()):
            self._rich(part, f"{at}/elements/{number}", RICH_PARTS)

    def _rich(self, part: Any, at: str, allowed: set[str]) -> None:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in allowed:
            self.say(at, f"unsupported type: {kind}")
        elif kind == "rich_text_list":
            self._keys(part, {"elements", "style"}, {"type", "indent", "offset", "border"}, at)
            if part.get("style") not in ("bullet", "ordered"):
                self.say(f"{at}/style", "must be bullet or ordered")
            for number, one in enumerate(part.get("elements") or ()):
                self._rich(one, f"{at}/elements/{number}", {"rich_text_section"})
        elif kind in RICH_PARTS:
            self._keys(part, {"elements"}, {"type", "border", "language"}, at)
            leaves = {"text", "link"} if kind == "rich_text_preformatted" else set(RICH_ELEMENTS)
            for number, one in enumerate(part.get("elements") or ()):
                self._rich(one, f"{at}/elements/{number}", leaves)
        else:
            self._keys(part, RICH_ELEMENTS[kind], RICH_MORE, at)
            for name in RICH_ELEMENTS[kind] - {"timestamp"}:
                self.string(part.get(name), 4000, f"{at}/{name}")
            styles = part.get("style", {})
            if not isinstance(styles, dict) or set(styles) - {
                "bold",
                "italic",
                "strike",
                "code",
                "underline",
            }:
                self.say(f"{at}/style", "invalid style")
            self.characters += length(str(part.get("text", "")))

    def _element(self, one: Any, allowed: set[str], at: str) -> None:
        kind = one.get("type") if isinstance(one, dict) else None
        if kind not in allowed:
            self.say(at, f"unsupported type: {kind}")
            return
        self._keys(one, *ELEMENTS[kind], at, COMMON)
        if "action_id" in one:
            self.string(one["action_id"], 255, f"{at}/action_id")
        if "placeholder" in one:
            self.text(one["placeholder"], 150, f"{at}/placeholder", plain=True)
        if "confirm" in one:
            self._confirm(one["confirm"], f"{at}/confirm")
        if kind == "image":
            self._image_block(one, at)
        elif kind in ("button", "icon_button"):
            self._button(one, at)
        elif kind in TEXT_FIELDS:
            self._typed(one, at)
        elif kind in ELEMENTS and (kind in SELECTS - {"users_select"} or kind in OPTIONS_AT_MOST):
            self._choice(one, at)

    def _button(self, one: Json, at: str) -> None:
        self.text(one.get("text"), 75, f"{at}/text", plain=True)
        for name, most in (("value", 2000), ("url", 3000), ("accessibility_label", 75)):
            if name in one:
                self.string(one[name], most, f"{at}/{name}")
        if one.get("style", "primary") not in ("primary", "danger"):
            self.say(f"{at}/style", "must be primary or danger")

    def _typed(self, one: Json, at: str) -> None:
        most = one.get("max_length", 3000)
        if not isinstance(most, int) or not 1 <= most <= 3000:
            self.say(f"{at}/max_length", "must be between 1 and 3000")
            most = 3000
        least = one.get("min_length", 0)
        if not isinstance(least, int) or not 0 <= least <= most:
            self.say(f"{at}/min_length", "must be between 0 and max_length")
        if "initial_value" in one:
            self.string(one["initial_value"], most, f"{at}/initial_value", least=0)

    def _choice(self, one: Json, at: str) -> None:
        most = OPTIONS_AT_MOST.get(one["type"], 100)
        groups = one.get("option_groups")
        lists = [group.get("options") for group in groups] if groups else [one.get("options")]
        values = [
            option.get("value") for options in lists for option in options or () if isinstance(option, dict)
        ]
        for options in lists:
            if not isinstance(options, list) or not 1 <= len(options) <= most:
                self.say(f"{at}/options", f"must hold between 1 and {most} items")
                continue
            for number, option in enumerate(options):
                self._option(option, one["type"], f"{at}/options/{number}")
        if len(set(values)) < len(values):
            self.say(f"{at}/options", "values must be unique")
        known = [option for options in lists for option in options or ()]
        first = [one["initial_option"]] if "initial_option" in one else one.get("initial_options", [])
        if any(option not in known for option in first) or ("initial_options" in one and not first):
            self.say(f"{at}/initial_option", "must be one of the options")

    def _option(self, option: Any, kind: str, at: str) -> None:
        if not isinstance(option, dict):
            self.say(at, "must be an option")
            return
        self._keys(option, {"text", "value"}, {"description", "url"}, at)
        self.text(option.get("text"), 75, f"{at}/text", plain=kind not in ("radio_buttons", "checkboxes"))
        self.string(option.get("value"), 150, f"{at}/value")
        if "description" in option:
            self.text(option["description"], 75, f"{at}/description")

    def _confirm(self, confirm: Any, at: str) -> None:
        if not isinstance(confirm, dict):
            self.say(at, "must be a confirmation dialog")
            return
        self._keys(confirm, {"title", "text", "confirm", "deny"}, {"style"}, at)
        for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            if name in confirm:
                self.text(confirm[name], most, f"{at}/{name}", plain=name != "text")


TEXT_FIELDS = {"plain_text_input", "email_text_input", "url_text_input"}


def _elements(block: Json) -> list[Json]:
    """The parts of a block that can be clicked or filled in."""
    inside = [block.get("accessory"), block.get("element")]
    inside += block["elements"] if isinstance(block.get("elements"), list) else []
    return [one for one in inside if isinstance(one, dict)]


# What the stand-in remembers.


@dataclass
class Call:
    """One request that reached the Web API."""

    method: str
    args: Json
    at: float
    error: str = ""
    "What was answered instead of ok."


@dataclass
class Refused:
    """A request of ours that broke what Slack has published."""

    method: str
    why: list[str]
    args: Json


@dataclass
class Message:
    """One message in a channel."""

    channel: str
    ts: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    metadata: Json | None = None
    posted_at: float = 0.0
    "On the monotonic clock."
    earlier: list[list[Json]] = field(default_factory=list)
    "The blocks it had before each rewriting."

    @property
    def updates(self) -> int:
        """How often it was rewritten."""
        return len(self.earlier)

    @property
    def action_ids(self) -> list[str]:
        """Everything that can be clicked in it now."""
        return [one["action_id"] for block in self.blocks for one in _elements(block) if "action_id" in one]

    @property
    def words(self) -> str:
        """Every text in it, for asserts."""
        return self.text + "\n" + "\n".join(_texts(self.blocks))

    def snapshot(self) -> Message:
        """As a person sees it now, whatever becomes of it."""
        return copy.deepcopy(self)

    def document(self, *, metadata: bool = False) -> Json:
        """As Slack gives it out."""
        mine = self.user == BOT_USER
        shown: Json = {"type": "message", "user": self.user, "text": self.text, "ts": self.ts, "team": TEAM}
        shown |= {"bot_id": "B0OUTGROWN", "app_id": APP} if mine else {}
        shown |= {"blocks": self.blocks} if self.blocks else {}
        shown |= {"thread_ts": self.thread_ts} if self.thread_ts else {}
        shown |= {"metadata": self.metadata} if metadata and self.metadata else {}
        return shown | ({"edited": {"user": self.user, "ts": self.ts}} if self.earlier else {})


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


@dataclass
class Upload:
    """A file that was handed over."""

    file_id: str
    name: str
    length: int
    content: bytes = b""
    title: str = ""
    alt_text: str = ""
    ready_at: float | None = None
    "On the monotonic clock; empty until the upload is complete."


@dataclass
class Sent:
    """Something a person did, on its way to the app."""

    kind: str
    payload: Json
    channel: str = ""
    ts: str = ""
    envelope_ids: list[str] = field(default_factory=list)
    at: float = 0.0
    "When it was first handed over, on the monotonic clock; 0 while nobody is connected."
    acked_after: float | None = None
    "Seconds until the first acknowledgement."
    acks: int = 0
    response: Json = field(default_factory=dict)
    "The payload of the acknowledgement."
    status: int = 0
    "The HTTP status, in HTTP mode."
    view: Json | None = None
    is_lost: bool = False
    "Whether a fault that was asked for lost it, or its acknowledgement, while there was still time to acknowledge it."
    _done: threading.Event = field(default_factory=threading.Event)

    @property
    def envelope_id(self) -> str:
        """The name it went by first."""
        return self.envelope_ids[0] if self.envelope_ids else ""

    def lose(self) -> None:
        """Lost on purpose, unless it was acknowledged or late already."""
        is_late = time.monotonic() - self.at > ACKNOWLEDGE_SECONDS
        self.is_lost = self.is_lost or (self.acked_after is None and not is_late)

    def wait(self, seconds: float = 30.0) -> Sent:
        """Until it is acknowledged."""
        self._done.wait(seconds)
        return self


class Connection:
    """One websocket of the app."""

    def __init__(self, websocket: WebSocket, number: int) -> None:
        self.websocket = websocket
        self.number = number
        self.outgoing: asyncio.Queue[str | None] = asyncio.Queue()
        self.is_leaving = False
        "It was told to go: no new envelopes."
        self.carried: list[Sent] = []
        "What it was given."

    def send(self, document: Json) -> None:
        """Queue a frame."""
        self.outgoing.put_nowait(json.dumps(document))


class Refusal(Exception):
    """Slack's answer when it does not do what was asked."""

    def __init__(self, error: str, why: Iterable[str] = (), *, breach: bool = False) -> None:
        super().__init__(error)
        self.error = error
        self.why = list(why)
        self.breach = breach


class WebApi:
    """The methods, and the state they work on; everything here runs in the server's own thread."""

    def __init__(self, message_gap: float, file_delay: float, now: Callable[[], float]) -> None:
        self.message_gap = message_gap
        self.file_delay = file_delay
        self.now = now
        self.bot_token = "xoxb-" + secrets.token_hex(12)
        self.app_token = "xapp-1-" + secrets.token_hex(12)
        self.team, self.channel, self.bot_user = TEAM, CHANNEL, BOT_USER
        self.api_url = ""
        self.said: list[Message] = []
        "Every message, people's included."
        self.views: dict[str, list[Json]] = {}
        "The open modals of each person, the topmost last."
        self.homes: dict[str, Json] = {}
        self.files: dict[str, Upload] = {}
        self.ephemerals: list[Json] = []
        self.assistant: list[Json] = []
        "Statuses, titles and suggested prompts, in order."
        self.calls: list[Call] = []
        self.refused: list[Refused] = []
        self.limited: list[Call] = []
        "Requests that were answered with 429."
        self.warnings: list[str] = []
        self.people: dict[str, Json] = {}
        self.members: dict[str, set[str]] = {CHANNEL: {BOT_USER}}
        for user in (BOT_USER, "U0DANA", "U0RAVI"):
            self.person(user)
        self._ids = itertools.count(1)
        self._last_ts = 0
        self._last_post: dict[str, float] = {}
        self._triggers: dict[str, tuple[float, str]] = {}
        self._tickets: set[str] = set()
        self.connections: list[Connection] = []

    # What the methods share.

    def person(self, user: str, **changes: Any) -> Json:
        """A person of this team, made up where not yet known."""
        if user not in self.people:
            name = user.removeprefix("U0").lower()
            known = {
                "id": user,
                "team_id": TEAM,
                "name": name,
                "real_name": name.title(),
                "tz": "Europe/Berlin",
            }
            self.people[user] = known | {"deleted": False, "is_bot": user == BOT_USER, "profile": {}}
            self.members[CHANNEL].add(user)
        self.people[user].update(changes)
        return self.people[user]

    def message(self, ts: str, channel: str | None = None) -> Message:
        """The message of that name."""
        for one in self.said:
            if one.ts == ts and channel in (None, one.channel):
                return one
        raise Refusal("message_not_found")

    def next_ts(self) -> str:
        """A name for a message, later than all before."""
        self._last_ts = max(self._last_ts + 1, int(self.now() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def name(self, letter: str) -> str:
        """A new id."""
        return f"{letter}0{next(self._ids):08d}"

    def trigger(self, user: str) -> str:
        """What lets the app open a modal for that person, once and soon."""
        trigger = f"{next(self._ids)}.{secrets.token_hex(8)}"
        self._triggers[trigger] = (time.monotonic(), user)
        return trigger

    def _spend(self, trigger: str) -> str:
        if trigger not in self._triggers:
            raise Refusal("invalid_trigger_id")
        at, user = self._triggers[trigger]
        if at < 0:
            raise Refusal("exchanged_trigger_id")
        if time.monotonic() - at > TRIGGER_SECONDS:
            raise Refusal("expired_trigger_id")
        self._triggers[trigger] = (-1.0, user)
        return user

    def direct(self, user: str) -> str:
        """The channel of direct messages with a person."""
        if user not in self.people:
            raise Refusal("user_not_found")
        channel = "D" + user[1:]
        self.members[channel] = {user, BOT_USER}
        return channel

    def _place(self, channel: str) -> str:
        if channel not in self.members:
            raise Refusal("channel_not_found")
        if BOT_USER not in self.members[channel]:
            raise Refusal("not_in_channel")
        return channel

    def _file_is_ready(self, named: Json) -> bool | None:
        """Whether an image may show that file yet; None where there is none."""
        given = named.get("id") if isinstance(named, dict) else None
        found = self.files.get(str(given))
        if found is None or not found.content.startswith((b"\x89PNG", b"\xff\xd8", b"GIF8")):
            return None
        return found.ready_at is not None and found.ready_at <= time.monotonic()

    def _content(self, args: Json, *, before: Message | None = None) -> tuple[str, list[Json]]:
        """The text and the blocks of a message, checked."""
        text = args.get("text", "")
        if length(text) > 40_000:
            raise Refusal("msg_too_long", ["text beyond 40,000 characters"], breach=True)
        if length(text) > 4000:
            self.warnings.append("text beyond 4,000 characters")
        if "blocks" in args and not text:
            self.warnings.append("missing_text: notifications show nothing")
        blocks = _loaded(args, "blocks")
        if blocks is None and before is not None and "text" not in args:
            blocks = before.blocks
        if not text and not blocks and not args.get("attachments"):
            raise Refusal("no_text", ["neither text nor blocks"], breach=True)
        checked = Checked("message", self._file_is_ready).blocks(blocks or [])
        if checked.breaches:
            raise Refusal("invalid_blocks", checked.breaches, breach=True)
        if checked.characters > ALL_TEXT:
            raise Refusal("msg_blocks_too_long", [f"{checked.characters} characters"], breach=True)
        if checked.waits_for_file:
            raise Refusal("invalid_blocks", ["[ERROR] invalid slack file [json-pointer:/blocks]"])
        return text, self._named(blocks or [])

    def _named(self, blocks: list[Json]) -> list[Json]:
        """Blocks with the names Slack makes up for those that have none."""
        blocks = copy.deepcopy(blocks)
        for block in blocks:
            block.setdefault("block_id", self.name("b"))
            for one in _elements(block):
                if one.get("type") in CLICKABLE | INPUTS:
                    one.setdefault("action_id", self.name("a"))
        return blocks

    @staticmethod
    def _metadata(args: Json) -> Json | None:
        metadata = _loaded(args, "metadata")
        if metadata is None:
            return None
        typed = isinstance(metadata, dict) and re.fullmatch(r"\w{1,255}", str(metadata.get("event_type", "")))
        if not typed or not isinstance(metadata.get("event_payload"), dict) or len(metadata) != 2:
            raise Refusal("invalid_metadata_format", [str(metadata)], breach=True)
        return dict(metadata)

    # chat

    def chat_post_message(self, args: Json) -> Json:
        channel = args["channel"]
        channel = self.direct(channel) if channel.startswith(("U", "W")) else self._place(channel)
        text, blocks = self._content(args)
        metadata = self._metadata(args)
        thread = args.get("thread_ts")
        if thread and not any(one.ts == thread and one.channel == channel for one in self.said):
            raise Refusal("thread_not_found")
        waits = self._last_post.get(channel, -math.inf) + self.message_gap - time.monotonic()
        if waits > 0:
            raise TooFast(waits)
        self._last_post[channel] = time.monotonic()
        message = Message(channel, self.next_ts(), BOT_USER, text, blocks, thread, metadata, time.monotonic())
        self.said.append(message)
        return {"channel": channel, "ts": message.ts, "message": message.document(metadata=True)}

    def chat_update(self, args: Json) -> Json:
        message = self.message(args["ts"], self._place(args["channel"]))
        if message.user != BOT_USER:
            raise Refusal("cant_update_message")
        text, blocks = self._content(args, before=message)
        metadata = self._metadata(args)
        message.earlier.append(message.blocks)
        message.text, message.blocks = text, blocks
        message.metadata = message.metadata if metadata is None else metadata
        return {"channel": message.channel, "ts": message.ts, "text": text, "message": message.document()}

    def chat_delete(self, args: Json) -> Json:
        message = self.message(args["ts"], self._place(args["channel"]))
        if message.user != BOT_USER:
            raise Refusal("cant_delete_message")
        self.said.remove(message)
        return {"channel": message.channel, "ts": message.ts}

    def chat_post_ephemeral(self, args: Json) -> Json:
        channel = self._place(args["channel"])
        if args["user"] not in self.members[channel]:
            raise Refusal("user_not_in_channel")
        text, blocks = self._content(args)
        shown = {"channel": channel, "user": args["user"], "text": text, "blocks": blocks}
        self.ephemerals.append(shown | {"thread_ts": args.get("thread_ts")})
        return {"message_ts": self.next_ts()}

    # views

    def _view(self, args: Json, user: str, before: Json | None = None) -> Json:
        view = _loaded(args, "view")
        checked = Checked("modal", self._file_is_ready).view(view)
        if checked.breaches:
            raise Refusal("invalid_arguments", checked.breaches, breach=True)
        if checked.waits_for_file:
            raise Refusal("invalid_arguments", ["[ERROR] invalid slack file"])
        made = {"private_metadata": "", "callback_id": "", "external_id": "", "state": {"values": {}}} | view
        made["id"] = before["id"] if before else self.name("V")
        stack = self.views.get(user, [])
        made |= {"team_id": TEAM, "app_id": APP, "bot_id": "B0OUTGROWN", "app_installed_team_id": TEAM}
        made |= {"blocks": self._named(view["blocks"]), "hash": f"{self.next_ts()}.{secrets.token_hex(4)}"}
        made["root_view_id"] = stack[0]["id"] if stack else made["id"]
        earlier = [one["id"] for one in stack if one["id"] != made["id"]]
        made["previous_view_id"] = earlier[-1] if earlier else None
        return made

    def views_open(self, args: Json) -> Json:
        self._must_be_view(args)
        user = self._spend(args["trigger_id"])
        self.views.pop(user, None)
        view = self._view(args, user)
        self.views[user] = [view]
        return {"view": view}

    def views_push(self, args: Json) -> Json:
        self._must_be_view(args)
        user = self._spend(args["trigger_id"])
        stack = self.views.setdefault(user, [])
        if len(stack) >= 3:
            raise Refusal("push_limit_reached")
        view = self._view(args, user)
        stack.append(view)
        return {"view": view}

    def views_update(self, args: Json) -> Json:
        if not args.get("view_id") and not args.get("external_id"):
            raise Refusal("invalid_arguments", ["neither view_id nor external_id"], breach=True)
        for user, stack in self.views.items():
            for place, old in enumerate(stack):
                if args.get("view_id") == old["id"] or args.get("external_id", "") == (
                    old["external_id"] or 0
                ):
                    if args.get("hash", old["hash"]) != old["hash"]:
                        raise Refusal("hash_conflict")
                    stack[place] = self._view(args, user, before=old)
                    return {"view": stack[place]}
        raise Refusal("not_found")

    def views_publish(self, args: Json) -> Json:
        self.homes[args["user_id"]] = view = self._view(args, "home of " + args["user_id"])
        return {"view": view}

    def _must_be_view(self, args: Json) -> None:
        """Checked before the trigger is spent, so that a breach shows whatever became of the trigger."""
        checked = Checked("modal", self._file_is_ready).view(_loaded(args, "view"))
        if checked.breaches:
            raise Refusal("invalid_arguments", checked.breaches, breach=True)

    # conversations and users

    def conversations_open(self, args: Json) -> Json:
        users = [one for one in args.get("users", "").split(",") if one]
        if not users and not args.get("channel"):
            raise Refusal("users_list_not_supplied", ["neither users nor channel"], breach=True)
        channel = self.direct(users[0]) if users else self._place(args["channel"])
        return {"channel": {"id": channel}}

    def conversations_history(self, args: Json) -> Json:
        channel = self._place(args["channel"])
        return self._page([one for one in self.said if one.channel == channel and not one.thread_ts], args)

    def conversations_replies(self, args: Json) -> Json:
        root = self.message(args["ts"], self._place(args["channel"]))
        return self._page(
            [one for one in self.said if root.ts in (one.ts, one.thread_ts)], args, newest=False
        )

    def _page(self, found: list[Message], args: Json, *, newest: bool = True) -> Json:
        oldest, latest = float(args.get("oldest", 0)), float(args.get("latest", math.inf))
        edges = _yes(args.get("inclusive"))
        found = [
            one
            for one in found
            if oldest < float(one.ts) < latest or (edges and float(one.ts) in (oldest, latest))
        ]
        found = found[::-1] if newest else found
        start, size = int(args.get("cursor") or 0), min(int(args.get("limit", 100)), 999)
        page = found[start : start + size]
        more = start + size < len(found)
        whole = _yes(args.get("include_all_metadata"))
        return {
            "messages": [one.document(metadata=whole) for one in page],
            "has_more": more,
            "response_metadata": {"next_cursor": str(start + size) if more else ""},
        }

    def conversations_info(self, args: Json) -> Json:
        channel = self._place(args["channel"])
        direct = channel.startswith("D")
        known = {
            "id": channel,
            "is_im": direct,
            "is_channel": not direct,
            "is_member": True,
            "is_archived": False,
        }
        return {"channel": known | ({"user": "U" + channel[1:]} if direct else {"name": "revenue"})}

    def conversations_members(self, args: Json) -> Json:
        return {"members": sorted(self.members[self._place(args["channel"])])}

    def users_info(self, args: Json) -> Json:
        if args["user"] not in self.people:
            raise Refusal("user_not_found")
        return {"user": self.people[args["user"]]}

    # files

    def files_get_upload_url_external(self, args: Json) -> Json:
        if int(args["length"]) < 1:
            raise Refusal("invalid_arguments", ["length must be more than 0"], breach=True)
        name = self.name("F")
        self.files[name] = Upload(
            name, args["filename"], int(args["length"]), alt_text=args.get("alt_txt", "")
        )
        return {"upload_url": self.api_url.replace("/api/", f"/upload/v1/{name}"), "file_id": name}

    def files_complete_upload_external(self, args: Json) -> Json:
        done = []
        for one in _loaded(args, "files") or []:
            upload = self.files.get(str(one.get("id")))
            if upload is None or len(upload.content) != upload.length:
                raise Refusal("file_not_found", ["completed before its bytes arrived"], breach=True)
            upload.title = one.get("title", upload.name)
            upload.ready_at = time.monotonic() + self.file_delay
            done.append({"id": upload.file_id, "title": upload.title})
        return {"files": done}

    def files_info(self, args: Json) -> Json:
        upload = self.files.get(args["file"])
        if upload is None or upload.ready_at is None:
            raise Refusal("file_not_found")
        ready = upload.ready_at <= time.monotonic()
        return {"file": {"id": upload.file_id, "name": upload.name, "mimetype": "image/png" if ready else ""}}

    def files_delete(self, args: Json) -> Json:
        if self.files.pop(args["file"], None) is None:
            raise Refusal("file_not_found")
        return {}

    # the rest

    def auth_test(self, args: Json) -> Json:
        return {
            "team_id": TEAM,
            "team": "Outgrown",
            "user_id": BOT_USER,
            "user": "outgrown",
            "bot_id": "B0OUTGROWN",
        } | {
            "url": "https://outgrown.slack.example/",
            "is_enterprise_install": False,
        }

    def apps_connections_open(self, args: Json) -> Json:
        if len(self.connections) >= 10:
            raise Refusal("too_many_websockets")
        ticket = secrets.token_hex(8)
        self._tickets.add(ticket)
        host = urllib.parse.urlsplit(self.api_url).netloc
        return {"url": f"ws://{host}/link/?ticket={ticket}&app_id={APP}"}

    def reactions_add(self, args: Json) -> Json:
        self.message(args["timestamp"], self._place(args["channel"]))
        return {}

    def _assistant(self, what: str, args: Json) -> Json:
        self._place(args["channel_id"])
        prompts = _loaded(args, "prompts") or []
        if len(prompts) > 4 or any(
            not isinstance(one, dict) or set(one) != {"title", "message"} for one in prompts
        ):
            raise Refusal("invalid_arguments", ["at most 4 prompts, each a title and a message"], breach=True)
        self.assistant.append({"what": what} | args)
        return {}

    def assistant_threads_set_status(self, args: Json) -> Json:
        return self._assistant("status", args)

    def assistant_threads_set_title(self, args: Json) -> Json:
        return self._assistant("title", args)

    def assistant_threads_set_suggested_prompts(self, args: Json) -> Json:
        return self._assistant("prompts", args)


class TooFast(Exception):
    """More than Slack takes: 429 with the seconds to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = max(1, math.ceil(seconds))


def _loaded(args: Json, name: str) -> Any:
    value = args.get(name)
    return json.loads(value) if isinstance(value, str) and value else (value or None)


def _yes(value: Any) -> bool:
    return str(value).lower() in ("true", "1")


def _function(method: str) -> str:
    """`chat.postMessage` is done by `chat_post_message`."""
    words = re.sub(r"([a-z])(?=[A-Z])|URL(?=E)", lambda found: found.group() + "_", method.replace(".", "_"))
    return words.lower()


class _Http(H11Protocol):
    """HTTP that remembers its sockets, so that an answer can be lost on the way."""

    transports: ClassVar[dict[tuple[str, int], asyncio.Transport]] = {}

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.transports[transport.get_extra_info("peername")[:2]] = transport


@dataclass
class Fault:
    """Something that goes wrong the next so many times."""

    kind: str
    times: int
    method: str | None = None
    value: Any = None


class SlackServer(WebApi):
    """Slack on loopback, for as long as the `with` lasts."""

    def __init__(
        self,
        *,
        message_gap: float = 1.0,
        file_delay: float = 0.0,
        retry_after: float = ACKNOWLEDGE_SECONDS,
        retries: int = 3,
        request_url: str = "",
        signing_secret: str = "8f742231b10e8888abcd99yyyzzz85a5",
        port: int = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(message_gap, file_delay, now)
        self.retry_after = retry_after
        self.retries = retries
        self.request_url = request_url
        "Where clicks go as signed HTTP requests; over the socket when empty."
        self.signing_secret = signing_secret
        self.description = Description()
        self.has_description = self.description.is_there
        "Whether parameters are checked against the published description; Block Kit's limits always are."
        self.sent: list[Sent] = []
        self.connected = 0
        "How many sockets were ever opened."
        self._faults: list[Fault] = []
        self._by_envelope: dict[str, Sent] = {}
        self._responses: dict[str, Json] = {}
        self._waiting: deque[tuple[Sent, int]] = deque()
        self._held = False
        self._turn = 0
        self._socket = socket.create_server(("127.0.0.1", port))
        self.api_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/api/"
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    # Start and stop.

    def __enter__(self) -> SlackServer:
        routes = [
            Route("/api/{method}", self._api, methods=["GET", "POST"]),
            Route("/upload/v1/{name}", self._upload, methods=["POST"]),
            Route("/actions/{name}", self._respond, methods=["POST"]),
            WebSocketRoute("/link/", self._link),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes),
            http=_Http,
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            access_log=False,
            ws_ping_interval=0.25,  # the SDK's client holds a lock until something arrives, and closing waits for it
            timeout_graceful_shutdown=1,
        )
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="slackserver", daemon=True)
        self._thread.start()
        self.wait_for(lambda: self._server.started)
        return self

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._server.serve(sockets=[self._socket]))
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def __exit__(self, *_: object) -> None:
        self._soon(lambda: [one.outgoing.put_nowait(None) for one in self.connections])
        self._server.should_exit = True
        self._thread.join(10)

    def _soon(self, work: Callable[[], Any]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work)

    def _inside(self, work: Callable[[], Any]) -> Any:
        """Do it in the server's thread and wait for what it gives."""

        async def there() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(there(), self._loop).result(10)

    def wait_for(self, what: Callable[[], Any], seconds: float = 60.0) -> Any:
        """Until it is true; answers what it gave, and raises AssertionError where the time runs out."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := what():
                return found
            time.sleep(0.01)
        raise AssertionError("waited in vain; refused: " + str(self.refused[-3:]))

    # What tests look at.

    @property
    def environment(self) -> dict[str, str]:
        """What the app needs to find us."""
        return {
            "OUTGROWN_SLACK_API_URL": self.api_url,
            "SLACK_BOT_TOKEN": self.bot_token,
            "SLACK_APP_TOKEN": self.app_token,
            "SLACK_SIGNING_SECRET": self.signing_secret,
        }

    @property
    def messages(self) -> list[Message]:
        """What the app has posted, in order."""
        return [one for one in list(self.said) if one.user == BOT_USER]

    @property
    def unacknowledged(self) -> list[Sent]:
        """What was handed over and not acknowledged within three seconds."""
        limit, now = ACKNOWLEDGE_SECONDS, time.monotonic()
        return [
            one for one in list(self.sent)
            if one.at and (one.acked_after > limit if one.acked_after is not None else now - one.at > limit)
        ]  # fmt: skip

    def calls_of(self, method: str) -> list[Call]:
        """Every request for that method."""
        return [one for one in list(self.calls) if one.method == method]

    def modal(self, user: str = "U0DANA") -> Json | None:
        """The modal on top of that person's screen."""
        stack = self.views.get(user)
        return stack[-1] if stack else None

    # Faults.

    def _fault(self, kind: str, times: int, method: str | None = None, value: Any = None) -> None:
        self._faults.append(Fault(kind, times, method, value))

    def _take(self, kind: str, method: str | None = None) -> Fault | None:
        for one in self._faults:
            if one.kind == kind and one.times > 0 and one.method in (None, method):
                one.times -= 1
                return one
        return None

    def rate_limit(self, times: int = 1, retry_after: int = 1, method: str | None = None) -> None:
        """Answer 429."""
        self._fault("limit", times, method, retry_after)

    def fail(self, method: str, error: str = "internal_error", times: int = 1) -> None:
        """Answer with that error, undone; 'http_503' and the like are answered as HTTP statuses."""
        self._fault("fail", times, method, error)

    def slow(self, method: str, seconds: float, times: int = 1_000_000) -> None:
        """Take so long before doing it."""
        self._fault("slow", times, method, seconds)

    def lose_answer(self, method: str, times: int = 1) -> None:
        """Do the work, and drop the connection instead of answering."""
        self._fault("lose", times, method)

    def deliver_twice(self, n: int = 1) -> None:
        """Send the next envelopes twice, on two connections where there are two."""
        self._fault("twice", n)

    def drop_acks(self, n: int = 1) -> None:
        """Let the next acknowledgements get lost on the way to Slack."""
        self._fault("ack", n)

    def disconnect(self, reason: str = "refresh_requested", grace: float = 2.0) -> None:
        """Tell every socket to go, and close what is left of it after the grace."""

        def tell() -> None:
            for one in self.connections:
                one.is_leaving = reason != "warning"
                one.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-stand-in"}})
                if reason != "warning":
                    self._loop.call_later(grace, one.outgoing.put_nowait, None)

        self._inside(tell)

    def drop_connections(self) -> None:
        """Cut every socket without a word."""

        def cut() -> None:
            for one in self.connections:
                one.is_leaving = True
                transport = _Http.transports.get(tuple(one.websocket.client or ()))  # type: ignore[arg-type]
                if transport is not None:
                    transport.abort()

        self._inside(cut)

    def deactivate(self, user: str) -> None:
        """That person has left the team."""
        self.person(user, deleted=True)

    # People.

    def click(
        self,
        on: Message | str | Json,
        action_id: str,
        user: str = "U0DANA",
        *,
        value: str | None = None,
        selected: str | None = None,
        team: str = TEAM,
        channel: str | None = None,
    ) -> Sent:
        """Press a button of a message (or of its `snapshot`, or of an open view), or choose an option.

        A button that a rewriting has taken away is pressed as by a person whose screen is not up to date.
        """
        if team == TEAM:
            self.person(user)
        message = self.message(on) if isinstance(on, str) else on
        shown = [message["blocks"]] if isinstance(message, dict) else [message.blocks, *message.earlier[::-1]]
        block, element = _pressed(shown, action_id, value)
        action = {"type": element["type"], "action_id": action_id, "block_id": block["block_id"]}
        action |= {name: element[name] for name in ("text", "value", "style") if name in element}
        if selected is not None:
            chosen = [one for one in element["options"] if one["value"] == selected]
            action["selected_option"] = chosen[0]
        payload = self._interaction("block_actions", user, team)
        payload["actions"] = [action | {"action_ts": self.next_ts()}]
        payload["state"] = {"values": {}}
        if isinstance(message, dict):
            payload |= {"view": message, "container": {"type": "view", "view_id": message["id"]}}
            return self._send(Sent("interactive", payload))
        place = channel or message.channel
        name = "directmessage" if place.startswith("D") else "revenue"
        where = {"message_ts": message.ts, "channel_id": place, "is_ephemeral": False}
        payload |= {"channel": {"id": place, "name": name}, "message": message.document()}
        payload["container"] = {"type": "message"} | where
        payload["response_url"] = self._response_url(where | {"user": user})
        return self._send(Sent("interactive", payload, channel=place, ts=message.ts))

    def submit(
        self, view: Json, values: Mapping[str, Mapping[str, Any]], user: str = "U0DANA", wait: float = 5.0
    ) -> Sent:
        """Fill in a modal and press its submit button; what is not named keeps its initial value.

        Raises AssertionError for what no person could enter.
        """
        filled = _filled(view, values)
        seen = view | {"state": {"values": filled}}
        payload = self._interaction("view_submission", user, TEAM) | {"view": seen, "response_urls": []}
        return self._send(Sent("interactive", payload, view=view)).wait(wait)

    def mention(
        self, text: str, channel: str = CHANNEL, user: str = "U0DANA", thread_ts: str | None = None
    ) -> Sent:
        """Say something to the app in a channel."""
        said = self._say(channel, user, f"<@{BOT_USER}> {text}", thread_ts)
        return self._event({"type": "app_mention"} | self._as_event(said), said)

    def message_im(self, text: str, user: str = "U0DANA", thread_ts: str | None = None) -> Sent:
        """Write to the app directly."""
        self.person(user)
        said = self._say(self.direct(user), user, text, thread_ts)
        return self._event({"type": "message", "channel_type": "im"} | self._as_event(said), said)

    def open_assistant(self, user: str = "U0DANA") -> Sent:
        """Open the app's pane; the answer's `channel` and `ts` name the thread."""
        self.person(user)
        root = Message(self.direct(user), self.next_ts(), BOT_USER + "-pane", "New Assistant Thread")
        self.said.append(root)
        context = {"channel_id": CHANNEL, "team_id": TEAM, "enterprise_id": None}
        thread = {"user_id": user, "context": context, "channel_id": root.channel, "thread_ts": root.ts}
        return self._event(
            {"type": "assistant_thread_started", "assistant_thread": thread, "event_ts": root.ts}, root
        )

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Whatever people do in here reaches the app at the same moment, at the end."""
        self._inside(lambda: setattr(self, "_held", True))
        yield
        self._inside(self._release)

    def _release(self) -> None:
        self._held = False
        for _ in range(len(self._waiting)):
            self._hand_over(*self._waiting.popleft())

    def _interaction(self, kind: str, user: str, team: str) -> Json:
        named = self.people.get(user, {"name": "stranger"})["name"]
        return {
            "type": kind,
            "user": {"id": user, "username": named, "name": named, "team_id": team},
            "team": {"id": team, "domain": "outgrown" if team == TEAM else "elsewhere"},
            "api_app_id": APP,
            "token": "verification-token",
            "trigger_id": self.trigger(user),
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _say(self, channel: str, user: str, text: str, thread_ts: str | None) -> Message:
        self.person(user)
        said = Message(channel, self.next_ts(), user, text, thread_ts=thread_ts, posted_at=time.monotonic())
        self.said.append(said)
        return said

    @staticmethod
    def _as_event(said: Message) -> Json:
        known = {
            "user": said.user,
            "text": said.text,
            "ts": said.ts,
            "event_ts": said.ts,
            "channel": said.channel,
        }
        return known | {"team": TEAM} | ({"thread_ts": said.thread_ts} if said.thread_ts else {})

    def _event(self, event: Json, said: Message) -> Sent:
        payload = {
            "token": "verification-token",
            "team_id": TEAM,
            "api_app_id": APP,
            "event": event,
            "type": "event_callback",
            "event_id": self.name("Ev"),
            "event_time": int(self.now()),
            "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True, "enterprise_id": None}],
            "is_ext_shared_channel": False,
        }
        return self._send(Sent("events_api", payload, channel=said.channel, ts=said.ts))

    # Handing over, over the socket or by HTTP.

    def _send(self, sent: Sent) -> Sent:
        self.sent.append(sent)
        self._soon(lambda: self._hand_over(sent, 0))
        return sent

    def _hand_over(self, sent: Sent, attempt: int) -> None:
        staying = [one for one in self.connections if not one.is_leaving]
        if self._held or not (staying or self.request_url):
            self._waiting.append((sent, attempt))
            return
        sent.at = sent.at or time.monotonic()
        self._loop.call_later(self.retry_after, self._again, sent, attempt + 1)
        if self.request_url:
            task = self._loop.create_task(self._post(sent, attempt))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        envelope: Json = {"envelope_id": secrets.token_hex(16), "type": sent.kind, "payload": sent.payload}
        envelope["accepts_response_payload"] = sent.kind == "interactive"
        if sent.kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        sent.envelope_ids.append(envelope["envelope_id"])
        self._by_envelope[envelope["envelope_id"]] = sent
        for _ in range(2 if self._take("twice") else 1):
            self._turn += 1
            chosen = staying[self._turn % len(staying)]
            chosen.carried.append(sent)
            chosen.send(envelope)

    def _again(self, sent: Sent, attempt: int) -> None:
        if sent.acked_after is None and attempt <= self.retries:
            self._hand_over(sent, attempt)

    def _acknowledged(self, sent: Sent, response: Json) -> None:
        sent.acks += 1
        if sent.acked_after is None:
            sent.acked_after = time.monotonic() - sent.at
            sent.response = response
            why = self._heed(sent, response)
            if why:
                self.refused.append(Refused("response to " + sent.payload["type"], why, response))
        sent._done.set()

    def _heed(self, sent: Sent, response: Json) -> list[str]:
        """Do what the response to a submission asks for; answers what is wrong with it."""
        if sent.view is None:
            return ["takes no response payload"] if response else []
        user, view = sent.payload["user"]["id"], sent.view
        stack = self.views.get(user, [])
        place = next((number for number, one in enumerate(stack) if one["id"] == view["id"]), None)
        action = response.get("response_action")
        if action is None or action == "clear":
            if place is not None:
                del stack[0 if action else place :]
            return ["unknown response"] if response and action is None else []
        if action == "errors":
            asked = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
            errors = response.get("errors") or {}
            wrong = (
                [f"no input block {one}" for one in errors if one not in asked] if errors else ["no errors"]
            )
            return wrong + [
                f"not a text: {one}" for one in errors.values() if not isinstance(one, str) or not one
            ]
        if action not in ("update", "push"):
            return [f"unknown response_action {action}"]
        try:
            made = self._view({"view": response.get("view")}, user, view if action == "update" else None)
        except Refusal as refusal:
            return refusal.why
        if place is not None:
            stack[place : place + 1] = [made] if action == "update" else [view, made]
        return []

    async def _link(self, websocket: WebSocket) -> None:
        ticket = websocket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await websocket.close(4001)
            return
        self._tickets.discard(ticket)
        await websocket.accept()
        self.connected += 1
        connection = Connection(websocket, self.connected)
        hello = {
            "type": "hello",
            "num_connections": len(self.connections) + 1,
            "connection_info": {"app_id": APP},
        }
        connection.send(hello | {"debug_info": {"host": "stand-in", "approximate_connection_time": 18060}})
        self.connections.append(connection)
        if not self._held:
            self._release()
        writer = asyncio.create_task(self._write(connection))
        try:
            while True:
                self._read(await websocket.receive_text())
        except (WebSocketDisconnect, RuntimeError, KeyError):
            pass
        finally:
            self.connections.remove(connection)
            writer.cancel()
            for sent in connection.carried if connection.is_leaving else ():
                sent.lose()

    @staticmethod
    async def _write(connection: Connection) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while (text := await connection.outgoing.get()) is not None:
                await connection.websocket.send_text(text)
            await connection.websocket.close()

    def _read(self, text: str) -> None:
        if not text.startswith("{"):
            return
        frame = json.loads(text)
        sent = self._by_envelope.get(frame.get("envelope_id", ""))
        if sent is None:
            self.refused.append(Refused("socket", ["acknowledges no envelope of ours"], frame))
        elif self._take("ack"):
            sent.lose()
        else:
            self._acknowledged(sent, frame.get("payload") or {})

    async def _post(self, sent: Sent, attempt: int) -> None:
        if sent.kind == "events_api":
            body, kind = json.dumps(sent.payload), "application/json"
        else:
            body = urllib.parse.urlencode({"payload": json.dumps(sent.payload)})
            kind = "application/x-www-form-urlencoded"
        more = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_timeout"} if attempt else {}
        status, text = await asyncio.to_thread(self.post_signed, body, kind, headers=more)
        sent.status = status
        if status == 200 and self._take("ack"):
            sent.lose()
        elif status == 200:
            self._acknowledged(sent, json.loads(text) if text.startswith("{") else {})

    def post_signed(
        self,
        body: str,
        content_type: str = "application/x-www-form-urlencoded",
        *,
        url: str = "",
        age: float = 0.0,
        secret: str | None = None,
        signature: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        """POST a body with Slack's v0 signature, so old or so wrongly signed as a test wants it."""
        stamp = str(int(self.now() - age))
        key = (self.signing_secret if secret is None else secret).encode()
        signed = "v0=" + hmac.new(key, f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        request = urllib.request.Request(url or self.request_url, body.encode(), method="POST")
        request.add_header("Content-Type", content_type)
        request.add_header("X-Slack-Request-Timestamp", stamp)
        request.add_header("X-Slack-Signature", signed if signature is None else signature)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=ACKNOWLEDGE_SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")
        except OSError:
            return 0, ""

    # The Web API over HTTP.

    async def _api(self, request: Request) -> Response:
        method = request.path_params["method"]
        kind = request.headers.get("content-type", "").split(";")[0].strip()
        body = (await request.body()).decode("utf-8", "replace")
        is_json = kind == "application/json"
        try:
            args: Json = json.loads(body) if is_json and body else dict(urllib.parse.parse_qsl(body, True))
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_json"})
        args |= dict(request.query_params)
        token = args.pop("token", "") or request.headers.get("authorization", "").removeprefix("Bearer ")
        call = Call(method, args, time.monotonic())
        self.calls.append(call)
        if slow := self._take("slow", method):
            await asyncio.sleep(slow.value)
        limit = self._take("limit", method)
        if limit:
            return self._too_fast(call, limit.value)
        try:
            answer = {"ok": True} | self._do(method, args, token, is_json=is_json)
        except TooFast as fast:
            return self._too_fast(call, fast.seconds)
        except Refusal as refusal:
            call.error = refusal.error
            if refusal.breach:
                self.refused.append(Refused(method, refusal.why, args))
            if refusal.error.startswith("http_"):
                return PlainTextResponse("upstream trouble", int(refusal.error.removeprefix("http_")))
            answer = {"ok": False, "error": refusal.error, "response_metadata": {"messages": refusal.why}}
            answer |= {"errors": refusal.why} if refusal.error == "invalid_blocks" else {}
        if self._take("lose", method):
            call.error = "(answer lost)"
            _Http.transports[tuple(request.client or ())].abort()  # type: ignore[index]
        return JSONResponse(answer)

    def _too_fast(self, call: Call, seconds: float) -> Response:
        call.error = "ratelimited"
        self.limited.append(call)
        answer = {"ok": False, "error": "ratelimited"}
        return JSONResponse(answer, 429, headers={"Retry-After": str(math.ceil(seconds))})

    def _do(self, method: str, args: Json, token: str, *, is_json: bool) -> Json:
        work = getattr(self, _function(method), None)
        if work is None:
            raise Refusal("unknown_method", [method], breach=True)
        wanted = self.app_token if method == "apps.connections.open" else self.bot_token
        if token != wanted:
            known = token in (self.app_token, self.bot_token)
            raise Refusal("not_allowed_token_type" if known else "invalid_auth" if token else "not_authed")
        if fault := self._take("fail", method):
            raise Refusal(fault.value)
        if breaches := self.description.breaches(method, args, is_json=is_json):
            raise Refusal("invalid_arguments", [f"[ERROR] {one}" for one in breaches], breach=True)
        done = work(args)
        return dict(done)

    async def _upload(self, request: Request) -> Response:
        upload = self.files.get(request.path_params["name"])
        content = await request.body()
        if upload is None or len(content) != upload.length:
            self.refused.append(
                Refused("upload", ["not the bytes that were announced"], dict(request.path_params))
            )
            return PlainTextResponse("length mismatch", 400)
        upload.content = content
        return PlainTextResponse(f"OK - {len(content)}")

    def _response_url(self, about: Json) -> str:
        name = secrets.token_hex(12)
        self._responses[name] = about | {"left": 5}
        return self.api_url.replace("/api/", f"/actions/{name}")

    async def _respond(self, request: Request) -> Response:
        about = self._responses.get(request.path_params["name"])
        args: Json = json.loads(await request.body())
        self.calls.append(Call("response_url", args, time.monotonic()))
        if about is None or about["left"] < 1:
            return PlainTextResponse("used_url", 404)
        about["left"] -= 1
        try:
            text, blocks = self._content(args)
        except Refusal as refusal:
            self.refused.append(Refused("response_url", refusal.why, args))
            return JSONResponse({"ok": False, "error": refusal.error}, 400)
        if _yes(args.get("replace_original")):
            message = self.message(about["message_ts"])
            message.earlier.append(message.blocks)
            message.text, message.blocks = text, blocks
        else:
            shown = {"channel": about["channel_id"], "user": about["user"], "text": text, "blocks": blocks}
            self.ephemerals.append(shown | {"thread_ts": None})
        return PlainTextResponse("ok")


def _pressed(shown: list[list[Json]], action_id: str, value: str | None) -> tuple[Json, Json]:
    """The block and the element of the newest version that has such a button."""
    for blocks in shown:
        for block in blocks:
            for one in _elements(block):
                if one.get("action_id") == action_id and value in (None, one.get("value")):
                    return block, one
    there = [one.get("action_id") for block in shown[0] for one in _elements(block)]
    raise AssertionError(f"nobody can press {action_id!r}; there are {there}")


STATES = {
    "radio_buttons": ("selected_option", "initial_option"),
    "static_select": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "users_select": ("selected_user", "initial_user"),
}
"Where the state of an element holds what was chosen, and what it is at first; `value` for typed text."


def _filled(view: Json, values: Mapping[str, Mapping[str, Any]]) -> Json:
    """The state of a modal as a person leaves it: a plain text or option value will do for an element's state."""
    state: Json = {}
    asked = {
        block["block_id"]: block
        for block in view["blocks"]
        if block["type"] in ("input", "actions", "section")
    }
    for name, given in values.items():
        known = [one["action_id"] for one in _elements(asked.get(name, {})) if "action_id" in one]
        assert set(given) <= set(known), (
            f"block {name!r} has no {sorted(given)}; it has {known}; blocks: {list(asked)}"
        )
    for block in asked.values():
        for one in _elements(block):
            if one["type"] not in INPUTS:
                continue
            key, first = STATES.get(one["type"], ("value", "initial_value"))
            held = values.get(block["block_id"], {}).get(one["action_id"], one.get(first))
            if not isinstance(held, dict) or key not in held:
                held = {key: _chosen(one, held)}
            content = held[key]
            if block["type"] == "input" and not block.get("optional") and not content:
                raise AssertionError(f"{block['block_id']} must be filled in before this can be submitted")
            if isinstance(content, str) and "text_input" in one["type"]:
                most = one.get("max_length", 3000)
                assert length(content) <= most, f"{block['block_id']} takes {most} characters"
            state.setdefault(block["block_id"], {})[one["action_id"]] = {"type": one["type"]} | held
    return state


def _chosen(one: Json, held: Any) -> Any:
    """Options by their values, and what is empty as Slack leaves it empty."""
    options = [option for group in one.get("option_groups", [one]) for option in group.get("options", [])]
    if one["type"] in ("checkboxes", "multi_static_select"):
        names = [item["value"] if isinstance(item, dict) else item for item in held or []]
        found = [option for option in options if option["value"] in names]
        assert len(found) == len(names), f"no such options: {names}"
        return found
    if options and isinstance(held, str):
        found = [option for option in options if option["value"] == held]
        assert found, f"no such option: {held}"
        return found[0]
    return held or None


def main() -> None:
    """Run in the foreground and say how to reach it."""
    parser = argparse.ArgumentParser(description="A stand-in for Slack on loopback.")
    parser.add_argument("--port", type=int, default=0)
    with SlackServer(port=parser.parse_args().port) as server:
        print(f"api_url {server.api_url}")  # noqa: T201
        for name, value in server.environment.items():
            print(f"export {name}={value}")  # noqa: T201
        print(f'[slack] channel = "{server.channel}", team = "{TEAM}", approvers = ["U0DANA"]', flush=True)  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
