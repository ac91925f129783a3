"""The scenario of the kill tests: a small house with five connections, and what happens in it, step by step.

Every step can be repeated: whoever plays it sends again what was not acknowledged, as a sender does.
"""

from __future__ import annotations

import base64
import io
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image
from standardwebhooks import Webhook

from syncd.testing.clock import START
from syncd.testing.daemon import Daemon, DaemonDied

EXAMPLES = Path(__file__).parents[2] / "examples" / "media"
KEY = base64.b64encode(b"a key that only tests know, 32 b.").decode()
RIGHTS_END = {"sqlite": START + timedelta(seconds=45), "postgresql": START + timedelta(seconds=120)}
"""When the rights of submission `dated` end: after all earlier steps, a wait for a dead process's leases included."""

POLL = 3.0
_HEAD = "brand: acme\nowner: dana@acme.example\n"
CONNECTORS = {
    "drop": "connector: folder\nroles: [source]\npoll: 3s\noptions: {path: inbox, settle: 0s}\n",
    "hook": (
        "connector: webhook\nroles: [source]\n"
        "options:\n  auth: {scheme: standard, keys: ['${HOOK_KEY}']}\n"
        "  allow_hosts: [127.0.0.1]\n  fields: {fields: {until: until}}\n"
    ),
    "pim": (
        "connector: table\nroles: [catalog]\nwrites: 'on'\npoll: 30s\n"
        "options: {source: products.csv, media_file: product-media.csv}\n"
    ),
    "dam": "connector: folder\nroles: [library]\nwrites: 'on'\noptions: {path: dam}\n",
    "shop": (
        "connector: feed\nroles: [channel]\nmarkets: [US]\nwrites: 'on'\npoll: 30s\n"
        "media: {medium: web, slots: 2..9, at_least: 1}\noptions: {title: Acme, base: base.xml}\n"
    ),
}
MAPPINGS = {
    "brands": (
        "brands:\n  - name: acme\n    zone: UTC\n    owner: dana@acme.example\n    brake: {share: 100%, at_least: 99}\n"
        "    markets:\n      - {name: US, territory: US, language: en-US}\n"
    ),
    "people": "people:\n  - {mail: tom@acme.example, name: Tom, roles: [brand]}\n",
    "specs": (
        "specs:\n  - {name: square, kind: image, format: jpeg, width: 160, height: 160, fit: pad, min_width: 100,"
        " source: the test, dated: 2026-11-03}\n"
    ),
    "match": "match:\n  - {name: submission, when: size(submission.skus) > 0, sku: submission.skus}\n"
    "  - {name: file name, in: file.name, find: '(?P<sku>[A-Z]{2}-\\d{4})'}\n",
    "matrix": "matrix:\n  - {name: photo, from: image, make: [{for: shop, spec: square, as: lifestyle}]}\n",
    "rights": (
        "rights:\n"
        "  - name: dated\n    when: has(submission.fields.until)\n"
        "    grant: {document: terms.pdf, until: submission.fields.until, territory: [US], medium: [web],"
        " use: [organic]}\n"
        "  - {name: ours, when: 'true', grant: owned}\n"
        "without: hold\nstop_before: {'*': 0s}\n"
    ),
    "reviews": "reviews:\n  - {name: all, ask: [brand], approver: tom@acme.example}\n",
}
PRODUCTS = "sku,gtin,title,status\n" + "".join(f"GL-{n:04},0000000{n:05},Product {n},active\n" for n in (1, 2, 3, 4))
_ITEM = (
    "<item><g:id>GL-{0:04}</g:id><title>Product {0}</title><link>http://shop.example/{0}</link>"
    "<g:image_link>http://shop.example/{0}.jpg</g:image_link></item>"
)
BASE = (
    '<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>Shop</title>'
    "<link>http://shop.example</link><description>x</description>"
    + "".join(_ITEM.format(n) for n in (1, 2, 3, 4))
    + "</channel></rss>"
)


def picture(name: str, side: int = 240, turn: int = 0) -> bytes:
    """An example photograph, small."""
    with Image.open(EXAMPLES / name) as full:
        small = full.convert("RGB").resize((side, side * 2 // 3)).rotate(turn)
    data = io.BytesIO()
    small.save(data, "JPEG", quality=70)
    return data.getvalue()


@contextmanager
def media_host(files: Mapping[str, bytes]) -> Iterator[str]:
    """Serve files on loopback; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path.lstrip("/"))
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def build(root: Path) -> None:
    """Write the house into `root`."""
    for folder in ("connectors", "mappings", "inbox", "dam", "var"):
        (root / folder).mkdir(parents=True)
    for name, text in CONNECTORS.items():
        (root / "connectors" / f"{name}.yaml").write_text(_HEAD + text)
    for name, text in MAPPINGS.items():
        (root / "mappings" / f"{name}.yaml").write_text(text)
    (root / "products.csv").write_text(PRODUCTS)
    (root / "base.xml").write_text(BASE)
    (root / "terms.pdf").write_bytes(b"%PDF-1.4 terms of the test")


FILES = {
    "rocket.jpg": picture("rocket.jpg"),
    "rocket2.jpg": picture("rocket.jpg", turn=180),
    "beach.jpg": picture("hiking.jpg"),
    "beach2.jpg": picture("hiking.jpg", turn=180),
    "dated.jpg": picture("chelsea.png"),
    "back.jpg": picture("wine.jpg"),
    "broken.jpg": b"\xff\xd8\xff\xe0 this is no picture",
}


@dataclass
class Play:
    """One daemon taken through the scenario; `acknowledged` are the ids of webhooks answered with 202."""

    daemon: Daemon
    media_url: str
    rights_end: datetime
    acknowledged: set[str] = field(default_factory=set)

    # --- what the world does -------------------------------------------------------------------------------------

    def drop(self, name: str, content: bytes, age: int) -> None:
        """Put a file into the watched folder, whole, with a time of its own; unless it was put there before."""
        inbox = self.daemon.root / "inbox"
        marker = self.daemon.root / f".dropped-{age}-{name}"
        if marker.exists():
            return
        working = self.daemon.root / f".{name}"
        working.write_bytes(content)
        stamp = int((START - timedelta(seconds=age)).timestamp())
        os.utime(working, (stamp, stamp))
        working.rename(inbox / name)
        marker.touch()

    def send(self, identifier: str, **statement: object) -> None:
        """Send a signed webhook until it is acknowledged once."""
        if identifier in self.acknowledged:
            return
        body = json.dumps(statement).encode()
        now = self.daemon.now
        signature = Webhook(KEY).sign(identifier, now, body.decode())
        headers = {
            "webhook-id": identifier, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature,
        }  # fmt: skip
        answer = self.daemon.request("POST", "/hooks/hook", body, headers)
        assert answer.status == 202, answer
        self.acknowledged.add(identifier)

    def approve(self) -> None:
        """Have the approver approve whatever is in review, one after the other: the newest approval stands first."""
        while self.daemon.ask("approve", by="tom@acme.example")["approved"]:
            self.daemon.advance(1)

    # --- the steps -----------------------------------------------------------------------------------------------

    def arrive(self) -> None:
        """A file in the folder, four submissions by webhook: two for one product, one that is no picture at all."""
        self.drop("GL-0002-rocket.jpg", FILES["rocket.jpg"], age=190)
        self._submit("m1", "replaced", "beach.jpg", "GL-0001")
        self._submit("m2", "dated", "dated.jpg", "GL-0003", until=self.rights_end.isoformat())
        self._submit("m3", "taken-back", "back.jpg", "GL-0001")
        self._submit("m4", "broken", "broken.jpg", "GL-0004")

    def replace(self) -> None:
        """New versions: one by webhook, one by the folder."""
        self._submit("m5", "replaced", "beach2.jpg", "GL-0001", sequence=2)
        self.drop("GL-0002-rocket.jpg", FILES["rocket2.jpg"], age=100)

    def take_back(self) -> None:
        """The creator withdraws a submission."""
        self._submit("m6", "taken-back", "back.jpg", "GL-0001", sequence=2, withdrawn=True)

    def end_rights(self) -> None:
        """Time passes until the dated rights have ended."""
        left = (self.rights_end - self.daemon.now).total_seconds() + 1
        if left > 0:
            self.daemon.advance(left)

    def _submit(self, message: str, submission: str, file: str, sku: str, sequence: int = 1, **more: object) -> None:
        files = [{"key": "photo", "name": file, "url": f"{self.media_url}/{file}"}]
        self.send(message, external_id=submission, sequence=sequence, skus=[sku], files=files,
                  creator={"reference": "mia", "name": "Mia K.", "mail": "mia@creators.example"}, **more)  # fmt: skip

    def run(self, died: Callable[[], None]) -> None:
        """Take the daemon through all steps; whenever it dies, call `died`, start it again and repeat the step."""
        for step in (self.arrive, self.approve, self.replace, self.approve, self.take_back, self.end_rights):
            while True:
                try:
                    if not self.daemon.pid:
                        self.daemon.start()
                    step()
                    self.daemon.advance(POLL)
                    self.daemon.settle()
                    break
                except DaemonDied:
                    self.daemon.wait()
                    self.daemon.pid, self.daemon.arguments = 0, []
                    died()
