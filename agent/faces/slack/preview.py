"""Block Kit as a page: what Slack would show, to look at without Slack; no script, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence

from pydantic import Field

from agent.faces.slack.blocks import Block
from agent.faces.slack.naming import Rendered
from agent.foundation.shipped import shipped
from agent.signals.finding import Frozen


class Shown(Frozen):
    """One message or one modal, with what stands above it on the page."""

    caption: str
    blocks: tuple[Block, ...] = ()
    text: str = ""
    "What a notification shows."
    view: Block | None = None
    "A modal; else it is a message."
    errors: Mapping[str, str] = Field(default_factory=dict)
    "What Slack would show in red beneath a modal's inputs, by block."


def shown_message(caption: str, rendered: Rendered) -> Shown:
    """A message for the page."""
    return Shown(caption=caption, blocks=tuple(rendered.blocks), text=rendered.text)


def shown_modal(caption: str, view: Block, errors: Mapping[str, str] | None = None) -> Shown:
    """A modal for the page."""
    return Shown(caption=caption, view=view, errors=dict(errors or {}))


def preview(
    shown: Sequence[Shown] | Sequence[Block], title: str, images: Mapping[str, bytes] | None = None
) -> str:
    """The page of messages and modals (or of one message's blocks); `images` are PNGs by Slack's file id."""
    from jinja2 import ChainableUndefined, Environment, FileSystemLoader
    from markupsafe import Markup

    several = [one for one in shown if isinstance(one, Shown)]
    if len(several) != len(shown):
        several = [Shown(caption="Message", blocks=tuple(one for one in shown if not isinstance(one, Shown)))]
    folder = shipped("templates", "slack")
    # What a block may leave out is many things; a block of Slack's that we do not know is shown by its name.
    env = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["mrkdwn"] = lambda text: Markup(_mrkdwn(str(text)))  # noqa: S704 - escaped in there
    style = (folder / "preview.css").read_text(encoding="utf-8")
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return env.get_template("preview.html.j2").render(
        title=title,
        shows=several,
        images={name: _as_url(data) for name, data in (images or {}).items()},
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=hashed,
    )


REFERENCE = re.compile(r"&lt;(.+?)&gt;")
MARKED = (
    (re.compile(r"```(.+?)```", re.DOTALL), "pre"),
    (re.compile(r"`([^`\n]+)`"), "code"),
    (re.compile(r"(?<![\w*])\*(?!\s)([^*\n]+)(?<!\s)\*(?![\w*])"), "strong"),
    (re.compile(r"(?<![\w_])_(?!\s)([^_\n]+)(?<!\s)_(?![\w_])"), "em"),
    (re.compile(r"(?<![\w~])~(?!\s)([^~\n]+)(?<!\s)~(?![\w~])"), "s"),
)


def _mrkdwn(text: str) -> str:
    """Slack's markup as HTML: what it would turn into a mention, a link or a style, is seen to be one."""
    from markupsafe import escape

    # Slack undoes the three escapes of its markup after it has read the markup.
    marked = REFERENCE.sub(_reference, str(escape(text)))
    for pattern, tag in MARKED:
        marked = pattern.sub(rf"<{tag}>\1</{tag}>", marked)
    return re.sub(r"&amp;(lt|gt|amp);", r"&\1;", marked)


def _reference(found: re.Match[str]) -> str:
    target, _, label = found[1].partition("|")
    if target.startswith(("@", "#", "!")):
        kind = {"!": "@"}.get(target[0], target[0])
        shown = (
            label if label and target.startswith("!date") else f"{kind}{target[1:].removeprefix('subteam^')}"
        )
        return f'<span class="mention">{shown}</span>'
    return f'<span class="linked">{label or target}</span>'


def _as_url(image: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"
