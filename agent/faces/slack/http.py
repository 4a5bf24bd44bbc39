"""HTTP mode: Slack's requests by a public address, their signature and age checked by Bolt before anything else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from slack_bolt import BoltRequest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from agent.faces.serving.http import read_body
from agent.faces.slack.client import SlackTrouble
from agent.faces.slack.connecting import THREADS

if TYPE_CHECKING:
    from agent.faces.slack.desk import Desk

log = logging.getLogger("outgrown.slack")

PATH = "/slack/events"
"Where the manifest of HTTP mode sends everything."


def routes(desk: Desk) -> list[Route]:
    """The one route that takes clicks, dialogues and events; each waits for its own thread, not for the others."""
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="slack-http")

    async def take(request: Request) -> Response:
        body = await read_body(request)
        if body is None:
            return PlainTextResponse("too large, or too slow", 413)
        headers: dict[str, str | Sequence[str]] = dict(request.headers)
        # What is no text is not as Slack signed it.
        text = body.decode("utf-8", "replace")
        asked = BoltRequest(body=text, query=str(request.url.query), headers=headers)
        try:
            said = await asyncio.get_running_loop().run_in_executor(pool, desk.handle, asked)
        except SlackTrouble as trouble:
            # Who we are is not known yet: Slack asks again.
            log.warning("a request of Slack's came too early: %s", trouble)
            return PlainTextResponse("not ready", 503)
        made = Response(said.body, said.status)
        for name, value in said.first_headers_without_set_cookie().items():
            made.headers[name] = value
        return made

    return [Route(PATH, take, methods=["POST"])]
