"""Texts counted: whole, in pieces, by a sample, by their characters, and never above their bytes."""

from __future__ import annotations

import base64
import hashlib
import pathlib
import zlib

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from router.core.estimates import PIECES, SAMPLED_FROM, byte_bound, linear, sampled
from router.core.tokenizer import Method, Tokenizer
from router.vocabulary import VOCABULARY, load_tokenizer

CONTENT = VOCABULARY.read_bytes()
TOKENIZER = Tokenizer(CONTENT)

# One of them stands for each script and for what programs write.
PROSE = {
    "English": "The engineer answered that two bridges have to be renewed in any case, and that the line could share "
    "them. The treasurer was not convinced: the last estimate had been a third too low, and the reserve is small. ",
    "German": "Die Ingenieurin antwortete, dass zwei Brücken ohnehin erneuert werden müssen und die Linie sie "
    "mitbenutzen könnte. Der Schatzmeister war nicht überzeugt: Die letzte Schätzung lag ein Drittel zu niedrig. ",
    "Russian": "Инженер ответил, что два моста в любом случае нужно обновить и что линия могла бы ими пользоваться. "
    "Казначея это не убедило: прошлая смета оказалась на треть ниже, а резерв в этом году невелик. ",
    "Chinese": "工程师回答说，无论如何都要翻修两座桥，新线路可以与之共用。"
    "财务主管并不信服：上次的估算低了三分之一，而今年的储备很少。",
    "Python": "def share(bridges: list[str], line: str) -> dict[str, str]:\n    return {bridge: line for bridge in "
    "bridges if bridge.startswith('old')}\n\n\n",
    "JSON": '{"bridge": "harbour", "renewed": false, "cost_eur": 1250000, "lines": ["4", "11"], "since": 1931}\n',
}


def letters(number: int) -> str:
    return base64.b64encode(hashlib.shake_256(str(number).encode()).digest(240_000)).decode()


HOSTILE = {
    "one letter": "a" * 400_000,
    "base64": letters(1),
    "spaces": " " * 200_000,
    "line breaks": "\n" * 200_000,
    "Han without a stop": "".join(chr(0x4E00 + place % 20_000) for place in range(0, 700_000, 7)),
    "lone surrogates": "\ud800" * 100_000,
    "accents without letters": "\u0301" * 100_000,
    "digits": "7" * 200_000,
}


class Watched(Tokenizer):
    """Remembers how long the texts were that it has really tokenised."""

    def __init__(self) -> None:
        super().__init__(CONTENT)
        self.tokenised: list[int] = []

    def _tokens(self, text: str) -> int:
        self.tokenised.append(len(text))
        return super()._tokens(text)


def as_shipped() -> tiktoken.Encoding:
    """The encoding with the pattern just as the file has it."""
    assert TOKENIZER._encoding is not None
    unpacked = zlib.decompress(CONTENT)
    pattern = unpacked[2 : 2 + int.from_bytes(unpacked[:2], "big")].decode()
    ranks = TOKENIZER._encoding._mergeable_ranks
    return tiktoken.Encoding("as shipped", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})


AS_SHIPPED = as_shipped()


def whole(text: str) -> int:
    """The count without any piece, sample or memory."""
    return TOKENIZER._tokens(text)


class TestCounting:
    @pytest.mark.parametrize("title", PROSE)
    def test_a_long_text_in_pieces_has_as_many_tokens_as_in_one(self, title: str) -> None:
        text = PROSE[title] * (150_000 // len(PROSE[title]) + 1)
        watched = Watched()
        assert watched.count(text) == whole(text)
        assert len(watched.tokenised) > 2
        assert sum(watched.tokenised) == len(text)

    @given(st.text(alphabet="aZé字、 \n\t7²!_-\u0301\U0001f600", max_size=40), st.integers(32_700, 32_800))
    def test_a_piece_ends_only_where_a_token_ends(self, noise: str, place: int) -> None:
        text = "x " * (place // 2) + noise + " y" * 20_000
        assert TOKENIZER._count(text) == whole(text)

    @pytest.mark.parametrize("title", HOSTILE)
    def test_a_hostile_text_is_tokenised_once_and_counted_to_the_end(self, title: str) -> None:
        text, watched = HOSTILE[title], Watched()
        found = watched.count(text)
        assert sum(watched.tokenised) == len(text)
        assert max(watched.tokenised) <= 65_536
        assert whole(text) <= found <= whole(text) + 4 * len(watched.tokenised)

    def test_a_million_spaces_are_counted(self) -> None:
        # In one piece they would end in the tokenizer's own stack overflow.
        assert 1_000_000 / 128 <= TOKENIZER.count(" " * 1_000_000) < 17_000

    @given(st.text(max_size=2_000))
    def test_a_text_has_no_more_tokens_than_bytes(self, text: str) -> None:
        assert TOKENIZER.count(text) <= byte_bound(text)

    @pytest.mark.parametrize("title", HOSTILE)
    def test_a_hostile_text_has_no_more_tokens_than_bytes(self, title: str) -> None:
        assert TOKENIZER.count(HOSTILE[title]) <= byte_bound(HOSTILE[title])

    @given(st.text(max_size=400) | st.text(alphabet="aZé字 \u3000\t\n\r7²'!_-/\u0301", max_size=80))
    def test_the_pattern_rearranged_finds_the_same_tokens(self, text: str) -> None:
        assert TOKENIZER._encoding is not None
        assert TOKENIZER._encoding.encode_ordinary(text) == AS_SHIPPED.encode_ordinary(text)


class TestMemory:
    @given(st.text(alphabet="ab \n\U0001f600é\ud800", min_size=100, max_size=1_500))
    def test_a_remembered_count_is_the_same_count(self, text: str) -> None:
        assert TOKENIZER.count(text) == TOKENIZER.count(text) == whole(text)

    def test_a_growing_conversation_pays_for_its_new_turn_only(self) -> None:
        watched, turns = Watched(), []
        for number in range(40):
            turns.append(f"{number}. {PROSE['English']}")
            before = sum(watched.tokenised)
            watched.exactly(turns)
            assert sum(watched.tokenised) - before == len(turns[-1])

    def test_memory_has_a_bound_and_keeps_what_is_still_used(self) -> None:
        watched, kept = Watched(), PROSE["English"]
        for number in range(20_000):
            watched.remember(b"text", str(number).encode(), lambda: 1)
            if number % 1_000 == 0:
                watched.count(kept)
        assert watched.tokenised == [len(kept)]
        assert len(watched._counts) + len(watched._older) <= 2 * 8_192


class TestSample:
    @pytest.mark.parametrize("title", PROSE)
    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("length", [1_200, 2_500, 3_200, None])
    def test_a_sample_is_near_the_count(self, title: str, seed: int, length: int | None) -> None:
        text = "".join(f"{number} {PROSE[title]}" for number in range(60))[:length]
        assert sampled(text, whole, seed) == pytest.approx(whole(text), rel=0.3)

    @pytest.mark.parametrize(("size", "cuts"), [(SAMPLED_FROM + 1, 7), (3_072, 7), (3_073, 15), (400_000, 15)])
    def test_a_sample_counts_the_same_few_characters_of_any_text(self, size: int, cuts: int) -> None:
        counted: list[str] = []

        def count(text: str) -> int:
            counted.append(text)
            return 300

        sampled("x" * size, count, 0)
        assert [len(text) for text in counted] == [SAMPLED_FROM + cuts]

    def test_places_follow_the_seed_and_nothing_else(self) -> None:
        text = "".join(f"{number:>9}{PROSE['JSON']}{'a' * (number % 50)}" for number in range(200))
        found = [sampled(text, whole, seed) for seed in range(20)]
        assert found == [sampled(text, whole, seed) for seed in range(20)]
        assert len(set(found)) > 5

    @pytest.mark.parametrize(("pieces", "size"), [(PIECES // 2, 300), (PIECES, 1_000)])
    def test_every_part_of_the_text_is_sampled(self, pieces: int, size: int) -> None:
        text = "".join(chr(0x4E00 + number) * size for number in range(pieces))
        seen: set[str] = set()

        def count(text: str) -> int:
            seen.update(text)
            return 300

        sampled(text, count, 3)
        assert seen == {*text, "\n"}

    @pytest.mark.parametrize("tokenizer", [TOKENIZER, Tokenizer(CONTENT, seed=5)], ids=["seed 0", "seed 5"])
    @pytest.mark.parametrize("title", [*PROSE, *HOSTILE])
    def test_the_truth_lies_between_the_bounds(self, title: str, tokenizer: Tokenizer) -> None:
        text = HOSTILE.get(title) or PROSE[title] * 50
        found = tokenizer.roughly(["Hello", text, text[:5_000]])
        exact = tokenizer.exactly(["Hello", text, text[:5_000]])
        assert found.method is Method.SAMPLED
        assert found.low <= exact.expected <= found.high
        assert exact.low == exact.expected == exact.high

    def test_short_texts_are_counted(self) -> None:
        texts = ["Hello", " " * (SAMPLED_FROM - 5)]
        assert TOKENIZER.roughly(texts) == TOKENIZER.exactly(texts)
        assert TOKENIZER.roughly([*texts, "!"]).method is Method.SAMPLED


class TestWithoutItsFile:
    @pytest.mark.parametrize("title", PROSE)
    def test_characters_tell_about_how_many_tokens_there_are(self, title: str) -> None:
        assert linear(PROSE[title]) == pytest.approx(whole(PROSE[title]), rel=0.4)

    def test_no_text_has_no_tokens(self) -> None:
        assert (linear(""), Tokenizer(None).count("")) == (0, 0)

    @pytest.mark.parametrize("title", [*PROSE, *HOSTILE])
    def test_what_is_held_is_never_below_the_truth(self, title: str) -> None:
        texts = [HOSTILE.get(title) or PROSE[title], "Hello"]
        found = Tokenizer(None).exactly(texts)
        assert found.method is Method.LINEAR
        assert found.high >= max(found.expected, TOKENIZER.exactly(texts).expected)

    def test_a_missing_file_is_a_warning_and_no_end(
        self, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert load_tokenizer(path=tmp_path / "tekken.bin").method is Method.LINEAR
        assert "tekken.bin" in caplog.text

    @pytest.mark.parametrize(
        "damaged",
        [b"", b"no archive", CONTENT[:-9], CONTENT[:1_000] + b"?" + CONTENT[1_001:], zlib.compress(b"\0\1.\1a\1b")],
        ids=["empty", "no archive", "cut", "one byte", "too few strings"],
    )
    def test_a_damaged_file_is_not_counted_with(self, damaged: bytes, tmp_path: pathlib.Path) -> None:
        with pytest.raises(ValueError, match="the vocabulary"):
            Tokenizer(damaged)
        path = tmp_path / "tekken.bin"
        path.write_bytes(damaged)
        assert load_tokenizer(path=path).method is Method.LINEAR

    def test_the_file_that_ships_is_whole(self) -> None:
        assert load_tokenizer().method is Method.EXACT
