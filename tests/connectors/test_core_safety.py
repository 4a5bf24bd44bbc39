"""Keys go to the vendor alone, and stay nowhere; nothing in anybody's folders says how we load."""

import os
import ssl
import stat
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pydantic import ValidationError

from agent.foundation.errors import ConfigError, KeyRefused, SourceFailed, VendorRefused
from agent.foundation.settings import open_workspace
from connectors import sync
from connectors._api import Api, is_of, proxies_for, said_by
from connectors._landing import Landing
from connectors._vendor import Source
from tests.faultrig import Rig, use
from tests.vendors.server import Refusal, Vendor
from tests.vendors.small import KEY, SMALL, Settings, SmallServer


@pytest.fixture
def rig(tmp_path, monkeypatch):
    """The small vendor behind its proxy."""
    with Rig("small", tmp_path, stand_in=SmallServer(pages=10)) as found:
        use(monkeypatch, found)
        yield found


def files_of(workspace):
    """Every file of a workspace."""
    return [path for path in workspace.folder.rglob("*") if path.is_file()]


def assert_no_key(workspace, *texts):
    for path in files_of(workspace):
        assert KEY.encode() not in path.read_bytes(), path
    for text in texts:
        assert KEY not in text


def test_no_file_and_no_sentence_holds_a_key(rig, capfd, caplog):
    """After a reading that broke off, one whose refusal quotes the key, and one that ended well."""
    caplog.set_level("DEBUG")
    workspace, said = rig.desk(), []
    rig.proxy.reset(lambda question: "503" if question.number > 4 else None)
    said += [sync.fetch(workspace, ["small"], progress=said.append)[0].failed]
    answer = rig.stand_in.answer

    def quoting(asked):
        if asked.path == "/plans":
            raise Refusal(402, {"error": f"{asked.headers['authorization']} of {KEY} has not paid"})
        return answer(asked)

    rig.stand_in.answer = quoting
    rig.proxy.reset()
    landed = sync.fetch(workspace, ["small"], progress=said.append)[0]
    assert "***" in landed.failed
    said.append(landed.failed)
    assert len(files_of(workspace)) > 3
    assert_no_key(workspace, *said)
    rig.stand_in.answer = answer
    assert rig.sync(workspace).failed == ""
    assert_no_key(
        workspace, *said, *capfd.readouterr(), "\n".join(record.getMessage() for record in caplog.records)
    )


def test_only_the_owner_may_look(rig):
    """Folders are 0700 and files 0600, in the middle of a reading and after it."""
    workspace = rig.desk()
    landing = Landing(workspace, "small")
    for plan in (lambda question: "503" if question.number > 4 else None, lambda question: None):
        rig.proxy.reset(plan)
        rig.sync(workspace)
        for path in (landing.folder.parent, *landing.folder.parent.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode == (0o700 if path.is_dir() else 0o600), path


class Elsewhere(Vendor):
    """A server that is not the vendor's."""

    def answer(self, asked):
        return {"data": [], "name": "elsewhere"}


def test_keys_do_not_follow_to_another_server(rig):
    """Neither where the vendor redirects us, nor where its next page seems to be."""
    with Elsewhere() as other:
        answer = rig.stand_in.answer
        rig.stand_in.links_to = other.url
        workspace = rig.desk()
        rig.stand_in.tables["/bills"] *= 3
        rig.sync(workspace)
        for status in (301, 302, 303, 307, 308):

            def moved(asked, status=status):
                if asked.path in ("/customers", "/tickets/search"):
                    raise Refusal(status, {}, Location=other.url + asked.path)
                return answer(asked)

            rig.stand_in.answer = moved
            rig.sync(rig.desk())
        assert len(other.asked) > 5
        for asked in other.asked:
            assert KEY not in repr(asked.headers)
            assert KEY not in asked.target
            assert KEY.encode() not in asked.body


def test_nothing_is_asked_without_encryption(rig):
    """An answer that leads to plain HTTP somewhere else is not followed."""
    rig.stand_in.links_to = "http://192.0.2.1"
    rig.stand_in.tables["/bills"] *= 3
    landed = rig.sync(rig.desk())
    assert "192.0.2.1 without encryption" in landed.failed


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://acme.example", True),
        ("http://127.0.0.1:8080", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("http://acme.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1@evil.example", False),
        ("https://", False),
        ("ftp://acme.example", False),
        ("file:///etc/passwd", False),
        ("//acme.example", False),
    ],
)
def test_where_a_vendor_may_be(url, may, monkeypatch):
    """Encrypted, or on this machine; in the settings and in the environment alike."""
    if may:
        assert Source(base_url=url).base_url == url
        return
    with pytest.raises(ValidationError, match="https"):
        Source(base_url=url)
    monkeypatch.setenv("OUTGROWN_SMALL_URL", url)
    with pytest.raises((ValidationError, ConfigError), match="https"):
        Api(SMALL, Settings(), {"SMALL_KEY": KEY})


@pytest.mark.parametrize(
    ("base", "own", "url", "may"),
    [
        ("https://api.v.com", "https://api.v.com", "https://api.v.com/x", True),
        ("https://api.v.com", "https://api.v.com", "https://files.v.com/x", True),
        ("https://api.v.com", "https://api.v.com", "http://files.v.com/x", False),
        ("https://api.v.com", "https://api.v.com", "https://evilv.com/x", False),
        ("https://api.v.com", "https://api.v.com", "https://v.com.evil.example/x", False),
        ("https://acme.desk.example", "", "https://other.desk.example/x", False),
        ("https://proxy.acme.example", "https://api.v.com", "https://x.acme.example/x", False),
        ("http://127.0.0.1:1", "https://api.v.com", "http://127.0.0.1:2/x", False),
        ("https://api.v.com", "https://api.v.com", "https://api.v.com@evil.example/x", False),
    ],
)
def test_whose_address_it_is(base, own, url, may):
    """Keys go to the address itself, and to others of the vendor's own domain."""
    assert is_of(base, own, url) is may


def test_the_proxy_of_the_environment(monkeypatch):
    """For encrypted addresses, in capitals or not, unless it says otherwise."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    assert proxies_for("https://api.v.com") == {"https": "http://proxy.example:3128"}
    assert proxies_for("http://127.0.0.1:1") == {}
    monkeypatch.setenv("NO_PROXY", "v.com")
    assert proxies_for("https://api.v.com") == {}


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path, monkeypatch):
    """Nothing is sent; with the company's own authority named it works."""
    trustme = pytest.importorskip("trustme")
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(dict(self.headers))
            body = b'{"name": "tested"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *given):
            pass

    class Quiet(HTTPServer):
        def handle_error(self, request, client_address):
            pass

    authority = trustme.CA()
    server = Quiet(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        section = Settings(base_url=f"https://127.0.0.1:{server.server_address[1]}")
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        with pytest.raises(SourceFailed, match="certificate"):
            Api(SMALL, section, {"SMALL_KEY": KEY}).get("/me")
        assert seen == []
        bundle = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(str(bundle))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        assert Api(SMALL, section, {"SMALL_KEY": KEY}).get("/me") == {"name": "tested"}
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_the_machines_own_passwords_are_not_sent(rig, tmp_path, monkeypatch):
    """A .netrc that names the vendor's host changes nothing."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login mallory password hunter2\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    assert rig.sync(rig.desk()).failed == ""
    assert all(asked.headers["authorization"] == f"Bearer {KEY}" for asked in rig.stand_in.asked)


@pytest.mark.parametrize("name", ["../../etc", "small/../x", "Small", "nobody"])
def test_only_known_vendors_become_folders(name, tmp_path, monkeypatch):
    """A table for anything else is refused before any path is made of it."""
    (tmp_path / "outgrown.toml").write_text(
        f'[company]\nname = "A"\nproduct = "A"\nsender_name = "D"\nsender_email = "d@a.example"\n[connectors."{name}"]\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigError, match="there is no connector"):
        sync.configured(open_workspace(tmp_path).settings)
    assert not (tmp_path / ".outgrown" / "landing").exists()


SCRIPT = """
import socket, sys
from pathlib import Path
went = []
def connect(self, address, real=socket.socket.connect):
    went.append(address)
    return real(self, address)
socket.socket.connect = connect
from connectors import VENDORS, sync
from tests.vendors.small import SMALL, SmallServer
VENDORS["small"] = SMALL
from agent.foundation.settings import open_workspace
from agent.foundation.warehouse import open_warehouse
from tests.faultrig import COMPANY, READ_AT
with SmallServer(pages=10) as server:
    folder = Path(sys.argv[1])
    (folder / "outgrown.toml").write_text(COMPANY + server.workspace())
    workspace = open_workspace(folder)
    landed = sync.fetch(workspace)
    assert not landed[0].failed, landed
    with open_warehouse(workspace.facts_file, write=True) as warehouse:
        sync.run(workspace, warehouse, read_at=READ_AT, landed=landed)
        assert warehouse.duck.execute("SELECT count(*) FROM invoices").fetchone()[0] > 5
    port = int(server.url.rpartition(":")[2])
    assert {address for address in went} == {("127.0.0.1", port)}, went
"""
HOSTILE = """
[runtime]
log_level = "DEBUG"
dlthub_telemetry = true
sentry_dsn = "https://a@192.0.2.1/1"
slack_incoming_hook = "https://192.0.2.1/hook"
[schema]
naming = "evil"
[normalize]
loader_file_format = "insert_values"
[load]
raise_on_failed_jobs = false
workers = 0
[destination.duckdb]
credentials = "evil.duckdb"
[destination]
naming_convention = "evil"
[sources]
max_table_nesting = 5
[extract]
workers = 0
max_parallel_items = 0
"""


def test_nobody_elses_configuration_of_dlt_matters(tmp_path):
    """In the current folder, in the home, in the environment: what is loaded is the same, and nobody else is told."""
    here, home, folder = (tmp_path / name for name in ("here", "home", "work"))
    for place in (here, home):
        (place / ".dlt").mkdir(parents=True)
        for name in ("config.toml", "secrets.toml"):
            (place / ".dlt" / name).write_text(HOSTILE, encoding="utf-8")
    folder.mkdir()
    (here / "evil.py").write_text("open('was_here', 'w').close()\n", encoding="utf-8")
    root = str(Path(__file__).parents[2])
    env = {
        **os.environ, "HOME": str(home), "PYTHONPATH": root, "SMALL_KEY": KEY, "PYTHONDONTWRITEBYTECODE": "1",
        "DESTINATION__DUCKDB__CREDENTIALS": "evil.duckdb", "RUNTIME__SENTRY_DSN": "https://a@192.0.2.1/1",
        "SCHEMA__NAMING": "evil", "LOAD__WORKERS": "0",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)],
        cwd=here,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert sorted(path.name for path in here.iterdir()) == [".dlt", "evil.py"]
    assert sorted(path.name for path in home.rglob("*") if path.is_file()) == ["config.toml", "secrets.toml"]


def test_what_a_refusal_says_is_short_and_one_line():
    """Whatever a vendor writes into it."""

    class Said:
        content = b'{"errors": [{"detail": "one\\n\\ttwo' + b" three" * 100 + b'"}]}'

    assert said_by(Said()).startswith("one two three")
    assert len(said_by(Said())) <= 120


def test_refusals_name_the_key_and_never_show_it(rig):
    """A key that is refused is told by its name and the rights it needs."""
    rig.stand_in.key = "another"
    with pytest.raises(KeyRefused, match=r"SMALL_KEY.*read:all"):
        SMALL.check(Api(SMALL, Settings(base_url=rig.stand_in.url), {"SMALL_KEY": KEY}))
    assert issubclass(KeyRefused, VendorRefused)


CLI = """
import sys
from connectors import VENDORS
from tests.vendors.small import SMALL
VENDORS["small"] = SMALL
from agent.faces.cli import main
main()
"""


@pytest.mark.slow
def test_the_command_line_ends_quietly(rig):
    """Whatever came of a sync, its last words are ours: no library tells of what it left open."""
    workspace = rig.desk()
    root = str(Path(__file__).parents[2])
    env = {**os.environ, "PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*arguments):
        command = [sys.executable, "-c", CLI, *arguments, "--workspace", str(workspace.folder)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
        for word in ("nanobind", "leaked", "Traceback", "dlt", KEY):
            assert word not in done.stderr + done.stdout, done.stderr
        return done

    assert run("sync").returncode == 0
    assert run("sync", "--json").returncode == 0
    rig.stand_in.key = "another"
    refused = run("sync")
    assert refused.returncode == 1
    assert "SMALL_KEY" in refused.stderr
    assert run("sync", "nobody").returncode == 2
    assert run("scan").returncode == 0
