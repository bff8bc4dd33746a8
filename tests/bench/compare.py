"""What got worse since an earlier run: `./run bench … --json NEW --compare OLD`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

# Less than this is taken for noise. Ratios and bytes hardly have any; times do.
MARGIN = 1.1

Plain = Mapping[str, object] | Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class Change:
    """A figure of both runs."""

    name: str
    before: float
    now: float
    more_is_better: bool = False

    @property
    def factor(self) -> float:
        """By which it is worse."""
        better, worse = (self.now, self.before) if self.more_is_better else (self.before, self.now)
        if not better:
            return float("inf") if worse else 1.0
        return worse / better

    @property
    def is_worse(self) -> bool:
        return self.factor > MARGIN


def changes(before: Plain, now: Plain) -> list[Change]:
    """Of all figures that both runs have, by how much worse they are. The runs are as `--json`
    writes them.
    """
    old, new = dict(_figures(before)), dict(_figures(now))
    rates = _rates(now)
    both = [Change(name, old[name], new[name], name in rates) for name in old.keys() & new.keys()]
    return sorted(both, key=lambda each: each.factor, reverse=True)


def table(compared: Sequence[Change]) -> str:
    """What got worse, as text."""
    worse = [each for each in compared if each.is_worse]
    if not worse:
        return f"\nNone of {len(compared)} figures got worse by more than {MARGIN - 1:.0%}.\n"
    lines = [
        f"\n{'worse by more than ' + format(MARGIN - 1, '.0%'):<56}{'before':>10}{'now':>10}\n"
    ]
    lines += [f"{each.name:<56}{each.before:>10.2f}{each.now:>10.2f}\n" for each in worse]
    return "".join(lines)


def _figures(plain: Plain) -> Iterator[tuple[str, float]]:
    """Of a page, its median; of anything else, its value."""
    if not isinstance(plain, Mapping):
        for figure in plain:
            value = figure["value"] if figure.get("p50") is None else figure["p50"]
            yield str(figure["name"]), _number(value)
        return
    for part in plain.values():
        if isinstance(part, Mapping):
            yield from ((str(name), _number(value)) for name, value in part.items())


def _rates(plain: Plain) -> set[str]:
    """Of which more is better."""
    if isinstance(plain, Mapping):
        return set()
    return {str(figure["name"]) for figure in plain if figure.get("more_is_better")}


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"A figure is a number, not {value!r}.")
    return float(value)
