"""The service's own small web server: health, metrics, the doors for webhooks and for Slack's HTTP mode."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent.faces.serving.hooks import LARGE_AT_ONCE, LARGEST_CALL, is_open, take_call
from agent.faces.serving.voice import Voice
from agent.foundation.errors import ConfigError, InputError, NotFound, OutgrownError, StoreError

if TYPE_CHECKING:
    from agent.wiring import House

LARGEST_BODY = 1_000_000
BODY_SECONDS = 10.0
"How long a caller may take to send it."
AT_ONCE = 64
"Callers at a time; more are told to come back."
PROVIDERS = ("resend", "postmark")

Health = Callable[[], tuple[bool, dict[str, Any]]]


def application(
    house: House,
    voice: Voice,
    health: Health,
    page: Callable[[], tuple[bytes, str]],
    also: Sequence[Route] = (),
) -> Starlette:
    """The routes; whatever goes wrong inside them is told to us, never to the caller."""

    def healthz(_: Request) -> Response:
        is_well, document = health()
        return JSONResponse(document, 200 if is_well else 503)

    def metrics(_: Request) -> Response:
        body, kind = page()
        return Response(body, headers={"content-type": kind})

    large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def webhooks(request: Request) -> Response:
        provider = request.path_params["provider"]
        if provider in PROVIDERS and request.method == "POST":
            return await taken(request, take_webhook, LARGEST_BODY)
        if not is_open(house, provider):
            return JSONResponse({"error": "no such provider"}, 404)
        if request.method == "HEAD":
            # Intercom looks whether somebody is there before it takes the address.
            return Response()
        given = request.headers.get("content-length", "")
        if given.isdigit() and int(given) <= LARGEST_BODY:
            return await taken(request, take_call, LARGEST_BODY)
        async with large:
            return await taken(request, take_call, LARGEST_CALL)

    async def taken(request: Request, take: Callable[..., int], largest: int) -> Response:
        body = await read_body(request, largest)
        if body is None:
            return JSONResponse({"error": "too large, or too slow"}, 413)
        headers = {name.lower(): value for name, value in request.headers.items()}
        provider = request.path_params["provider"]
        status = await run_in_threadpool(take, house, provider, headers, body, voice)
        return JSONResponse({"ok": status == 200}, status)

    async def unforeseen(request: Request, error: Exception) -> Response:
        says = str(error) if isinstance(error, OutgrownError) else f"{type(error).__name__}, unforeseen"
        voice.trouble(f"http {request.url.path[:40]}", says)
        return JSONResponse({"error": "this did not work"}, 503 if isinstance(error, StoreError) else 500)

    routes = [
        Route("/healthz", healthz, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
        Route("/webhooks/{provider:str}", webhooks, methods=["POST", "HEAD"]),
        *also,
    ]
    return Starlette(routes=routes, exception_handlers={OutgrownError: unforeseen, Exception: unforeseen})


async def read_body(request: Request, largest: int = LARGEST_BODY) -> bytes | None:
    """The body; None for one that is larger or comes too slowly."""
    given = request.headers.get("content-length", "")
    if given.isdigit() and int(given) > largest:
        return None
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > largest:
                    return None
    except TimeoutError:
        return None
    return bytes(body)


def take_webhook(house: House, provider: str, headers: dict[str, str], body: bytes, voice: Voice) -> int:
    """What a mail provider tells us of bounces and complaints, taken in; answers an HTTP status."""
    from agent.delivery.bounces import NotGenuine, read_webhook
    from agent.foundation import clock

    try:
        told = read_webhook(provider, headers, body, house.workspace.mail, clock.now())
    except NotGenuine as refused:
        voice.trouble(f"webhook of {provider}", str(refused))
        return 401
    except InputError as bad:
        voice.trouble(f"webhook of {provider}", str(bad))
        return 400
    fresh = house.again(provider)
    for one in told:
        # One about an address that nobody can tell is not told again: the provider would never stop.
        with suppress(NotFound):
            fresh.bounced(**one.model_dump())
    return 200


class Server:
    """Uvicorn in a thread, on a socket that is bound before it starts, so that a taken port is told at once."""

    def __init__(self, app: Starlette, host: str, port: int) -> None:
        import uvicorn

        self._socket = _bound(host, port)
        self.address = _address(self._socket)
        config = uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=5,
            limit_concurrency=AT_ONCE,
            h11_max_incomplete_event_size=65_536,
            http="h11",
            ws="none",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self, seconds: float = 10.0) -> None:
        """Listen."""
        self._thread.start()
        deadline = time.monotonic() + seconds
        while not self._server.started and self._thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self, seconds: float) -> bool:
        """Take no more callers; whether those under way ended within so many seconds."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])


def _bound(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises ConfigError with how to mend it.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    except OSError as bad:
        raise ConfigError(
            f"host in [serve] is {host!r}, which is no address of this machine; mend it."
        ) from bad
    # By its number: without it asyncio does not know TCP, and an answer waits 40 ms for the caller's acknowledgement.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as bad:
        bound.close()
        said = (bad.strerror or str(bad)).lower()
        raise ConfigError(
            f"Port {port} on {host} cannot be listened on ({said}); "
            "stop what has it, or choose another with --port N."
        ) from bad
    return bound


def _address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
