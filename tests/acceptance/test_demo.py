"""`make demo`, run once as a user runs it: its exit code, its report, and that nothing is left running."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
DEMO = PROJECT / "examples" / "demo.py"
SECTIONS = (
    "delivered", "refused", "decided", "matched", "plan", "made", "live", "replaced", "down", "waiting", "untouched",
    "checks",
)  # fmt: skip


class Page(HTMLParser):
    """The ids, pictures and outside references of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.pictures: list[str] = []
        self.scripts = 0
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.ids += [known["id"] or ""] if "id" in known else []
        self.scripts += tag == "script"
        if tag == "img":
            self.pictures.append(known.get("src") or "")
        if tag == "link" or (tag != "a" and (known.get("src") or "").startswith("http")):
            self.loads.append(str(known))


def run(into: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(DEMO), "--into", str(into)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=into.parent, start_new_session=True
    )


def still_running(root: Path) -> list[str]:
    """Processes whose environment names this folder as their SYNCD_ROOT."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if f"SYNCD_ROOT={root}\0".encode() in environment and state != "Z":
            found.append(entry.name)
    return found


@pytest.mark.timeout(420)
def test_the_demo_tells_the_whole_story_and_leaves_nothing_running(tmp_path: Path) -> None:
    root = tmp_path / "demo"
    process = run(root)
    told, _ = process.communicate(timeout=400)

    assert process.returncode == 0, told
    held = re.search(r"Yes: (\d+) of (\d+) checks held", told)
    assert held, told
    assert held[1] == held[2]
    assert int(held[1]) >= 35
    for words in ("min_height: measured 400 px, limit 500 px", "html-refused", "brief names the product",
                  "$ syncd plan", "$ syncd apply", "--reason cut-off", "receipt: not listed"):  # fmt: skip
        assert words in told
    assert still_running(root) == []

    text = (root / "report.html").read_text()
    page = Page(text)
    assert [name for name in page.ids if name in SECTIONS] == list(SECTIONS)
    assert len(page.pictures) > 20
    assert all(picture.startswith("data:image/jpeg;base64,") for picture in page.pictures)
    assert (page.scripts, page.loads) == (0, [])
    assert "All of it happened" in text
    assert 'class="not"' not in text
    for name in ("Aitzol Berasategi", "Jakub Mede", "Blender Foundation", "CC BY 4.0"):
        assert name in text, "the attribution of the photographs"


@pytest.mark.timeout(200)
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_stops_everything_when_it_is_interrupted(tmp_path: Path, asked: signal.Signals) -> None:
    root = tmp_path / "demo"
    process = run(root)
    assert process.stdout is not None
    for line in process.stdout:
        if "Creators deliver" in line:
            break
    else:
        pytest.fail("it ended before the daemon ran")
    process.send_signal(asked)
    rest, _ = process.communicate(timeout=150)

    assert process.returncode == 130, rest
    assert still_running(root) == []


def test_the_demo_leaves_a_folder_alone_that_holds_anything_else(tmp_path: Path) -> None:
    mine = tmp_path / "thesis.txt"
    mine.write_text("years of work")
    process = run(tmp_path)
    told, _ = process.communicate(timeout=100)

    assert process.returncode == 1
    assert "name another folder" in " ".join(told.split())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
