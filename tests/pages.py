"""What a page that Outgrown writes is made of, for the tests of digest, backtest and evaluation."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
]  # fmt: skip


class Page(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def fetches_and_runs_nothing(text: str, within: str = "") -> None:
    """Assert that there is no script, link, image or inline style; the policy lets in the one style sheet alone.

    `within` is a url() that points into the page itself.
    """
    page = Page(text)
    not_allowed = {"script", "link", "img", "iframe", "object", "form", "base", "a"}
    assert not {tag for tag, _ in page.tags} & not_allowed
    for _, attributes in page.tags:
        assert not {name for name in attributes if name.startswith("on") or name in {"style", "src", "href"}}
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{hashed}'" in text
    assert not re.search(r"url\(|@import|https?:", text.replace(f"url({within})", "") if within else text)


def fits_the_width(text: str, width: int, folder: Path) -> None:
    """Assert that a page, opened in a browser at `width` pixels, does not scroll sideways; `folder` is scratch."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    # The policy forbids scripts, so the copy that measures itself goes without it; the layout is the same.
    measured = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    sizes = "[innerWidth, document.documentElement.scrollWidth, document.body.scrollWidth]"
    probe = f"<script>parent.document.title = {sizes}.join(' ')</script></body>"
    # A browser window has a least width; a frame has not.
    frame = escape(measured.replace("</body>", probe), quote=True)
    page = folder / "frame.html"
    page.write_text(
        f'<iframe width="{width}" height="900" frameborder="0" srcdoc="{frame}"></iframe>', "utf-8"
    )
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    inner, document, body = map(int, re.search(r"<title>(\d+) (\d+) (\d+)</title>", done.stdout).groups())
    assert inner == width
    assert max(document, body) <= width
