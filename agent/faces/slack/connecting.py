"""The socket to Slack: opened, watched, and opened again when it is gone, however quietly it went."""

from __future__ import annotations

import logging
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from slack_bolt import BoltRequest
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_sdk.socket_mode.response import SocketModeResponse

from agent.faces.slack.keeping import not_waiting

if TYPE_CHECKING:
    from slack_bolt import App
    from slack_sdk.socket_mode.builtin import SocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest

    from agent.faces.slack.client import Slack

log = logging.getLogger("outgrown.slack")

THREADS = 128
"Envelopes looked at side by side: as many as may wait for one transaction, or for what a dialogue shall say."
BUTTONS = "block_actions"
"Envelopes whose acknowledgement says nothing but that they are kept."
PING_SECONDS = 5.0
LOOK_SECONDS = 0.5
LONGEST_PAUSE = 30.0


class _Handler(SocketModeHandler):
    """Bolt's own, except that no thread waits while a pressed button is kept: two hundred would be in each other's way."""

    acknowledging: ThreadPoolExecutor
    "One thread: Slack takes one word after the other, and whoever keeps clicks must not wait for Slack."

    def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        """Let the app look at it; acknowledge what it took as soon as that is kept."""
        if req.payload.get("type") != BUTTONS:
            super().handle(client, req)
            return
        with not_waiting() as brought:
            said = self.app.dispatch(BoltRequest(mode="socket_mode", body=req.payload))
        if said.status != 200:
            return
        if brought:
            brought[0].add_done_callback(lambda kept: self._later(client, req, kept))
        else:
            self._acknowledge(client, req)

    def _later(self, client: SocketModeClient, req: SocketModeRequest, kept: Future[bool]) -> None:
        """What is kept is acknowledged; what could not be is looked at once more, by one who waits and tells why."""
        try:
            if kept.exception() is None:
                self.acknowledging.submit(self._acknowledge, client, req)
            else:
                client.message_workers.submit(super().handle, client, req)
        except RuntimeError:
            log.info("a click was kept too late to be acknowledged: everything ends")

    def _acknowledge(self, client: SocketModeClient, req: SocketModeRequest) -> None:
        try:
            client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))
        except Exception as error:
            log.info("a click could not be acknowledged, and will come again: %s", error)


class Line:
    """The one connection of a process."""

    def __init__(self, app: App, slack: Slack) -> None:
        token = slack.access.app_token
        self._handler = _Handler(
            app,
            token.get_secret_value() if token else "",
            web_client=slack.once,
            logger=logging.getLogger("outgrown.slack.socket"),
            concurrency=THREADS,
            ping_interval=PING_SECONDS,
            receive_buffer_size=65536,
        )
        self._handler.acknowledging = ThreadPoolExecutor(1, thread_name_prefix="slack-acknowledge")
        self._client = self._handler.client

    @property
    def is_connected(self) -> bool:
        """Whether Slack can reach us, as far as can be seen from here."""
        return bool(self._client.is_connected())

    def watch(self, ended: threading.Event) -> None:
        """Connect, and connect again whenever that is needed, until everything ends."""
        pause = 1.0
        while not ended.is_set():
            if self._is_cut():
                # The library would read nothing from it, as fast as it can, for several pings.
                log.info("the connection to Slack was cut")
                self._drop()
            if self.is_connected:
                pause = 1.0
                ended.wait(LOOK_SECONDS)
                continue
            try:
                self._client.connect_to_new_endpoint()
            except Exception as error:
                log.warning("Slack cannot be reached (%s); tried again in %.0f s", error, pause)
            if not self.is_connected and not ended.wait(pause):
                pause = min(pause * 2, LONGEST_PAUSE)

    def close(self) -> None:
        """Take nothing more; what is being looked at is ended first."""
        try:
            self._client.close()
        except Exception as error:
            log.info("the connection to Slack was gone before it was closed: %s", error)
        self._handler.acknowledging.shutdown(wait=False, cancel_futures=True)

    def _drop(self) -> None:
        try:
            self._client.disconnect()
        except Exception as error:
            # The library saw it at the same moment.
            log.debug("the connection to Slack is gone: %s", error)

    def _is_cut(self) -> bool:
        """Whether the other side has gone without a word."""
        session = self._client.current_session
        ours = session.sock if session is not None else None
        if ours is None:
            return False
        try:
            # The plain socket's own: one that is encrypted does not let itself be peeked into.
            return socket.socket.recv(ours, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except (BlockingIOError, InterruptedError):
            return False
        except TimeoutError:
            return False
        except OSError:
            return True
