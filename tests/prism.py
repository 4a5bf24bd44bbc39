"""Prism, which holds every request of ours against a vendor's own OpenAPI file.

    with prism(shared / "specs/paddle/openapi.2025-05-27.yaml") as server:
        ...  # ask server.url
    assert server.violations() == []
    assert server.undocumented() == []
    assert server.used() == {"GET /customers", "GET /subscriptions"}

Between us and Prism stands a recorder: it notes what was asked, and lets a test amend what is answered (a spec's
example names a next page for ever). Prism comes from npm into a folder outside the repository: OUTGROWN_PRISM, else
one in the user's cache.
"""

import fcntl
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest

from tests.spark import free_port
from tests.vendors.server import Vendor

PACKAGE = "@stoplight/prism-cli@5.14.2"
READY_SECONDS = 240
"Large specs on a busy machine."
INSTALL_SECONDS = 300


@contextmanager
def prism(spec, *, errors=True, amend=None, base=""):
    """A mock of the API that `spec` describes, for as long as the block lasts; skips with a reason where none can be.

    `errors`: what breaks the spec is answered with a 4xx. `amend(asked, body)` gives the JSON to answer in place of
    `body`. `base` is the prefix of the API's paths that the spec keeps among its servers, as /api/v2.
    """
    if not Path(spec).is_file():
        pytest.skip(f"the spec {Path(spec).name} is not here; set OUTGROWN_SHARED to its folder")
    program = installed()
    if program.suffix != ".js":
        pytest.skip(str(program))
    port = free_port()
    command = [
        _node(),
        str(program),
        "mock",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        *["--errors"] * errors,
        str(spec),
    ]
    with tempfile.TemporaryDirectory(prefix="outgrown-prism-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder, env=_environment())
        try:
            _wait_for(process, log)
            with Recorder(Path(spec), port, log, amend, base) as recorder:
                yield recorder
                recorder.finish()
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


class Recorder(Vendor):
    """What stands between us and Prism; `url` is where to ask."""

    def __init__(self, spec, port, log, amend, base):
        super().__init__()
        self.spec, self.port, self.base = spec, port, base.rstrip("/")
        self._log, self._amend = log, amend
        self._said = []
        self._from_log = []

    def answer(self, asked):
        """Prism's answer, amended."""
        target = asked.target.removeprefix(self.base)
        ours = ("host", "connection", "content-length", "accept-encoding")
        headers = {name: value for name, value in asked.headers.items() if name not in ours}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(asked.method, target, body=asked.body or None, headers=headers)
            response = connection.getresponse()
            raw, status = response.read(), response.status
        finally:
            connection.close()
        try:
            body = json.loads(raw or b"null")
        except ValueError:
            body = raw
        self._note(asked, status, response.headers, body)
        if self._amend is not None and status < 400:
            body = self._amend(asked, body)
        return status, body, {}

    def _note(self, asked, status, headers, body):
        name = f"{asked.method} {asked.path.removeprefix(self.base)}"
        for one in json.loads(headers.get("sl-violations", "[]")):
            self._said.append(f"{name}: {one['message']} ({'.'.join(map(str, one['location']))})")
        if "problem+json" in headers.get("content-type", ""):
            self._said.append(f"{name}: {body.get('title')}: {body.get('detail')}")
        elif status >= 400 and "sl-violations" not in headers:
            self._said.append(f"{name}: answered {status}")

    def finish(self):
        """Read Prism's log once more; it is gone after the block."""
        self._from_log = self._logged()

    def violations(self):
        """What in our requests breaks the spec, one sentence each; empty when nothing was even refused."""
        logged = self._logged() if self._log.exists() else self._from_log
        return self._said + [line for line in logged if not any(line in said for said in self._said)]

    def _logged(self):
        text = re.sub(r"\x1b\[[0-9;]*m", "", self._log.read_text(encoding="utf-8", errors="replace"))
        found = re.findall(r"(?:Violation: \S+ |Request terminated with error: \S+ )(.+)", text)
        return list(dict.fromkeys(found))

    def undocumented(self):
        """Parameters in our queries that the spec does not name: Prism lets those pass. Also paths it does not know."""
        found = set()
        for asked in self.asked:
            operation = _operation(self.spec, asked.method, asked.path.removeprefix(self.base))
            if operation is None:
                found.add(f"{asked.method} {asked.path}")
                continue
            name, parameters = operation
            found |= {f"{name}: {given}" for given in asked.many if not _is_named(given, parameters)}
        return sorted(found)

    def used(self):
        """The operations of the spec that were asked, as `GET /subscriptions/{id}`."""
        found = (_operation(self.spec, one.method, one.path.removeprefix(self.base)) for one in self.asked)
        return {operation[0] for operation in found if operation}


def _is_named(given, parameters):
    """Whether a parameter is the spec's: as it stands, or as a member (`created[gte]`) of one that is."""
    return bool({given, given.split("[")[0], given.removesuffix("[]")} & parameters)


def _operation(spec, method, path):
    """The name of the operation and the names of its query parameters; None where the spec has no such path."""
    fits = [
        (template.count("{"), template)
        for template in _load(spec)["paths"]
        if re.fullmatch(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(template)), path)
    ]
    for _, template in sorted(fits):
        item = _load(spec)["paths"][template]
        if method.lower() in item:
            listed = [*item.get("parameters", []), *item[method.lower()].get("parameters", [])]
            given = [_resolved(spec, one) for one in listed]
            names = {one["name"] for one in given if one["in"] in ("query", "formData")}
            return f"{method} {template}", names
    return None


def _resolved(spec, one):
    while "$ref" in one:
        at = _load(spec)
        for part in one["$ref"].removeprefix("#/").split("/"):
            at = at[part.replace("~1", "/").replace("~0", "~")]
        one = at
    return one


@cache
def _load(spec):
    """The spec, parsed."""
    text = Path(spec).read_text(encoding="utf-8")
    if Path(spec).suffix == ".json":
        return json.loads(text)
    import yaml

    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def installed():
    """Where Prism's program is, fetched from npm if need be; or, in place of a .js file, why there is none."""
    if _node() is None or shutil.which("npm") is None:
        return Path("Prism needs node and npm: install nodejs and npm")
    folder = _folder()
    program = folder / "node_modules/@stoplight/prism-cli/dist/index.js"
    manifest = folder / "node_modules/@stoplight/prism-cli/package.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "install.lock").open("w") as lock:
            # Tests run side by side, and one fetches for all.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if manifest.is_file() and f"@{json.loads(manifest.read_text())['version']}" in PACKAGE:
                return program
            command = [
                "npm",
                "install",
                "--prefix",
                str(folder),
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                PACKAGE,
            ]
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False, cwd=folder
            )
    except (OSError, subprocess.TimeoutExpired) as why:
        return Path(f"Prism could not be installed: {type(why).__name__}")
    if done.returncode or not program.is_file():
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        return Path(f"Prism could not be installed by npm: {last.replace('.js', ' js')}")
    return program


def _folder():
    given = os.environ.get("OUTGROWN_PRISM")
    if given:
        return Path(given)
    cache_home = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache_home) if cache_home else Path.home() / ".cache") / "outgrown" / "prism"


def _node():
    return shutil.which("node")


def _environment():
    """Nothing of ours but what node needs: no key, no proxy."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}


def _wait_for(process, log):
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        text = log.read_text(encoding="utf-8", errors="replace")
        if "Prism is listening" in text:
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    raise AssertionError(f"Prism did not start: {said}")


if __name__ == "__main__":
    # So that .ci/run can fetch it beforehand: `python -m tests.prism`.
    sys.exit(None if installed().suffix == ".js" else str(installed()))
