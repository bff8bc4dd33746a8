"""The pages that are measured on a loaded trail."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from snapshots.management.invented import texts
from tests.bench.figures import MOST_QUERIES

FREE_TEXT_MS, PAGE_MS, BOARD_MS = 300, 100, 40
BOARD_QUERIES = 45
RECORD_QUERIES = 24
QUESTIONS = (
    "forced",
    "own-volume",
    "refused",
    "long-unknown",
    "out-of-hours",
    "deleted-young",
    "rolled-back",
    "deleted-others",
    "unasked",
)


@dataclass(frozen=True)
class Page:
    """One kind of page; its paths are asked for in turn."""

    name: str
    paths: list[str]
    limit_ms: int = PAGE_MS
    person: str = "audrey"
    most_queries: int = MOST_QUERIES
    is_level: bool = True


def pages(told: dict[str, Any]) -> list[Page]:
    """`told`: values that are in the trail, from `within.sample`."""
    return [
        Page("board", ["/"], limit_ms=BOARD_MS, most_queries=BOARD_QUERIES),
        Page("home, staff", ["/"], person=told["staff"]),
        Page("status", ["/status/"], limit_ms=BOARD_MS),
        Page("operations, auditor", ["/requests/"]),
        Page("operations, staff", ["/requests/"], person=told["staff"]),
        Page("operations, staff, open ones", ["/requests/?state=open"], person=told["staff"]),
        *_lists(told),
        *_texts(told),
        Page("questions", ["/audit/questions/"]),
        Page("questions: one of them", [f"/audit/questions/{one}/" for one in QUESTIONS]),
        Page("questions: next page, deep", [_deep(told["deep_operation"])]),
        Page("questions: in a period", [_in_period(one, told["month"]) for one in QUESTIONS]),
        *_records(told),
    ]


def _deep(operation: str) -> str:
    return f"/audit/questions/refused/?before={operation}"


def _in_period(question: str, month: list[str]) -> str:
    return f"/audit/questions/{question}/?since={month[0]}&until={month[1]}"


def _records(told: dict[str, Any]) -> list[Page]:
    """With everything that is known of the operation."""
    return [
        Page(f"one record: an {kind}", paths, most_queries=RECORD_QUERIES)
        for kind, paths in (
            ("exchange", [f"/audit/{one}/" for one in told["exchanges"]]),
            ("action", [f"/audit/{one}/" for one in told["actions"]]),
        )
    ]


def _lists(told: dict[str, Any]) -> list[Page]:
    many, few = told["many"], told["few"]
    day, rare_day, month = told["day"], told["first_day"], told["month"]
    asked = {
        "the list": "",
        "the list with background": "background:yes",
        "background only": "background:only",
        "actor, common": [f"actor:{one}" for one in many["actor_name"]],
        "actor, rare": f"actor:{texts.RARE_PERSON}",
        "actor, nobody's": "actor:who.never.was",
        "actor, with background": "actor:portal background:yes",
        "for, common": [f"for:{one}" for one in many["on_behalf_of"]],
        "for, rare": "for:who.never.was",
        "ticket, common": f"ticket:{texts.RARE_TICKET}",
        "ticket, rare": [f"ticket:{one}" for one in few["ticket"]],
        "volume, by name": [f'volume:"{one}"' for one in many["volume_name"]],
        "volume, by the beginning of many names": [f"volume:{one}" for one in texts.SYSTEMS[:3]],
        "volume, by id": [f"volume:{one}" for one in many["volume_id"]],
        "volume, by a part of its id": [f"volume:{one[:8]}" for one in many["volume_id"]],
        "volume, none": "volume:no-such-volume",
        "operation": [f"operation:{one}" for one in told["operations"]],
        "operation, by a part of its id": [f"operation:{one[:8]}" for one in told["operations"]],
        "cause": [f"cause:{one}" for one in told["causes"]],
        "cloud, common": "cloud:sandbox",
        "cloud, rare": f"cloud:{texts.OLD_CLOUD}",
        "status, common": "status:202",
        "status, rare": "status:503",
        "status, range": ["status:>=400", "status:4xx", "status:5xx", "status:<300"],
        "status, none": "status:none",
        "status, with background": ["status:>=500 background:yes", "status:200 background:yes"],
        "code, common": "code:EVS.5400",
        "code, rare": f"code:{texts.RARE_CODE}",
        "code, with background": "code:EVS.5503 background:yes",
        "kind": ["kind:exchange", "kind:action"],
        "kind, rare": "kind:anomaly",
        "what, common": ["what:create", "what:session"],
        "what, rare": ["what:settle", "what:operation:cancel"],
        "since": [f"since:{day}", f"since:{rare_day}"],
        "until": [f"until:{day}", f"until:{rare_day}"],
        "since, until": [f"since:{month[0]} until:{month[1]}"],
        "on a day": [f"on:{day}"],
        "not: a common value": ["-cloud:sandbox", "-status:202", "-what:create", "-kind:exchange"],
        "not: a rare value": ["-cloud:elsewhere", "-status:503", "-code:EVS.5400"],
        "not, and a common value": ["kind:exchange -status:2xx", "kind:action -what:session"],
        "not, and nearly nothing left": "kind:exchange -cloud:sandbox",
        "two, both common": [f"actor:{one} what:create" for one in many["actor_name"]],
        "two, one rare": [f"actor:{one} code:{texts.RARE_CODE}" for one in many["actor_name"]],
        "two that never meet": [
            f"actor:{texts.RARE_PERSON} status:202",
            "what:settle status:>=500",
        ],
        "actor, status and since": [
            f"actor:{one} status:>=400 since:{month[0]}" for one in many["actor_name"]
        ],
        "cloud, code and until": f"cloud:sandbox code:EVS.5413 until:{month[1]}",
        "volume and status": [f'volume:"{one}" status:>=400' for one in many["volume_name"]],
        "an old month of a common value": [f"cloud:sandbox until:{told['early']}"],
        "five at once": f"cloud:sandbox kind:exchange what:create -status:2xx since:{month[0]}",
    }
    deep = told["deep"]
    return [
        *(Page(name, _paths(queries)) for name, queries in asked.items()),
        Page("next page", _paths("", before=told["next"])),
        Page("next page, deep", _paths("", before=deep)),
        Page("next page, deep, with background", _paths("background:yes", before=deep)),
        Page("next page, deep, of a filter", _paths("status:202", before=deep)),
        Page("next page, deep, of two filters", _paths("what:create -status:2xx", before=deep)),
    ]


def _texts(told: dict[str, Any]) -> list[Page]:
    asked = {
        "text: a common word": texts.COMMON_WORD,
        "text: a rare word": texts.RARE_WORD,
        "text: no word of the trail": "nosuchwordanywhere",
        "text: a phrase": f'"{texts.PHRASE}"',
        "text: two words": f"{texts.COMMON_WORD} {texts.OTHER_WORD}",
        "text: a common and a rare word": f"{texts.COMMON_WORD} {texts.RARE_WORD}",
        "text: a word of nearly every row": "snapshots",
        "text: a word and a qualifier": [
            f"{texts.COMMON_WORD} actor:{one}" for one in told["many"]["actor_name"]
        ],
        "text: a word and a rare qualifier": f"{texts.COMMON_WORD} code:{texts.RARE_CODE}",
        "text: a word and a negation": f"{texts.COMMON_WORD} -status:202",
    }
    return [Page(name, _paths(one), FREE_TEXT_MS, is_level=False) for name, one in asked.items()]


def _paths(queries: str | list[str], **also: str) -> list[str]:
    some = [queries] if isinstance(queries, str) else queries
    return [f"/audit/?{urlencode({'q': query} | also)}" for query in some]
