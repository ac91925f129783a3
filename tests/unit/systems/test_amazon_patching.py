"""What a change means for a listing's locators: ours where they belong, others' never touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sdk.channel import GalleryChange, GalleryItem
from syncd.sdk.media import Media, ObservedMedia
from syncd.systems.amazon.arranging import Entry, arrange
from syncd.systems.amazon.hosting import Hosting
from syncd.systems.amazon.issues import Problem
from syncd.systems.amazon.listing import ListingName
from syncd.systems.amazon.locators import SLOTS
from syncd.systems.amazon.patching import Patch, patch_of
from syncd.systems.amazon.reading import Item

contract = "amazon"
NAME = ListingName("GL-0412", "ATVPDKIKX0DER")
OURS = Hosting("https://media.acme.example/m/")
AMAZON = "https://m.media-amazon.com/images/I/"


def item(**locations: str) -> Item:
    return Item(NAME, "B0GLOW0412", "BEAUTY", locations={slot: locations[slot] for slot in SLOTS if slot in locations})


def ours(name: str, external_id: str = "", role: str = "alternate", media_type: str = "image/jpeg") -> Media:
    url = f"https://media.acme.example/m/{name}.jpg"
    return Media(f"P-{name}", f"{name}.jpg", url, name, 1, media_type, role, name, 1, external_id=external_id)


def theirs(slot: str, url: str) -> ObservedMedia:
    return ObservedMedia(url, url, slot=slot)


def change(*gallery: Media | ObservedMedia, remove: Sequence[Media] = ()) -> GalleryChange:
    items = [GalleryItem(ours=one) if isinstance(one, Media) else GalleryItem(theirs=one) for one in gallery]
    return GalleryChange(str(NAME), items, remove=remove)


def wanted(patch: Patch) -> dict[str, str]:
    """What the listing holds once the patch is carried out."""
    kept = {slot: url for slot, url in patch.item.locations.items() if slot not in patch.delete}
    return {**kept, **patch.replace}


STUDIO = {"MAIN": f"{AMAZON}61front.jpg", "PT01": f"{AMAZON}61back.jpg"}
FRONT, BACK = theirs("MAIN", STUDIO["MAIN"]), theirs("PT01", STUDIO["PT01"])


def test_a_new_image_takes_the_first_slot_behind_others():
    patch = patch_of(change(FRONT, BACK, ours("beach")), item(**STUDIO), OURS)
    assert patch.body == {
        "productType": "BEAUTY",
        "patches": [
            {
                "op": "replace",
                "path": "/attributes/other_product_image_locator_2",
                "value": [{"media_location": ours("beach").url, "marketplace_id": "ATVPDKIKX0DER"}],
            }
        ],
    }
    assert patch.external_ids == {"P-beach": "PT02"}
    assert [one.name for one in patch.fetched] == ["beach.jpg"]


def test_what_stands_as_it_should_is_not_sent_again():
    there = item(**STUDIO, PT02=ours("beach").url)
    assert patch_of(change(FRONT, BACK, ours("beach")), there, OURS).empty


def test_a_removal_names_the_selector_and_touches_nothing_else():
    there = item(**STUDIO, PT02=ours("beach").url)
    patch = patch_of(change(FRONT, BACK, remove=[ours("beach")]), there, OURS)
    assert patch.body["patches"] == [
        {
            "op": "delete",
            "path": "/attributes/other_product_image_locator_2",
            "value": [{"marketplace_id": "ATVPDKIKX0DER"}],
        }
    ]


def test_an_image_that_amazon_copied_is_known_by_its_address():
    copied = f"{AMAZON}61beach.jpg"
    there = item(**STUDIO, PT02=copied)
    assert patch_of(change(FRONT, BACK, ours("beach", copied)), there, OURS).empty
    assert patch_of(change(FRONT, BACK, remove=[ours("beach", copied)]), there, OURS).delete == ("PT02",)


def test_an_image_that_was_copied_unseen_is_known_by_its_slot():
    there = item(**STUDIO, PT02=f"{AMAZON}61beach.jpg")
    assert patch_of(change(FRONT, BACK, ours("beach", "PT02")), there, OURS).empty


def test_an_image_somebody_else_submitted_to_our_slot_is_not_ours():
    there = item(**STUDIO, PT02="https://studio.example/new.jpg")
    assert patch_of(change(FRONT, BACK, remove=[ours("beach", "PT02")]), there, OURS).empty


def test_an_image_that_came_since_the_change_was_decided_stays():
    there = item(**STUDIO, PT02=f"{AMAZON}61studio-again.jpg")
    patch = patch_of(change(FRONT, BACK, ours("beach")), there, OURS)
    assert list(patch.replace) == ["PT03"]
    assert not patch.delete


def test_a_moved_image_is_submitted_under_the_address_amazon_gave_it():
    copied = f"{AMAZON}61old.jpg"
    there = item(**STUDIO, PT02=copied)
    patch = patch_of(change(FRONT, BACK, ours("new"), ours("old", copied)), there, OURS)
    assert patch.replace == {"PT02": ours("new").url, "PT03": copied}
    assert patch.external_ids == {"P-new": "PT02", "P-old": copied}
    assert [one.placement for one in patch.fetched] == ["P-new"]


def test_a_replaced_image_leaves_in_the_same_patch():
    full = {slot: f"{AMAZON}61{slot}.jpg" for slot in SLOTS if slot != "PT08"}
    others = [theirs(slot, url) for slot, url in full.items()]
    there = item(**full, PT08=ours("v1").url)
    patch = patch_of(change(*others, ours("v2"), remove=[ours("v1")]), there, OURS)
    assert (patch.replace, patch.delete) == ({"PT08": ours("v2").url}, ())


def test_a_copy_too_many_is_deleted():
    there = item(**STUDIO, PT02=ours("beach").url, PT05=ours("beach").url)
    assert patch_of(change(FRONT, BACK, ours("beach")), there, OURS).delete == ("PT05",)


def test_the_main_slot_is_for_what_is_main():
    patch = patch_of(change(ours("hero", role="main"), ours("beach")), item(), OURS)
    assert list(patch.replace) == ["MAIN", "PT01"]
    assert list(patch_of(change(ours("beach")), item(), OURS).replace) == ["PT01"]


def test_the_main_image_of_others_is_never_replaced():
    patch = patch_of(change(ours("hero", role="main"), FRONT, ours("beach")), item(MAIN=STUDIO["MAIN"]), OURS)
    assert patch.replace == {"PT01": ours("beach").url}
    [issue] = patch.issues
    assert issue.media == "P-hero"
    assert "MAIN" in issue.message


def test_what_finds_no_slot_is_told_and_the_rest_goes_on():
    full = {slot: f"{AMAZON}61{slot}.jpg" for slot in SLOTS if slot != "PT05"}
    others = [theirs(slot, url) for slot, url in full.items()]
    patch = patch_of(change(*others, ours("a"), ours("b")), item(**full), OURS)
    assert patch.replace == {"PT05": ours("a").url}
    assert [issue.media for issue in patch.issues] == ["P-b"]


def test_a_video_is_refused():
    patch = patch_of(change(ours("clip", media_type="video/mp4")), item(), OURS)
    assert patch.empty
    assert "Seller Central" in patch.issues[0].message


def test_a_slot_whose_last_image_was_refused_is_left_alone_while_another_is_free():
    refused = Problem("1", "blurred", True, ("PT01",), True)
    there = replace(item(PT01=ours("bad").url), problems=(refused,))
    patch = patch_of(change(ours("good"), remove=[ours("bad")]), there, OURS)
    assert (list(patch.replace), patch.delete) == (["PT02"], ("PT01",))


@pytest.mark.parametrize("taken", [(), ("PT01", "PT02"), ("PT02", "PT03", "PT08")])
def test_ours_move_only_where_they_must(taken: tuple[str, ...]):
    free = [slot for slot in SLOTS[1:] if slot not in taken]
    standing = [Entry(ours=True, slot=free[1]), Entry(ours=True, slot=free[3])]
    found = arrange([*standing, Entry(ours=True)], taken)
    assert list(found.slots[:2]) == [free[1], free[3]]


# --- laws -----------------------------------------------------------------------------------------------------------

SUBSETS = st.lists(st.sampled_from(SLOTS), unique=True)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Item, GalleryChange]:
    """A listing with images of others and ours, and a change that keeps, removes, reorders and adds some of ours."""
    filled = draw(SUBSETS)
    mine = {slot: ours(f"o{slot}") for slot in filled if slot != "MAIN" and draw(st.booleans())}
    copied = {slot: f"{AMAZON}61{slot}.jpg" for slot in filled if slot not in mine or draw(st.booleans())}
    known = {slot: replace(one, external_id=copied.get(slot, slot)) for slot, one in mine.items()}
    there = item(**{slot: copied.get(slot) or known[slot].url for slot in filled})
    stays = [slot for slot in known if draw(st.booleans())]
    gallery: list[Media | ObservedMedia] = [
        known[slot] if slot in known else theirs(slot, there.locations[slot])
        for slot in SLOTS
        if slot in filled and (slot not in known or slot in stays)
    ]
    for number in range(draw(st.integers(0, 3))):
        gallery.insert(draw(st.integers(0, len(gallery))), ours(f"new{number}"))
    return there, change(*gallery, remove=[one for slot, one in known.items() if slot not in stays])


@given(worlds())
def test_others_images_are_never_touched(world: tuple[Item, GalleryChange]):
    there, wish = world
    others = {one.theirs.slot for one in wish.gallery if one.theirs is not None}
    patch = patch_of(wish, there, OURS)
    assert others.isdisjoint({*patch.replace, *patch.delete})


@given(worlds())
def test_applied_once_nothing_is_left_to_do(world: tuple[Item, GalleryChange]):
    there, wish = world
    patch = patch_of(wish, there, OURS)
    after = replace(there, locations={slot: wanted(patch)[slot] for slot in SLOTS if slot in wanted(patch)})
    again = patch_of(wish, after, OURS)
    assert again.empty, (again.replace, again.delete)


@given(worlds())
def test_ours_stand_in_their_order_and_what_leaves_is_gone(world: tuple[Item, GalleryChange]):
    there, wish = world
    patch = patch_of(wish, there, OURS)
    holds = wanted(patch)
    slots = {placement: slot for slot, placement in patch.placed.items()}
    order = [slots[one.ours.placement] for one in wish.gallery if one.ours and one.ours.placement in slots]
    assert order == sorted(order, key=SLOTS.index)
    assert len(order) + len(patch.issues) == sum(one.ours is not None for one in wish.gallery)
    for one in wish.remove:
        assert not {one.url, one.external_id} & set(holds.values())
