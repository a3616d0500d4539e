"""What the bench reports: figures beside their anchors, each with the value it must not fall behind."""

from __future__ import annotations

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """`first` is the value below which the bench fails, `aim` the one to reach; both None for what is only told.
    `anchor` says what else was measured the same way."""

    name: str
    value: float | None
    unit: str = "%"
    anchor: str = ""
    first: float | None = None
    aim: float | None = None
    less_is_better: bool = False

    @property
    def fails(self) -> bool:
        return self.first is not None and not self._reaches(self.first)

    @property
    def verdict(self) -> str:
        if self.first is None:
            return ""
        if self.fails:
            return "FAILS"
        return "aim reached" if self.aim is not None and self._reaches(self.aim) else "ok"

    def _reaches(self, bar: float) -> bool:
        if self.value is None:
            return False
        return self.value <= bar if self.less_is_better else self.value >= bar


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the bench, with its figures; `notes` are lines for people."""

    title: str
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()


def table(parts: list[Part]) -> str:
    lines = []
    for part in parts:
        lines += ["", part.title, f"  {'':46} {'value':>12} {'first':>10} {'aim':>10}  {'':12} anchors"]
        for one in part.figures:
            lines.append(
                f"  {one.name:46} {_shown(one.value, one.unit):>12} {_bar(one, one.first):>10} {_bar(one, one.aim):>10}"
                f"  {one.verdict:12} {one.anchor}".rstrip()
            )
        lines += [f"    {note}" for note in part.notes]
    return "\n".join(lines).lstrip("\n")


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return "never"
    return f"${value:.4f}" if unit == "$" else f"{value:.2f} {unit}".rstrip()


def _bar(figure: Figure, bar: float | None) -> str:
    if bar is None:
        return ""
    return f"{'≤' if figure.less_is_better else '≥'} {bar:g}"
