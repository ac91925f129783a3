"""Sets the stage: a folder that is the daemon's SYNCD_ROOT, and what the creators will deliver into it.

connectors/ mappings/     the project's own, as they are
products.csv              the catalogue (a PIM in real life)
product-media.csv         its links to media, with one link that somebody else made
shop-feed-base.xml        the shop's present feed, with somebody else's pictures
inbox/                    watched: creators' files are dropped here
world/                    what others have on the web: the studio's pictures, a creator's own space
dam/                      the library, with one file that somebody else put there
var/                      what syncd keeps: ledger, blobs, token
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

import yaml
from PIL import Image, ImageEnhance, ImageOps

from demo.daemon import DemoFailed

PROJECT = Path(__file__).resolve().parents[2]
PHOTOGRAPHS = PROJECT / "examples" / "media"

LODGE, OUTDOORS = "GL-0412", "GL-0413"


class Product(NamedTuple):
    """A row of the catalogue."""

    gtin: str
    title: str
    version: str


PRODUCTS = {
    LODGE: Product("4012345678901", "Gift box Lodge Weekend", "v3"),
    OUTDOORS: Product("4012345678918", "Gift box Great Day Out", "v1"),
}
_MARK = "made-by-the-demo.txt"
_VOUCHER = b"<!doctype html><title>Free voucher</title><script>location = 'https://evil.example/'</script>\n"
_STRANGER_LINK = f"{LODGE},https://studio.acme.example/gl-0412-packshot.tif,gl-0412-packshot.tif,main,,,,,,,studio"
_LINK_COLUMNS = "sku,url,name,role,alt,media_type,sha256,asset,version,placement,managed_by"


@dataclass
class Stage:
    """Where everything lies. The hashes are of what belongs to others, before syncd runs."""

    root: Path
    studio_hashes: dict[str, str] = field(default_factory=dict)
    stranger_hash: str = ""

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def dam(self) -> Path:
        return self.root / "dam"

    @property
    def links(self) -> Path:
        return self.root / "product-media.csv"

    @property
    def world(self) -> Path:
        """What others have on the web."""
        return self.root / "world"

    @property
    def deliveries(self) -> Path:
        """Files as creators have them, before they deliver them."""
        return self.world / "creators"

    @property
    def studio(self) -> Path:
        """The shop's own pictures, which syncd must never touch."""
        return self.world / "studio"

    @property
    def stranger_in_dam(self) -> Path:
        return self.dam / "house-rules.txt"

    def studio_picture(self, sku: str) -> Path:
        """The studio's own picture of a product."""
        return self.studio / f"{sku.lower()}.jpg"

    def told(self, name: str) -> str:
        """What the creator of a file reads about it, in the status file that syncd puts beside it; "" before that."""
        for path in self.inbox.glob(f"*/*/{Path(name).stem}.status.yaml"):
            for reason in yaml.safe_load(path.read_text()).get("reasons", ()):
                return str(reason["what"])
        return ""

    def deliver(self, name: str, *, as_name: str = "", **sidecar: object) -> None:
        """Drop a file into the watched folder, with a sidecar that says who made it and on what terms.

        Each is written elsewhere first and moved in whole, as a careful sender does.
        """
        target = self.inbox / (as_name or name)
        if sidecar:
            text = yaml.safe_dump(sidecar, sort_keys=False, allow_unicode=True)
            _appear(target.with_suffix(".yaml"), text.encode())
        _appear(target, (self.deliveries / name).read_bytes())


def _appear(target: Path, content: bytes) -> None:
    working = target.parent.parent / f".{target.name}.part"
    working.write_bytes(content)
    working.rename(target)


def build(root: Path, media_url: str) -> Stage:
    """Make the folder anew.

    Args:
        root: new, empty, or what an earlier demo left: that is removed.
        media_url: where the demo serves the studio's pictures.

    Raises:
        DemoFailed: the folder holds something else.
    """
    stage = Stage(root.resolve())
    _clear(stage.root)
    for name in ("connectors", "mappings"):
        shutil.copytree(PROJECT / name, stage.root / name)
    for folder in (stage.inbox, stage.dam, stage.world, stage.deliveries, stage.studio):
        folder.mkdir()
    _write_catalogue(stage)
    _write_shop_feed(stage, media_url)
    _make_pictures(stage)
    stage.studio_hashes = {sku: _hash(stage.studio_picture(sku)) for sku in PRODUCTS}
    stage.stranger_hash = _hash(stage.stranger_in_dam)
    return stage


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_ours(root: Path) -> bool:
    """Whether a folder was made by a demo."""
    return (root / _MARK).is_file()


def _clear(root: Path) -> None:
    """Remove what an earlier demo left, and only that: a folder that holds anything else is left alone."""
    if root.exists() and any(root.iterdir()) and not is_ours(root):
        raise DemoFailed(f"{root} holds files that no demo made: name another folder, or empty it.")
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    (root / _MARK).write_text("`make demo` made this folder, and empties it when it runs again.\n")


def _write_catalogue(stage: Stage) -> None:
    rows = ["sku,gtin,title,status,version"]
    rows += [f"{sku},{product.gtin},{product.title},active,{product.version}" for sku, product in PRODUCTS.items()]
    (stage.root / "products.csv").write_text("\n".join(rows) + "\n")
    stage.links.write_text(f"{_LINK_COLUMNS}\n{_STRANGER_LINK}\n")
    stage.stranger_in_dam.write_text("Put here by the archive team; not syncd's.\n")


def stranger_link_stands(stage: Stage) -> bool:
    """Whether the link that somebody else made stands in the catalogue's media file, to the byte."""
    return _STRANGER_LINK in stage.links.read_text().splitlines()


def _write_shop_feed(stage: Stage, media_url: str) -> None:
    items = "".join(
        f"<item><g:id>{sku}</g:id><g:title>{escape(product.title)}</g:title><g:gtin>{product.gtin}</g:gtin>"
        f"<g:price>89.00 USD</g:price><g:image_link>{studio_url(media_url, sku)}</g:image_link></item>\n"
        for sku, product in PRODUCTS.items()
    )
    (stage.root / "shop-feed-base.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>\n'
        "<title>Acme Gift Boxes</title><link>https://acme.example</link><description>Days out</description>\n"
        f"{items}</channel></rss>\n"
    )


def studio_url(media_url: str, sku: str) -> str:
    """The address of the studio's picture of a product."""
    return f"{media_url}/studio/{sku.lower()}.jpg"


def _make_pictures(stage: Stage) -> None:
    """What the creators deliver: the photographs, and variants that are cropped or brightened."""
    for name in ("friends.jpg", "hiking.jpg", "coffee.png", "bigbuckbunny.mp4"):
        shutil.copy(PHOTOGRAPHS / name, stage.deliveries / name)
    with Image.open(PHOTOGRAPHS / "wine.jpg") as opened:
        room = opened.convert("RGB")
    _save(room, stage.deliveries / "lounge.jpg")
    _save(ImageEnhance.Brightness(room).enhance(1.3).crop((150, 350, 2450, 3650)), stage.deliveries / "lounge-2.jpg")
    _save(room.crop((0, 1800, 2300, 3837)), stage.deliveries / "evening.jpg")
    with Image.open(PHOTOGRAPHS / "friends.jpg") as opened:
        _save(opened.convert("RGB").crop((300, 950, 1150, 1800)), stage.deliveries / "dogs-cropped.jpg")
    (stage.deliveries / "free-voucher.jpg").write_bytes(_VOUCHER)
    for sku, name in ((LODGE, "chelsea.png"), (OUTDOORS, "rocket.jpg")):
        with Image.open(PHOTOGRAPHS / name) as opened:
            _save(ImageOps.fit(opened.convert("RGB"), (900, 900)), stage.studio_picture(sku))


def _save(picture: Image.Image, path: Path) -> None:
    picture.save(path, "JPEG", quality=90)
