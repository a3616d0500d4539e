"""What the bench asks: an everyday request of about a kilobyte, a different one each time."""

from __future__ import annotations

_PROSE = (
    "The council met on Tuesday to discuss the new tram line between the harbour and the university. Three "
    "members asked what the works in the old town would cost, how long they would take, and which streets would "
    "be closed in summer. The engineer answered that two bridges have to be renewed in any case, and that the "
    "line could share them. The treasurer was not convinced: the last estimate had been a third too low, and the "
    "reserve is small this year. It was agreed to ask for a second opinion before the vote in spring, and to hear "
    "the shopkeepers of the harbour street once more. "
)


def prompt_of(number: int, size: int = 900) -> str:
    """A prompt of `size` characters that no other number has."""
    opening = f"Summarise report {number:08d} in one sentence.\n\n"
    return opening + (_PROSE * (size // len(_PROSE) + 1))[: size - len(opening)]


def body_of(number: int, *, stream: bool) -> bytes:
    text = prompt_of(number).replace("\n", "\\n")
    tail = ',"stream":true}' if stream else "}"
    return f'{{"model":"auto","max_tokens":200,"messages":[{{"role":"user","content":"{text}"}}]{tail}'.encode()
