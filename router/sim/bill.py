"""What the vendor charges: one line per generation, summed in integers and rounded up to a nano-USD once."""

from typing import Final

import msgspec

from router.sim.catalog import Model, nano_per_million

# The factors are exact fractions, so that no float ever meets money.
PRIORITY_FACTOR: Final = (7, 4)
REGION_FACTOR: Final = (11, 10)
MILLION: Final = 10**6


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    input_tokens: int
    cached_tokens: int = 0
    output_tokens: int = 0


class Line(msgspec.Struct, kw_only=True):
    generations: int = 0
    nano_usd: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


def cost_nano(model: Model, usage: Usage, *, priority: bool = False, regional: bool = False) -> int:
    fresh_tokens = usage.input_tokens - usage.cached_tokens
    amount = (
        fresh_tokens * nano_per_million(model.input)
        + usage.cached_tokens * nano_per_million(model.cached)
        + usage.output_tokens * nano_per_million(model.output)
    )
    divisor = MILLION
    for applies, (numerator, denominator) in ((priority, PRIORITY_FACTOR), (regional, REGION_FACTOR)):
        if applies:
            amount *= numerator
            divisor *= denominator
    return -(-amount // divisor)


class Bill:
    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def charge(self, model: Model, usage: Usage, *, priority: bool = False, regional: bool = False) -> int:
        """Put one generation on the bill; what it costs, in nano-USD."""
        nano_usd = cost_nano(model, usage, priority=priority, regional=regional)
        line = self._lines.setdefault(model.id, Line())
        line.generations += 1
        line.nano_usd += nano_usd
        line.input_tokens += usage.input_tokens
        line.cached_tokens += usage.cached_tokens
        line.output_tokens += usage.output_tokens
        return nano_usd

    @property
    def nano_usd(self) -> int:
        return sum(line.nano_usd for line in self._lines.values())

    def statement(self) -> dict[str, object]:
        return {
            "generations": sum(line.generations for line in self._lines.values()),
            "nano_usd": self.nano_usd,
            "by_model": {name: msgspec.to_builtins(line) for name, line in sorted(self._lines.items())},
        }
