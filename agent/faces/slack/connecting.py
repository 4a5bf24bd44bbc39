"""The socket to Slack: opened, watched, and opened again when it is gone, however quietly it went."""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING

from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler

if TYPE_CHECKING:
    from slack_bolt import App

    from agent.faces.slack.client import Slack

log = logging.getLogger("outgrown.slack")

THREADS = 128
"Envelopes looked at side by side: as many as may wait for one transaction."
PING_SECONDS = 5.0
LOOK_SECONDS = 0.5
LONGEST_PAUSE = 30.0


class Line:
    """The one connection of a process."""

    def __init__(self, app: App, slack: Slack) -> None:
        token = slack.access.app_token
        self._handler = SocketModeHandler(
            app,
            token.get_secret_value() if token else "",
            web_client=slack.once,
            logger=logging.getLogger("outgrown.slack.socket"),
            concurrency=THREADS,
            ping_interval=PING_SECONDS,
            receive_buffer_size=65536,
        )
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
