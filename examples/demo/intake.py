"""First act: creators deliver, and every file is checked before people see it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid

import httpx

from demo import pictures
from demo.daemon import DemoFailed
from demo.run import ADA, CLIP, COFFEE, CUT, EVENING, JON, LOUNGE, MIA, NOBODY, RIDGE, VOUCHER, Run
from demo.stage import OUTDOORS
from demo.tale import Refused

FINE = (LOUNGE, CLIP, RIDGE, EVENING, CUT)
_WRONG_KEY = "whsec_" + base64.b64encode(b"not the key of this hook").decode()


def deliver(run: Run) -> None:
    """Six files into the watched folder, one by webhook."""
    run.voice.chapter("Creators deliver")
    run.drop("lounge.jpg", LOUNGE, MIA, "creator-2026")
    run.drop("bigbuckbunny.mp4", CLIP, ADA, "creator-2026")
    run.drop("coffee.png", COFFEE, JON, "creator-2026")
    run.drop("free-voucher.jpg", VOUCHER, NOBODY, "creator-2026")
    run.drop("evening.jpg", EVENING, MIA, "creator-2026", brief="autumn-pair")
    run.drop("dogs-cropped.jpg", CUT, JON, "creator-2026")
    _send(run)


def _send(run: Run) -> None:
    """A form sends a submission, signed; syncd fetches the picture from the creator's web space."""
    body = {
        "external_id": "form-2041", "creator": JON, "terms": "creator-2026", "skus": [OUTDOORS],
        "files": [{"key": "ridge", "name": RIDGE, "url": f"{run.media_url}/creators/hiking.jpg"}],
    }  # fmt: skip
    raw = json.dumps(body).encode()
    forged, answer = _post(run, raw, _WRONG_KEY), _post(run, raw, run.daemon.hook_key)
    run.tale.check("A forged webhook is refused", forged == 401, f"signed with another key: HTTP {forged}")
    run.tale.check("The signed webhook is acknowledged", answer == 202, f"HTTP {answer}, after the commit")
    picture = pictures.of_file(run.stage.deliveries / "hiking.jpg")
    run.note(RIDGE, JON["name"], "signed webhook, fetched by URL, terms creator-2026", picture)
    run.voice.item("refused", "the same webhook, forged", f"signed with another key: HTTP {forged}")


def _post(run: Run, body: bytes, key: str) -> int:
    """Sign as Standard Webhooks says, and send."""
    identifier, stamp = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
    secret = base64.b64decode(key.removeprefix("whsec_"))
    mac = hmac.new(secret, f"{identifier}.{stamp}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "content-type": "application/json", "webhook-id": identifier, "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }  # fmt: skip
    url = f"{run.daemon.url}/hooks/creators-hook"
    return httpx.post(url, content=body, headers=headers, timeout=30, trust_env=False).status_code


def check(run: Run) -> None:
    """Every file is opened in a worker and measured; what no channel takes goes no further."""
    run.voice.chapter("Checks, before people look")
    wanted = dict.fromkeys(FINE, "in_review") | {COFFEE: "held", VOUCHER: "rejected"}
    run.books.until("every file was checked", lambda: all(run.books.status(f) == s for f, s in wanted.items()))
    run.reviewed_in = time.monotonic() - run.arrivals[LOUNGE].at
    for name in FINE:
        run.voice.item("passes", name, "fits the channel's spec; people are asked")
    small = _refusal(run, COFFEE, "Too small for the shop", "coffee.png")
    right = (small.rule, small.measured, small.limit) == ("min_height", "400 px", "500 px")
    run.tale.check("A picture that is too small is refused: rule, measured value, limit", right, _said(small))
    hostile = _refusal(run, VOUCHER, "A web page with a script, named like a picture", "free-voucher.jpg")
    named = bool(hostile.rule and hostile.creator_reads) and not run.books.placements(VOUCHER)
    run.tale.check("A hostile file is refused with a named reason", named, _said(hostile))


def _refusal(run: Run, name: str, why: str, source: str) -> Refused:
    findings = run.books.findings(name)
    if not findings:
        raise DemoFailed(f"{name} was stopped, and no finding says why.")
    found, picture = findings[0], pictures.of_file(run.stage.deliveries / source)
    reads = run.books.until(f"the creator was told about {name}", lambda: run.stage.told(name))
    refused = Refused(name, why, found["rule"], found["measured"], found["limit"], reads, picture)
    run.tale.refused.append(refused)
    run.voice.item("refused", name, _said(refused))
    return refused


def _said(refused: Refused) -> str:
    return f"{refused.rule}: measured {refused.measured}, limit {refused.limit}"
