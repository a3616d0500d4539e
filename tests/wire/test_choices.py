"""Who writes a value that there is not is told those that there are, wherever it stands."""

from __future__ import annotations

import enum
from typing import Annotated, Literal

import msgspec
import pytest

from router.wire.choices import with_choices


class Hue(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Leaf(msgspec.Struct):
    hue: Hue | None = None
    side: Literal["left", "right"] = "left"
    tilt: Annotated[Literal[0, 90], msgspec.Meta(description="degrees")] = 0


class Tree(msgspec.Struct):
    leaves: list[Leaf] = []
    named: dict[str, Leaf] = {}
    by_hue: dict[Hue, int] = {}
    hue: Hue = msgspec.field(default=Hue.RED, name="colour")
    height: int = 0


def wrong(content: object) -> tuple[str, str]:
    """What msgspec says, and where."""
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(content, Tree, str_keys=True)
    what, _, place = str(caught.value).replace("`key` in `$", "`$").partition(" - at `$")
    return what, place.rstrip("`").lstrip(".")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"leaves": [{}, {"hue": "grey"}]}, "Invalid enum value 'grey', not one of red, blue"),
        ({"named": {"one": {"hue": "grey"}}}, "Invalid enum value 'grey', not one of red, blue"),
        ({"by_hue": {"grey": 1}}, "Invalid enum value 'grey', not one of red, blue"),
        ({"colour": "grey"}, "Invalid enum value 'grey', not one of red, blue"),
        ({"leaves": [{"side": "top"}]}, "Invalid enum value 'top', not one of left, right"),
        ({"leaves": [{"tilt": 45}]}, "Invalid enum value 45, not one of 0, 90"),
        ({"height": "tall"}, "Expected `int`, got `str`"),
    ],
)
def test_the_values_that_may_stand_there_are_told(content: object, told: str) -> None:
    what, place = wrong(content)
    assert with_choices(what, Tree, place) == told


def test_a_place_that_there_is_not_adds_nothing() -> None:
    assert with_choices("Invalid enum value 'x'", Tree, "nowhere[3].hue") == "Invalid enum value 'x'"
