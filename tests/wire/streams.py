"""Streams in every shape that Mistral sends, and what an SDK makes of the chunks it gets.

The shapes are those recorded of the API and of its vendor's own client, with made-up contents: first a role, then text
with the padding field `p`; whole calls or fragments of calls; the finish on the last content chunk or before the last
call; usage on the finish or in a chunk of its own.
"""

from __future__ import annotations

from typing import Any

Chunk = dict[str, Any]

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
ROLE = {"role": "assistant", "content": ""}


def chunk(delta: Any, finish: str | None = None, **fields: Any) -> Chunk:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "c0", "object": "chat.completion.chunk", "created": 1, "model": "mistral-small-latest"}
    return {**head, "choices": [choice], **fields}


def call(arguments: str, index: int | None = 0, name: str = "", **fields: Any) -> Chunk:
    at = {} if index is None else {"index": index}
    return {**fields, "function": {"name": name, "arguments": arguments}, **at}


class Read:
    """What an SDK has in hand after the chunks it got. `finishes` maps an answer's index to how it ended."""

    def __init__(self) -> None:
        self.text: dict[int, str] = {}
        self.thought = ""
        self.calls: dict[tuple[int, int], list[str | None]] = {}
        self.finishes: dict[int, str] = {}

    def add(self, made: Chunk) -> None:
        for choice in made["choices"]:
            index = choice["index"]
            if choice["finish_reason"]:
                self.finishes[index] = choice["finish_reason"]
            self._content(index, choice["delta"])
            for fragment in choice["delta"].get("tool_calls") or ():
                self._fragment(index, fragment)

    def _content(self, index: int, delta: Chunk) -> None:
        content = delta.get("content") or ""
        if isinstance(content, list):  # as Mistral's own SDK gets it
            for part in content:
                self.thought += "".join(inner["text"] for inner in part.get("thinking", ()))
            content = "".join(part.get("text", "") for part in content)
        self.text[index] = self.text.get(index, "") + content
        self.thought += delta.get("reasoning_content") or ""

    def _fragment(self, index: int, fragment: Chunk) -> None:
        # As openai-python joins them: the first fragment brings id, type and name, later ones only add. Mistral's
        # clients may get the id again.
        made = self.calls.setdefault((index, fragment["index"]), [None, None, "", ""])
        if made[0] is None:
            made[0], made[1] = fragment.get("id"), fragment.get("type")
        else:
            assert fragment.get("id", made[0]) == made[0]
        function = fragment["function"]
        made[2] = f"{made[2]}{function.get('name', '')}"
        made[3] = f"{made[3]}{function.get('arguments', '')}"


WEATHER = ["gSIMJiOkT", "function", "weather", '{"city": "Oslo"}']
TIME = ["hTJNKjPlU", "function", "time", "{}"]

# Title, the stream, and what an app has in the end: text, thoughts, calls, finish.
SHAPES: dict[str, tuple[list[Chunk], tuple[str, str, list[Any], str]]] = {
    "1: a role first, then text with padding": (
        [chunk(ROLE), chunk({"content": "Hel"}, p="abc"), chunk({"content": "lo"}, "stop", usage=USAGE, p="abcdef")],
        ("Hello", "", [], "stop"),
    ),
    "2: the finish on an empty chunk of its own": (
        [chunk(ROLE), chunk({"content": "Hello"}), chunk({"content": ""}, "length", usage=USAGE)],
        ("Hello", "", [], "length"),
    ),
    "3: whole calls without type and index, with finish and usage": (
        [
            chunk(ROLE),
            chunk(
                {
                    "content": None,
                    "tool_calls": [
                        call('{"city": "Oslo"}', None, "weather", id="gSIMJiOkT"),
                        call("{}", None, "time", id="hTJNKjPlU"),
                    ],
                },
                "tool_calls",
                usage=USAGE,
            ),
        ],
        ("", "", [WEATHER, TIME], "tool_calls"),
    ),
    '4: fragments without an id or with the id "null"': (
        [
            chunk(ROLE),
            chunk({"content": "Let me see."}),
            chunk({"tool_calls": [call("", 0, "weather", id="gSIMJiOkT")]}),
            chunk({"tool_calls": [call('{"city": ', 0)]}),
            chunk({"tool_calls": [call('"Oslo"', 0, id="null")]}),
            chunk({"tool_calls": [call("}", 0, id=None)]}),
            chunk({"content": ""}, "tool_calls", usage=USAGE),
        ],
        ("Let me see.", "", [WEATHER], "tool_calls"),
    ),
    "5: another vendor's fragments, ids of another form, an index on the delta": (
        [
            chunk(
                {
                    "tool_calls": [call("", 0, "weather", id="chatcmpl-tool-9f14", type="function")],
                    "index": 0,
                    "content": "",
                }
            ),
            chunk({**ROLE, "index": 0}),
            chunk({"tool_calls": [call('{"city": "Oslo"}', 0, type="function")], "index": 0, "content": ""}),
            chunk({"index": 0, "content": ""}, "tool_calls", usage=USAGE),
        ],
        ("", "", [["chatcmpl-tool-9f14", *WEATHER[1:]]], "tool_calls"),
    ),
    "6: thoughts in lists, a mixed list, then text": (
        [
            chunk(ROLE),
            chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "2 +"}]}]}),
            chunk(
                {
                    "content": [
                        {"type": "thinking", "thinking": [{"type": "text", "text": " 2"}], "closed": True},
                        {"type": "text", "text": "Fo"},
                    ]
                }
            ),
            chunk({"content": "ur."}, "stop", usage=USAGE),
        ],
        ("Four.", "2 + 2", [], "stop"),
    ),
    "7: the finish before the last call, usage in a chunk without choices": (
        [
            chunk(ROLE),
            chunk({"tool_calls": [call('{"city": "Oslo"}', 0, "weather", id="gSIMJiOkT")]}, "tool_calls"),
            chunk({"tool_calls": [call("{}", 1, "time", id="hTJNKjPlU")]}),
            {**chunk({}), "choices": [], "usage": USAGE},
        ],
        ("", "", [WEATHER, TIME], "tool_calls"),
    ),
    "two calls whose fragments alternate": (
        [
            chunk({"tool_calls": [call("", 0, "weather", id="gSIMJiOkT"), call("", 1, "time", id="hTJNKjPlU")]}),
            chunk({"tool_calls": [call("{", 1)]}),
            chunk({"tool_calls": [call('{"city": "Oslo"}', 0), call("}", 1)]}, "tool_calls", usage=USAGE),
        ],
        ("", "", [WEATHER, TIME], "tool_calls"),
    ),
}
