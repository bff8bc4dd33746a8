"""Whether a refusal means that a quota is used up, for clouds that say so only in the message.

Many clouds answer a full quota with 403 or 400. A refusal that only mentions a quota, such as "not
authorized to update quota", does not count.
"""

import re

_SPENT = (
    r"(?:exceed\w*|exhaust\w*|insufficient(?! (?:priv|right|perm|role|auth))|not enough|used up"
    r"|reach(?:ed|es)|no more|not sufficient|r[ua]n out|out of|depleted|overflow\w*)"
)
# Within one sentence, in either order, at most so many characters apart.
_SPEAKS = re.compile(
    rf"{_SPENT}[^.;!?]{{0,80}}\bquota|\bquotas?\b[^.;!?]{{0,80}}(?:{_SPENT}|\bis full\b)"
    r"|\bno (?:\w+ ){0,3}quotas? (?:\w+ )?(?:left|remain\w*|available)"
    r"|\bquotas?\b[^.;!?]{0,80}\b(?:used|consumed):? \d"
    r"|(?<!authority )(?<!control )\bover[- ]?(?:the |its |your )?quota"
    r"|\bmax(?:imum)? (?:allowed )?(?:number|amount|size) of (?:\w+ ){0,3}(?:snapshots?|volumes?)"
    r"|(?:snapshot|volume)s? limit (?:\w+ )?(?:exceeded|reached)"
    r"|配额[^。;]{0,20}(?:不足|超|已满|用完)|超[出过][^。;]{0,20}配额",
    re.IGNORECASE,
)
# Exceptions' names and codes: SnapshotLimitExceeded, OverQuota, QUOTA_EXCEEDED, Quota.Insufficient.
_NAMES = re.compile(
    r"(?:Snapshot|Volume|Backup|Size)s?LimitExceeded|VolumeSizeExceedsAvailableQuota"
    r"|(?:Over|Exceed(?:ed|s)?|Insufficient|NotEnough)[_.-]?\w{0,30}Quota"
    r"|Quota\w{0,30}?[_.-]?(?:Exceed|Insufficient|NotEnough|Not_Enough|Limit|Exhausted|Full)",
    re.IGNORECASE,
)
# A person is forbidden to do something with the quota: "not allowed to exceed the quota".
_CLAUSE = r"(?:(?!\b(?:because|since|as|due)\b)[^.;:,(!?])*"
_FORBIDS = re.compile(
    r"\b(?:authori[sz]ed|unauthori[sz]ed|allow(?:ed|s)?|permit(?:ted|s)?|permissions?|privileges?"
    rf"|rights?|may not|role)\b{_CLAUSE}\bto\s+\w+{_CLAUSE}\bquota"
    r"|\bpolic(?:y|ies)\b[^.;!?]{0,60}\b(?:does|do|did)(?:n't| not) (?:allow|permit)"
    r"|\b(?:disallowed|forbidden|denied) by (?:\w+ ){0,2}polic",
    re.IGNORECASE,
)


def speaks_of_quota(message: str, *, code: str = "") -> bool:
    """Whether the message or the code says that a quota is used up."""
    if _NAMES.search(code):
        return True
    if _FORBIDS.search(message):
        return False
    return bool(_NAMES.search(message) or _SPEAKS.search(message))
