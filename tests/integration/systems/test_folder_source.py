from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
import yaml
from tests.support.systems import context

from syncd.domain.delivery import Delivery
from syncd.errors import HookRefused, NotFoundError, RejectedError, TransientError
from syncd.sdk.roles import Role
from syncd.sdk.source import HookRequest, Reason, Stored, SubmissionStatus
from syncd.systems.folder import FolderOptions, FolderSystem
from syncd.testing.clock import ManualClock


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    path = tmp_path / "inbox"
    path.mkdir()
    return path


def source(tmp_path: Path, clock: ManualClock, **options: str) -> FolderSystem:
    given = FolderOptions.model_validate({"path": "inbox", "settle": "0s", **options})
    return FolderSystem(context(tmp_path, clock), given, Role.SOURCE)


def drop(path: Path, content: bytes | str = b"bytes", at: int = 1_700_000_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, ns=(at * 10**9, at * 10**9))
    return path


async def polled(system: FolderSystem, since: str = "") -> tuple[list[Delivery], str]:
    found: list[Delivery] = []
    async for page in system.poll(since):
        since = page.checkpoint
        found += [delivery for item in page.items for delivery in system.receive(item)]
    return found, since


async def content(system: FolderSystem, delivery: Delivery, place: int = 0) -> bytes:
    return b"".join([chunk async for chunk in system.open(delivery.files[place])])


async def store(system: FolderSystem, delivery: Delivery) -> None:
    await system.stored([Stored(delivery.external_id, file, "") for file in delivery.files])


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


async def test_a_file_without_manifest_is_a_submission_named_by_its_stem(tmp_path, inbox, clock):
    drop(inbox / "beach day.heic", b"picture")
    system = source(tmp_path, clock)
    (delivery,), _ = await polled(system)
    assert (delivery.external_id, delivery.sequence) == ("beach day", 1_700_000_000_000)
    assert [(file.key, file.name) for file in delivery.files] == [("beach day", "beach day.heic")]
    assert await content(system, delivery) == b"picture"


async def test_unchanged_files_are_not_delivered_again(tmp_path, inbox, clock):
    drop(inbox / "a.jpg")
    system = source(tmp_path, clock)
    first, checkpoint = await polled(system)
    assert len(first) == 1
    again, checkpoint = await polled(source(tmp_path, clock), checkpoint)
    assert again == []
    drop(inbox / "a.jpg", b"other", at=1_700_000_001)
    assert len((await polled(system, checkpoint))[0]) == 1


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.json", "a.jpg.yaml", "a.jpg.json"])
async def test_a_sidecar_describes_its_file(tmp_path, inbox, clock, name: str):
    said = {
        "external_id": "S-7", "revision": "3", "creator": {"reference": "mia", "name": "Mia"}, "terms": "creator-2026",
        "people_shown": "yes", "skus": ["GL-0412"], "consents": [{"person": "Ana", "until": "2027-01-31"}],
        "fields": {"mood": "sunny"},
    }  # fmt: skip
    drop(inbox / "a.jpg")
    drop(inbox / name, json.dumps(said))
    (delivery,), _ = await polled(source(tmp_path, clock))
    assert (delivery.external_id, delivery.sequence, delivery.terms) == ("S-7", 3, "creator-2026")
    assert delivery.creator is not None
    assert delivery.creator.reference == "mia"
    assert delivery.people_shown
    assert delivery.skus == ("GL-0412",)
    assert str(delivery.consents[0].until) == "2027-01-31"
    assert delivery.fields == {"mood": "sunny"}
    assert [file.key for file in delivery.files] == ["a"]


async def test_texts_of_a_yaml_sidecar_mean_what_they_say(tmp_path, inbox, clock):
    drop(inbox / "a.jpg")
    drop(inbox / "a.yaml", "title: NO\nskus: 0123\nbrief: 12:30\ncreator: mia\n")
    (delivery,), _ = await polled(source(tmp_path, clock))
    assert (delivery.title, delivery.skus, delivery.brief) == ("NO", ("0123",), "12:30")


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("a.yaml", "title: x\nsku: [a]\n", "a.yaml:2:1"),
        ("a.yaml", "title: x\n  bad: [\n", "a.yaml:2:"),
        ("a.yaml", "title: x\ntitle: y\n", "a.yaml:2:1"),
        ("a.yaml", "revision: soon\n", "a.yaml:1:11"),
        ("a.yaml", "files: [../../etc/passwd]\n", "a.yaml:1:"),
        ("a.yaml", "[" * 100_000, "a.yaml:1:"),
        ("a.json", '{"title": "x",\n "brief": }', "a.json:2:"),
        ("a.json", '{"title": "x",\n "revision": "x"}', "a.json:2:"),
        ("a.json", "[" * 100_000, "a.json:1:1"),
        ("a.json", '{"title": "a\\u0000b"}', "a.json:1:1"),
        ("a.yaml", b"title: \xff\xfe", "a.yaml:1:1"),
        ("a.yaml", b"x" * (2**20 + 1), "a.yaml:1:1"),
    ],
)
async def test_a_malformed_sidecar_is_refused_with_its_place_and_its_file_waits(
    tmp_path, inbox, clock, name, text, place
):
    drop(inbox / "a.jpg")
    drop(inbox / name, text)
    system = source(tmp_path, clock)
    pages = [page async for page in system.poll("")]
    (item,) = [item for page in pages for item in page.items]
    with pytest.raises(RejectedError) as refused:
        system.receive(item)
    assert place in str(refused.value)
    assert tree(inbox) == {"a.jpg", name}
    drop(inbox / name, '{"title": "mended"}', at=1_700_000_009)
    (delivery,), _ = await polled(system, pages[-1].checkpoint)
    assert delivery.title == "mended"
    assert [file.name for file in delivery.files] == ["a.jpg"]


async def test_a_manifest_that_names_files_waits_until_they_are_there(tmp_path, inbox, clock):
    drop(inbox / "shoot.yaml", "external_id: S-1\nfiles: [a.jpg, {file: b.mp4, key: clip}]\n")
    drop(inbox / "a.jpg")
    system = source(tmp_path, clock)
    assert (await polled(system))[0] == []
    drop(inbox / "b.mp4")
    (delivery,), _ = await polled(system)
    assert [(file.key, file.name) for file in delivery.files] == [("a", "a.jpg"), ("clip", "b.mp4")]


async def test_a_sub_folder_is_a_submission(tmp_path, inbox, clock):
    drop(inbox / "shoot" / "a.jpg")
    drop(inbox / "shoot" / "more" / "b.jpg")
    drop(inbox / "shoot" / "submission.yaml", "title: Shoot\nfiles: [a.jpg, more/b.jpg]\n")
    system = source(tmp_path, clock)
    (delivery,), checkpoint = await polled(system)
    assert (delivery.external_id, delivery.title) == ("shoot", "Shoot")
    assert [file.key for file in delivery.files] == ["a", "more/b"]
    await system.stored([Stored("shoot", delivery.files[0], "")])
    assert (inbox / "shoot" / "submission.yaml").exists()
    assert (await polled(system, checkpoint))[0] == []
    await store(system, delivery)
    day = "accepted/2026-11-22"
    assert tree(inbox) == {
        f"{day}/shoot/a.jpg", f"{day}/shoot/more/b.jpg", f"{day}/shoot/submission.yaml", f"{day}/shoot.status.yaml",
    }  # fmt: skip
    assert not (inbox / "shoot").exists()


async def test_a_csv_has_one_row_a_file_and_growing_it_delivers_only_what_is_new(tmp_path, inbox, clock):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        drop(inbox / name)
    head = "file,external_id,creator,skus,mood\n"
    drop(inbox / "list.csv", head + "a.jpg,S-1,mia,GL-1;GL-2,sunny\nb.jpg,S-1,mia,GL-1;GL-2,sunny\n")
    drop(inbox / "c.jpg.part")
    system = source(tmp_path, clock)
    found, checkpoint = await polled(system)
    listed = {delivery.external_id: delivery for delivery in found}
    assert set(listed) == {"S-1", "c"}
    assert [file.name for file in listed["S-1"].files] == ["a.jpg", "b.jpg"]
    assert listed["S-1"].skus == ("GL-1", "GL-2")
    assert listed["S-1"].fields == {"mood": "sunny"}
    drop(inbox / "d.jpg")
    drop(inbox / "list.csv", (inbox / "list.csv").read_text() + "d.jpg,,zoe,GL-3,\n", at=1_700_000_005)
    (delivery,), _ = await polled(system, checkpoint)
    assert (delivery.external_id, delivery.skus) == ("d", ("GL-3",))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("name,title\na.jpg,x\n", "list.csv:1:1"),
        ("file,title\na.jpg\n", "list.csv:2:1"),
        ("file,revision\na.jpg,soon\n", "list.csv:2:7"),
        ('file,title\n"a.jpg,x\n', "list.csv:"),
        ("file,external_id,title\na.jpg,S,x\nb.jpg,S,y\n", "list.csv:3:9"),
    ],
)
async def test_a_malformed_csv_is_refused_with_its_place(tmp_path, inbox, clock, text: str, place: str):
    for name in ("a.jpg", "b.jpg"):
        drop(inbox / name)
    drop(inbox / "list.csv", text)
    system = source(tmp_path, clock)
    refusals = []
    async for page in system.poll(""):
        for item in page.items:
            try:
                system.receive(item)
            except RejectedError as error:
                refusals.append(str(error))
    assert len(refusals) == 1
    assert place in refusals[0]


async def test_only_complete_files_are_taken(tmp_path, inbox, clock):
    system = source(tmp_path, clock, settle="2s")
    for name in (".hidden.jpg", "a.jpg.part", "b.tmp", "c.mp4.crdownload"):
        drop(inbox / name)
    growing = drop(inbox / "a.jpg", b"half")
    task = asyncio.ensure_future(polled(system))
    await asyncio.sleep(0.2)
    assert clock.next_wake() == 2.0
    drop(growing, b"half and more", at=1_700_000_001)
    await clock.advance(2)
    assert (await asyncio.wait_for(task, 5))[0] == []
    await clock.advance(2)
    (delivery,), _ = await asyncio.wait_for(polled(system), 5)
    assert await content(system, delivery) == b"half and more"


async def test_nothing_is_moved_before_it_is_stored_and_then_open_still_finds_it(tmp_path, inbox, clock):
    drop(inbox / "a.jpg", b"picture")
    drop(inbox / "a.yaml", "title: x\n")
    system = source(tmp_path, clock)
    (delivery,), checkpoint = await polled(system)
    await content(system, delivery)
    assert tree(inbox) == {"a.jpg", "a.yaml"}
    for _ in range(2):
        await store(system, delivery)
    day = "accepted/2026-11-22"
    assert tree(inbox) == {f"{day}/a.jpg", f"{day}/a.yaml", f"{day}/a.status.yaml"}
    assert await content(system, delivery) == b"picture"
    assert (await polled(system, checkpoint))[0] == []


async def test_a_file_replaced_while_it_was_stored_is_delivered_and_not_moved_unseen(tmp_path, inbox, clock):
    drop(inbox / "a.jpg", b"one")
    system = source(tmp_path, clock)
    (first,), checkpoint = await polled(system)
    drop(inbox / "a.jpg", b"two", at=1_700_000_007)
    await store(system, first)
    assert (inbox / "a.jpg").read_bytes() == b"two"
    with pytest.raises(NotFoundError):
        await content(system, first)
    (second,), _ = await polled(system, checkpoint)
    assert await content(system, second) == b"two"
    assert second.sequence > first.sequence
    assert second.files[0].key == first.files[0].key


async def test_a_new_version_keeps_the_key_and_never_overwrites_the_accepted_one(tmp_path, inbox, clock):
    system = source(tmp_path, clock)
    drop(inbox / "a.jpg", b"one")
    drop(inbox / "a.yaml", "external_id: S-1\nterms: creator-2026\nrevision: 1\n")
    (first,), checkpoint = await polled(system)
    await store(system, first)
    drop(inbox / "a.jpg", b"two", at=1_700_000_007)
    (second,), checkpoint = await polled(system, checkpoint)
    await store(system, second)
    assert second.files[0].key == first.files[0].key
    assert (second.external_id, second.terms, second.sequence) == ("S-1", "creator-2026", None)
    assert await content(system, first) == b"one"
    assert await content(system, second) == b"two"


async def test_two_files_of_one_stem_are_two_versions_oldest_first(tmp_path, inbox, clock):
    drop(inbox / "a.png", b"new", at=1_700_000_009)
    drop(inbox / "a.jpg", b"old", at=1_700_000_001)
    system = source(tmp_path, clock)
    found, _ = await polled(system)
    assert [[file.name for file in delivery.files] for delivery in found] == [["a.jpg"], ["a.png"]]
    assert [file.key for delivery in found for file in delivery.files] == ["a", "a"]
    assert found[0].sequence < found[1].sequence


async def test_a_picture_and_a_video_of_one_stem_are_two_assets(tmp_path, inbox, clock):
    drop(inbox / "a.jpg")
    drop(inbox / "a.mp4")
    (delivery,), _ = await polled(source(tmp_path, clock))
    assert sorted(file.key for file in delivery.files) == ["a", "a.video"]


async def test_a_sidecar_may_withdraw_or_correct_what_was_accepted(tmp_path, inbox, clock):
    system = source(tmp_path, clock)
    drop(inbox / "a.jpg", b"picture")
    (first,), checkpoint = await polled(system)
    await store(system, first)
    drop(inbox / "a.yaml", "terms: creator-2026\n", at=1_700_000_005)
    (second,), checkpoint = await polled(system, checkpoint)
    assert second.terms == "creator-2026"
    assert await content(system, second) == b"picture"
    drop(inbox / "a.yaml", "withdrawn: yes\n", at=1_700_000_008)
    (third,), _ = await polled(system, checkpoint)
    assert third.withdrawn


async def test_with_manifest_required_a_file_waits_for_it(tmp_path, inbox, clock):
    drop(inbox / "a.jpg")
    system = source(tmp_path, clock, manifest="required")
    assert (await polled(system))[0] == []
    drop(inbox / "a.yaml", "title: x\n")
    assert len((await polled(system))[0]) == 1


@pytest.mark.parametrize("kind", ["link out", "link in", "linked folder", "fifo"])
async def test_links_and_special_files_are_refused_by_name(tmp_path, inbox, clock, kind: str):
    secret = drop(tmp_path / "secret" / "key.jpg")
    drop(inbox / "good.jpg")
    trap = inbox / "trap.jpg"
    if kind == "fifo":
        os.mkfifo(trap)
    else:
        trap.symlink_to({"link out": secret, "link in": inbox / "good.jpg", "linked folder": secret.parent}[kind])
    system = source(tmp_path, clock)
    refused, taken = [], []
    async for page in system.poll(""):
        for item in page.items:
            try:
                taken += [file.name for delivery in system.receive(item) for file in delivery.files]
            except RejectedError as error:
                refused.append(str(error))
    assert taken == ["good.jpg"]
    assert len(refused) == 1
    assert "trap.jpg" in refused[0]


@pytest.mark.parametrize("reference", ["../secret.jpg?at=1&size=1&of=x", "/etc/passwd?at=1&size=1&of=x", "a.jpg", ""])
async def test_a_reference_out_of_the_folder_is_refused(tmp_path, inbox, clock, reference: str):
    system = source(tmp_path, clock)
    drop(inbox / "a.jpg")
    (delivery,), _ = await polled(system)
    forged = delivery.files[0].model_copy(update={"reference": reference})
    with pytest.raises(RejectedError):
        await anext(aiter(system.open(forged)))


async def test_a_file_that_grows_while_it_is_read_is_not_taken_for_whole(tmp_path, inbox, clock):
    path = drop(inbox / "a.mp4", b"x" * (3 * 2**20))
    system = source(tmp_path, clock)
    (delivery,), _ = await polled(system)
    chunks = aiter(system.open(delivery.files[0]))
    await anext(chunks)
    with path.open("ab") as more:
        more.write(b"more")
    with pytest.raises(TransientError):
        async for _ in chunks:
            pass


async def test_the_status_is_written_in_words_beside_the_file_and_a_refused_one_moves(tmp_path, inbox, clock):
    drop(inbox / "a.jpg", b"picture")
    system = source(tmp_path, clock)
    (delivery,), _ = await polled(system)
    await store(system, delivery)
    day = inbox / "accepted" / "2026-11-22"
    assert yaml.safe_load((day / "a.status.yaml").read_text())["status"] == "received"
    await system.respond(SubmissionStatus("a", "live", {"a": "live"}))
    assert yaml.safe_load((day / "a.status.yaml").read_text())["means"].startswith("It is shown")
    await clock.advance(86_400)
    refusal = SubmissionStatus("a", "refused", {"a": "refused"}, (Reason("too-small", "800 px wide, 1500 are needed"),))
    for _ in range(2):
        await system.respond(refusal)
    assert tree(inbox) == {"refused/2026-11-23/a.jpg", "refused/2026-11-23/a.status.yaml"}
    said = yaml.safe_load((inbox / "refused/2026-11-23/a.status.yaml").read_text())
    assert said["reasons"][0]["what"] == "800 px wide, 1500 are needed"
    assert "same name" in said["reasons"][0]["you_can"]
    assert await content(system, delivery) == b"picture"


async def test_a_refusal_before_anything_was_stored_leaves_the_file(tmp_path, inbox, clock):
    drop(inbox / "a.jpg")
    system = source(tmp_path, clock)
    await system.respond(SubmissionStatus("a", "refused", {}, (Reason("x", "why"),)))
    assert tree(inbox) == {"a.jpg", "refused/2026-11-22/a.status.yaml"}


async def test_an_external_id_cannot_name_a_file_elsewhere(tmp_path, inbox, clock):
    await source(tmp_path, clock).respond(SubmissionStatus("../../../evil", "live", {}))
    assert all(name.startswith("accepted/2026-11-22/") for name in tree(inbox))
    assert not list(tmp_path.glob("*evil*"))


async def test_webhooks_are_refused_and_a_missing_folder_is_said(tmp_path, clock):
    system = source(tmp_path, clock)
    with pytest.raises(HookRefused) as refused:
        system.verify(HookRequest("POST", "/hooks/test", {}, b"", clock.now()))
    assert refused.value.reason == "no-hooks"
    with pytest.raises(TransientError, match="Create or mount"):
        await polled(system)
