"""How numbers, days, lists and the marks between texts are written in each language of the portal.
English where a language has no row here.

Arabic is written with the digits 0 to 9, as clouds, addresses and ids have them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import get_language


@dataclass(frozen=True, slots=True, kw_only=True)
class _Forms:
    thousands: str = ","
    decimal: str = "."
    day: str = "{day:02} {month} {year}"
    weekday: str = "{weekday}, {day}"
    months: Sequence[str]
    weekdays: Sequence[str]  # Monday first
    between_names: str = ", "
    between_sentences: str = " "
    comma: str = ", "
    semicolon: str = "; "
    colon: str = ": "
    stop: str = "."


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ENGLISH = _Forms(
    months=_names("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"),
    weekdays=_names("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
)
_FORMS = {
    "en-gb": _ENGLISH,
    "tr": _Forms(
        thousands=".",
        decimal=",",
        weekday="{day} {weekday}",
        months=_names("Oca Şub Mar Nis May Haz Tem Ağu Eyl Eki Kas Ara"),
        weekdays=_names("Pazartesi Salı Çarşamba Perşembe Cuma Cumartesi Pazar"),
    ),
    "zh-hans": _Forms(
        day="{year}年{month}月{day}日",
        weekday="{day} {weekday}",
        months=tuple(str(number) for number in range(1, 13)),
        weekdays=_names("星期一 星期二 星期三 星期四 星期五 星期六 星期日"),
        between_names="、",
        between_sentences="",
        comma="，",
        semicolon="；",
        colon="：",
        stop="。",
    ),
    "ar": _Forms(
        day="{day} {month} {year}",
        weekday="{weekday}، {day}",
        months=_names("يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر"),
        weekdays=_names("الاثنين الثلاثاء الأربعاء الخميس الجمعة السبت الأحد"),
        between_names="، ",
        comma="، ",
        semicolon="؛ ",
    ),
}


def _forms() -> _Forms:
    return _FORMS.get(get_language() or "", _ENGLISH)


def figure(number: float, digits: int = 0) -> str:
    """A number with so many digits behind the point: `1,204`, `1.5`."""
    forms, text = _forms(), f"{number:,.{digits}f}"
    if forms.thousands == ",":
        return text
    return text.translate({ord(","): forms.thousands, ord("."): forms.decimal})


def day(value: date) -> str:
    """`29 Nov 2026`. Of a time, its day in its own zone."""
    forms = _forms()
    return forms.day.format(day=value.day, month=forms.months[value.month - 1], year=value.year)


def weekday(value: date) -> str:
    """`Sunday, 29 Nov 2026`."""
    forms = _forms()
    return forms.weekday.format(weekday=forms.weekdays[value.weekday()], day=day(value))


def between_names() -> str:
    """What stands between the names of a list."""
    return _forms().between_names


def between_sentences() -> str:
    return _forms().between_sentences


def comma() -> str:
    """With the blank behind it; so are the others that a text follows."""
    return _forms().comma


def semicolon() -> str:
    return _forms().semicolon


def colon() -> str:
    return _forms().colon


def stop() -> str:
    return _forms().stop


def ended(text: str) -> str:
    """A sentence, with a full stop where its writer set no mark of any language."""
    return text if text.endswith(tuple(".!?。！？؟")) else text + stop()


def listed(names: Iterable[str]) -> str:
    """`A, B, C`."""
    return between_names().join(names)


def sentences(texts: Iterable[str]) -> str:
    """One behind the other; a text may be empty."""
    return between_sentences().join(text for text in texts if text)
