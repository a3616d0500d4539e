"""Whether a prompt wants several tool calls at once: "the weather in Rome and in Oslo", "book it, then tell Ann".

A hint, not a need: of what real users write to one tool or another a fifth carries it and a fiftieth means it. So it
chooses the column of the quality table and never excludes a model.
"""

from __future__ import annotations

import re
from typing import Final

_EDGE: Final = 1_000  # characters read at either end

# What joins two wishes, in the larger European languages and in Chinese, Japanese, Korean, Arabic and Hindi.
_JOINED: Final = re.compile(
    r"\b(?:and|both|each|also|as well as|respectively|another|then|plus|along with|followed by"
    r"|et|puis|ensuite|aussi|également|ainsi que|und|sowie|außerdem|danach|anschließend|jeweils"
    r"|y|también|luego|después|además|anche|inoltre|poi|também|depois|além|ook|daarna|oraz|także)\b"
    r"|;|[?？].*[?？]|以及|还有|還有|然后|然後|分别|それから|そして|および|그리고|각각|ثم |وأيضا|और ",
    re.IGNORECASE | re.DOTALL,
)
# An "and" that goes on about the same wish: "between 1 and 9", "and it should", "and no more than".
_GOES_ON: Final = re.compile(
    r"\bbetween\b[^,.?]{1,60}?\band\b"
    r"|\band (?:make sure|ensure|its?|it's|their|units?|my|not?|has|have|had|with|that|which|let|i|i'm|i'd|we|they|he"
    r"|she|is|are|was|were|need|want|looking|don't|doesn't|acts?|acted|directed|featuring|includ\w{1,5}|stars?|starring"
    r"|below|above|prefer\w{0,5}|to|use|using|any)\b",
    re.IGNORECASE,
)


def wants_several_calls(text: str) -> bool:
    """Whether `text` names more than one thing to be done. Reads its two ends at most."""
    if len(text) > 2 * _EDGE:
        text = f"{text[:_EDGE]}\n{text[-_EDGE:]}"
    return _JOINED.search(_GOES_ON.sub(" ", text)) is not None
