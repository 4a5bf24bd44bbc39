"""The digest as one self-contained HTML file: no script, nothing fetched."""

from __future__ import annotations

import base64
import hashlib

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agent.drafting.wording import clean
from agent.faces import digest_words as words
from agent.faces.digest import DigestView
from agent.faces.digest_chart import draw
from agent.foundation.shipped import shipped
from agent.signals import display


def html(view: DigestView) -> str:
    """The page; everything that came from outside is escaped."""
    folder = shipped("templates", "digest")
    env = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(clean=clean, day=lambda value: display.day(value).display)
    style = (folder / "digest.css").read_text(encoding="utf-8")
    page = env.get_template("digest.html.j2")
    # The hash lets this one style sheet in and nothing else: markup smuggled in by a name could do nothing.
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return page.render(
        view=view,
        words=words,
        charts=[draw(entry.chart) if entry.chart and entry.chart.points else None for entry in view.top],
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=hashed,
    )
