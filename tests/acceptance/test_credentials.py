"""Signing in for a connection, with the daemon, the command line and the vendor as three processes or servers: connect,
restart, rotation, kill -9 between, and no secret in the clear anywhere.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, build_opener

import pytest

from syncd.testing.daemon import Daemon, DaemonDied, Nursery
from tests.support import cli, oauth
from tests.support.oauth import ACCOUNT, SECRET, Vendor

BRANDS = (
    "brands:\n  - name: acme\n    zone: UTC\n    owner: dana@acme.example\n"
    "    markets: [{name: US, territory: US, language: en-US}]\n"
)
PIM = "connector: table\nbrand: acme\nroles: [catalog]\nowner: dana@acme.example\noptions: {source: products.csv}\n"
LIFE, POLL = 30, 5
"""Seconds an access token lives, and between calls of the vendor."""
SYNCD = [sys.executable, "-c", "from syncd.cli import main; main()"]
BROWSER = "#!{}\nimport sys, urllib.request\nurllib.request.urlopen(sys.argv[1], timeout=60).read()\n"
OTHER_KEY = base64.b64encode(bytes(range(32))).decode()


class Shop:
    """A house whose one connection a person signs in for, with its daemons."""

    def __init__(self, root: Path, nursery: Nursery, vendor: Vendor, ledger: str = "", **keys: str) -> None:
        self.root, self.nursery, self.vendor = root, nursery, vendor
        self.daemons: list[Daemon] = []
        self.environment = {"VENDOR_SECRET": SECRET} | (
            {"SYNCD_LEDGER": ledger, "SYNCD_BLOBS_SHARED": "true"} if ledger else {}
        )
        for name, text in {
            "connectors/vendor.py": oauth.CONNECTOR,
            "connectors/shop.yaml": oauth.connection(vendor.url, poll=f"{POLL}s", **keys),
            "connectors/pim.yaml": PIM,
            "products.csv": "sku,gtin,title,status\nGL-0001,,Serum,active\n",
            "mappings/brands.yaml": BRANDS,
        }.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)

    def start(self, *arguments: str, **environment: str) -> Daemon:
        now = {"now": self.daemons[-1].now} if self.daemons else {}
        daemon = Daemon(self.root, self.nursery, self.environment | environment, **now)
        self.daemons.append(daemon)
        daemon.start(*arguments)
        return daemon

    def close(self) -> None:
        if self.vendor.hold:
            self.vendor.hold.set()
        for daemon in self.daemons:
            daemon.close()

    # --- a person --------------------------------------------------------------------------------------------------

    def type(
        self, daemon: Daemon, *words: str, given: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, as somebody at the daemon's machine would."""
        return subprocess.run(
            [*SYNCD, *words], env=cli.environment(self.root, daemon.port) | environment, cwd=self.root, input=given,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def browser(self) -> str:
        """A browser that follows where it is sent, and closes."""
        path = self.root / "browser"
        path.write_text(BROWSER.format(sys.executable))
        path.chmod(0o755)
        return f"{path} %s"

    def sign_in(self, daemon: Daemon) -> Mapping[str, Any]:
        """Sign in through the API alone."""
        path = "/connections/shop/authorization"
        begun = daemon.api("POST", path, {"redirect_uri": "http://127.0.0.1:9/"})
        assert begun.status == 201, begun.body
        answer = daemon.api("POST", f"{path}/answer", {"answer": follow(begun.json()["url"])})
        assert answer.status == 200, answer.body
        found: Mapping[str, Any] = answer.json()
        return found

    # --- what is seen ----------------------------------------------------------------------------------------------

    def exceptions(self, daemon: Daemon) -> dict[str, str]:
        """Open exceptions: remedies by code."""
        items = daemon.api("GET", "/exceptions").json()["items"]
        return {item["code"]: item["remedy"] for item in items}

    def calls_until(self, daemon: Daemon, status: int = 200, seconds: int = 90) -> None:
        """Let time pass until the vendor's API has answered once more with a status."""
        before = self.vendor.calls[status]
        for _ in range(seconds):
            if self.vendor.calls[status] > before:
                return
            daemon.advance(1)
        raise AssertionError(f"no call was answered {status}:\n{daemon.tail()}")


def follow(url: str) -> str:
    """Where a browser is sent from there."""

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    try:
        build_opener(Stay).open(url, timeout=60)
    except HTTPError as moved:
        with moved:
            return str(moved.headers["Location"])
    raise AssertionError("nobody was sent anywhere")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with Vendor(life=LIFE).in_thread() as vendor:
        yield vendor


@pytest.fixture
def shop(tmp_path: Path, nursery: Nursery, vendor: Vendor) -> Iterator[Shop]:
    shop = Shop(tmp_path / "house", nursery, vendor, revoke_url=f"{vendor.url}/revoke")
    yield shop
    shop.close()


# --- signing in -----------------------------------------------------------------------------------------------------


def test_a_person_signs_in_and_the_daemon_goes_on_from_there(shop: Shop, vendor: Vendor) -> None:
    daemon = shop.start()
    daemon.settle()
    assert shop.exceptions(daemon) == {"credential.missing": "Sign in: `syncd connect shop`."}
    [_, told] = daemon.api("GET", "/status").json()["connections"]
    assert [trouble["type"] for trouble in told["troubles"]] == ["syncd connect shop"]

    ran = shop.type(daemon, "connect", "shop", BROWSER=shop.browser())
    assert ran.returncode == 0, ran.stderr
    assert "shop is connected." in ran.stdout
    assert f"signed in as {ACCOUNT}" in ran.stdout
    assert shop.exceptions(daemon) == {}
    shop.calls_until(daemon)

    for rotations in range(1, 3):
        daemon.advance(LIFE)
        shop.calls_until(daemon)
        assert (vendor.asked["refresh_token"], vendor.reused) == (rotations, 0)
    daemon.terminate()
    daemon.start()
    shop.calls_until(daemon)
    assert vendor.asked == {"authorization_code": 1, "refresh_token": 2}, "a restart asks for nothing"
    stands = daemon.api("GET", "/connections/shop/authorization").json()
    assert (stands["state"], stands["renews"]) == ("connected", True)


def test_the_answer_is_pasted_once_where_the_browser_is_elsewhere(shop: Shop, vendor: Vendor) -> None:
    daemon = shop.start()
    path = "/connections/shop/authorization"
    begun = daemon.api("POST", path, {"redirect_uri": "http://127.0.0.1:9/"}).json()
    back = follow(begun["url"])
    for wrong in ({"answer": back.replace("state=", "state=x")}, {"answer": "code"}):
        answer = daemon.api("POST", f"{path}/answer", wrong)
        assert (answer.status, answer.json()["code"]) == (409, "credential.unknown-state")
    assert daemon.api("POST", f"{path}/answer", {"answer": back}).status == 200
    assert daemon.api("POST", f"{path}/answer", {"answer": back}).status == 409

    process = subprocess.Popen(
        [*SYNCD, "connect", "shop", "--no-browser", "--json"], env=cli.environment(shop.root, daemon.port),
        cwd=shop.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin
    assert process.stderr
    lines = iter(process.stderr.readline, "")
    url = next(line.strip() for line in lines if line.startswith("  http"))
    out, _ = process.communicate(follow(url) + "\n", timeout=60)
    assert process.returncode == 0
    assert f"signed in as {ACCOUNT}" in out
    assert vendor.asked["authorization_code"] == 2


def test_a_sign_in_that_is_late_or_denied_connects_nothing(shop: Shop, vendor: Vendor) -> None:
    daemon = shop.start()
    path = "/connections/shop/authorization"
    begun = daemon.api("POST", path, {"redirect_uri": "http://127.0.0.1:9/"}).json()
    daemon.terminate()
    daemon.now += timedelta(seconds=601)
    daemon.start()
    late = daemon.api("POST", f"{path}/answer", {"answer": follow(begun["url"])})
    assert (late.status, late.json()["code"]) == (409, "credential.unknown-state")
    vendor.denies = True
    ran = shop.type(daemon, "connect", "shop", BROWSER=shop.browser())
    assert ran.returncode == 1
    assert "access_denied Mia said no" in ran.stderr
    assert "credential.denied" in ran.stderr
    foreign = daemon.api("POST", path, {"redirect_uri": "https://evil.example/"})
    assert (foreign.status, foreign.json()["code"]) == (422, "credential.redirect")
    assert vendor.asked == {}


def test_who_disconnects_gives_the_tokens_back(shop: Shop, vendor: Vendor) -> None:
    daemon = shop.start()
    shop.sign_in(daemon)
    shop.calls_until(daemon)
    ran = shop.type(daemon, "disconnect", "shop")
    assert "the vendor took them back" in ran.stdout
    assert vendor.grants[0].dead
    assert list(shop.exceptions(daemon)) == ["credential.missing"]
    assert daemon.api("GET", "/connections/shop/authorization").json()["state"] == "missing"
    shop.sign_in(daemon)
    shop.calls_until(daemon)
    assert shop.exceptions(daemon) == {}


def test_what_nobody_signs_in_for_says_so(tmp_path: Path, nursery: Nursery, vendor: Vendor) -> None:
    shop = Shop(tmp_path / "house", nursery, vendor, kind="client-credentials")
    try:
        daemon = shop.start()
        shop.calls_until(daemon)
        assert daemon.api("GET", "/connections/shop/authorization").json()["state"] == "unneeded"
        ran = shop.type(daemon, "connect", "shop", "--no-browser")
        assert (ran.returncode, "credential.not-connectable" in ran.stderr) == (1, True)
        vendor.end_access()
        shop.calls_until(daemon)
        vendor.secrets = ["another-secret-since-today"]
        vendor.end_access()
        shop.calls_until(daemon, 401)
        daemon.wait_idle()
        assert "connectors/shop.yaml" in shop.exceptions(daemon)["credential.refused"]
    finally:
        shop.close()


# --- kill -9 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("retains", [True, False])
def test_killed_between_the_vendors_answer_and_the_commit(shop: Shop, vendor: Vendor, retains: bool) -> None:
    """The named risk: only a vendor that takes the former token once more mends it without a person."""
    vendor.retains = retains
    daemon = shop.start()
    shop.sign_in(daemon)
    shop.calls_until(daemon)
    daemon.wait_idle()
    vendor.arrived.clear()
    vendor.hold = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        moving = pool.submit(lambda: daemon.advance(LIFE))
        assert vendor.arrived.wait(60)
        daemon.kill()
        moving.exception(60)
    vendor.hold.set()
    vendor.hold = None
    daemon.start()
    if retains:
        shop.calls_until(daemon)
        assert shop.exceptions(daemon) == {}
        return
    daemon.advance(40)  # the lease of the dead one ends at once on SQLite
    assert "syncd connect shop" in shop.exceptions(daemon)["credential.refused"]
    shop.sign_in(daemon)
    shop.calls_until(daemon)
    assert shop.exceptions(daemon) == {}


def test_killed_at_any_commit_of_a_refresh_it_goes_on_by_itself_where_the_vendor_lets_it(
    shop: Shop, vendor: Vendor, tmp_path: Path
) -> None:
    """Such a vendor retires the former token when the new one is used: it must be in the ledger by then."""
    vendor.retains = True
    daemon = shop.start()
    shop.sign_in(daemon)
    shop.calls_until(daemon)
    died: list[str] = []
    for number in range(2, 6):  # of the points of a poll: the lease, and the new tokens
        daemon.terminate()
        note = tmp_path / f"note-{number}"
        daemon.now += timedelta(seconds=2 * LIFE)
        with suppress(DaemonDied):
            daemon.start("--crash", f"poll:{number}", "--note", str(note))
            daemon.advance(POLL)
        died.append(json.loads(note.read_text())["act"])
        daemon.wait()
        daemon.start()
        shop.calls_until(daemon)
        assert shop.exceptions(daemon) == {}, died
    assert died == ["before commit", "after commit"] * 2
    assert (vendor.reused, vendor.asked["authorization_code"]) == (0, 1)


# --- several processes ----------------------------------------------------------------------------------------------


def test_two_processes_sign_in_and_refresh_as_one(
    tmp_path: Path, nursery: Nursery, vendor: Vendor, postgres_url: str
) -> None:
    shop = Shop(tmp_path / "house", nursery, vendor, postgres_url)
    try:
        owner = shop.start()
        owner.advance(2)
        other = shop.start()
        assert list(owner.ask("lanes")["lanes"]) == ["pim", "shop"]
        shop.sign_in(other)
        shop.calls_until(owner)
        for rotations in range(1, 4):
            before = vendor.calls[200]
            vendor.end_access()
            with ThreadPoolExecutor(2) as pool:
                tries = [pool.submit(each.api, "GET", "/connections/shop/check") for each in (owner, other)]
                until(lambda tries=tries: clocks_run((owner, other), tries))
            found = [each.result().json()["findings"] for each in tries]
            assert [finding["result"] for [finding] in found] == ["ok", "ok"], found
            assert vendor.calls[200] >= before + 2
            assert (vendor.asked["refresh_token"], vendor.reused) == (rotations, 0)
    finally:
        shop.close()


def clocks_run(daemons: Sequence[Daemon], tries: Sequence[Future[Any]]) -> bool:
    """Let a moment pass in each daemon, unless all have answered."""
    if all(each.done() for each in tries):
        return True
    for daemon in daemons:
        daemon.advance(0.25)
    return False


# --- secrets --------------------------------------------------------------------------------------------------------


def test_a_process_with_another_key_stops_this_connection_alone(shop: Shop, vendor: Vendor) -> None:
    daemon = shop.start()
    shop.sign_in(daemon)
    shop.calls_until(daemon)
    daemon.terminate()
    daemon.environment["SYNCD_CREDENTIALS_KEY"] = OTHER_KEY
    daemon.start()
    daemon.settle()
    assert list(shop.exceptions(daemon)) == ["credential.sealed"]
    assert daemon.api("GET", "/connections/shop/authorization").json()["state"] == "unreadable"
    daemon.terminate()
    file = (shop.root / "var" / "credentials.key").read_text().strip()
    daemon.environment["SYNCD_CREDENTIALS_KEY"] = f"{OTHER_KEY},{file}"
    daemon.start()
    daemon.settle()
    assert shop.type(daemon, "replay", "--connection", "shop").returncode == 0
    shop.calls_until(daemon)
    daemon.terminate()
    daemon.environment["SYNCD_CREDENTIALS_KEY"] = OTHER_KEY
    daemon.start()
    shop.calls_until(daemon)
    assert shop.exceptions(daemon) == {}
    assert vendor.asked["authorization_code"] == 1


def test_no_secret_is_in_the_clear_in_log_error_trail_answer_ledger_or_backup(shop: Shop, vendor: Vendor) -> None:
    daemon = shop.start()
    shop.sign_in(daemon)
    seen = [daemon.api("POST", "/connections/shop/authorization", {"redirect_uri": "https://x.example/"}).body]
    denied = {"answer": "http://127.0.0.1:9/?code=code-that-is-wrong&state=a-state-nobody-knows"}
    seen.append(daemon.api("POST", "/connections/shop/authorization/answer", denied).body)
    for _ in range(3):
        shop.calls_until(daemon)
        vendor.end_access()
    daemon.terminate()
    daemon.start()  # what it uses now came from the ledger
    vendor.breaks = True
    seen.append(daemon.api("GET", "/connections/shop/check").body)
    assert b"cannot do this with ***" in seen[-1]
    vendor.breaks = False
    daemon.terminate()
    daemon.start()
    vendor.fails = [500, -500]
    vendor.revoke()
    daemon.advance(2 * LIFE)
    assert list(shop.exceptions(daemon)) == ["credential.refused"]
    assert daemon.api("POST", "/backups", {}).status == 201
    shop_paths = [f"connections/shop{path}" for path in ("", "/authorization", "/check")]
    for path in (*shop_paths, "connections", "events", "exceptions", "revisions", "status", "plans", "tokens"):
        answer = daemon.api("GET", f"/{path}")
        assert answer.status == 200, answer.body
        seen.append(answer.body)
    [exception] = daemon.api("GET", "/exceptions").json()["items"]
    seen.append(daemon.api("GET", f"/exceptions/{exception['id']}").body)
    seen.append(daemon.request("GET", "/metrics").body)
    daemon.terminate()
    seen.append(daemon.log.read_bytes())
    files = [path for path in (shop.root / "var").rglob("*") if path.is_file()]
    assert {"ledger.db", "manifest.json"} <= {path.name for path in files}
    seen += [path.read_bytes() for path in files]
    assert not [path for path in files if path.name == "credentials.key" and "backups" in path.parts]
    key = (shop.root / "var" / "credentials.key").read_text().strip()
    assert len(vendor.given) >= 7
    for secret in (*vendor.given, SECRET, "code-that-is-wrong", "a-state-nobody-knows"):
        for spelled in (secret, base64.b64encode(secret.encode()).decode()):
            assert not [text for text in seen if spelled.encode() in text], spelled
    assert [text for text in seen if key.encode() in text] == [f"{key}\n".encode()], "the key is in its file alone"
