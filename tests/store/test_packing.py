"""What is packed comes out as it was, is small, and says so when it cannot be read."""

from __future__ import annotations

import random
from statistics import fmean

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.store import packing
from router.store.rows import details_of, row_of
from tests.bench.records import drawn, planned

KINDS = st.sampled_from(["row", "details"])


@given(KINDS, st.binary())
def test_what_is_packed_comes_out_as_it_was(kind: packing.Kind, data: bytes) -> None:
    assert packing.unpack(kind, packing.pack(kind, data)) == data


def test_records_of_other_requests_than_the_dictionary_was_made_of_are_small() -> None:
    """The whole store must come to 300 bytes a record, and a stream adds some twenty to each of these."""
    dice = random.Random(3)
    bases = planned(dice)
    records = [drawn(dice, base, f"team-{number:03}", 1_792_000_000_000 + number) for number, base in enumerate(bases)]
    assert fmean(len(row_of(one)) for one in records) < 115
    assert fmean(len(details_of(one)) for one in records) < 450
    assert fmean(len(msgspec.json.encode(one.router)) for one in records) > 5_000


@pytest.mark.parametrize(
    "packed", [b"", b"\xff" + packing.pack("row", b"of a later version")[1:], packing.pack("row", b"a cut one")[:-4]]
)
def test_what_cannot_be_read_says_so(packed: bytes) -> None:
    with pytest.raises(packing.Unreadable, match="a row of a record cannot be read"):
        packing.unpack("row", packed)


def test_a_dictionary_is_as_long_as_its_window_reaches() -> None:
    for path in packing.FOLDER.iterdir():
        kind, _, version = path.name.partition(".")
        assert path == packing.path_of(kind, int(version))  # type: ignore[arg-type] # the name says the kind
        assert path.stat().st_size <= packing.window(kind) - 262  # type: ignore[arg-type] # as above
