"""Finds entries for the same project of the same cloud: its volumes would have two names."""

from itertools import combinations

from snapshots.clouds_yaml.texts import comparable
from snapshots.evs.config import (
    ApplicationCredentials,
    CloudConfig,
    IdentityCredentials,
    KeyCredentials,
    TokenCredentials,
)


def pairs_of_one_project(configs: list[CloudConfig]) -> list[tuple[CloudConfig, CloudConfig]]:
    """The pairs of entries that certainly open the same project. A project by name and a project by
    id cannot be compared without asking the cloud.
    """
    return [pair for pair in combinations(configs, 2) if _is_same_place(*pair) and _is_same(*pair)]


def _is_same_place(first: CloudConfig, second: CloudConfig) -> bool:
    if first.endpoint and second.endpoint:
        if comparable(first.endpoint) != comparable(second.endpoint):
            return False
        if isinstance(first.auth, KeyCredentials) or isinstance(second.auth, KeyCredentials):
            return True
    urls = [getattr(config.auth, "auth_url", "") for config in (first, second)]
    if not all(urls) or comparable(urls[0]) != comparable(urls[1]):
        return False
    # An entry without a region needs a catalog with a single region, so both entries share it.
    return first.region == second.region or not (first.region and second.region)


def _is_same(first: CloudConfig, second: CloudConfig) -> bool:
    ours, theirs = first.auth, second.auth
    if isinstance(ours, ApplicationCredentials) or isinstance(theirs, ApplicationCredentials):
        both = isinstance(ours, ApplicationCredentials) and isinstance(
            theirs, ApplicationCredentials
        )
        return both and _credential(ours) == _credential(theirs)  # type: ignore[arg-type]
    if ours.project_id and theirs.project_id:
        return ours.project_id == theirs.project_id
    if isinstance(ours, KeyCredentials) or isinstance(theirs, KeyCredentials):
        return False
    same_name = bool(ours.project_name) and ours.project_name == theirs.project_name
    return same_name and _may_be_one_domain(_domain(ours), _domain(theirs))


def _credential(auth: ApplicationCredentials) -> tuple[str, ...]:
    if auth.id:
        return (auth.id,)
    return (auth.name, auth.user_id or auth.username, auth.user_domain_id or auth.user_domain_name)


def _domain(auth: IdentityCredentials) -> tuple[str, str]:
    """Id and name of the project's domain, which is the user's when none is given."""
    own = getattr(auth, "project_domain_id", ""), getattr(auth, "project_domain_name", "")
    if any(own) or isinstance(auth, TokenCredentials):
        return own
    return auth.user_domain_id, auth.user_domain_name


def _may_be_one_domain(ours: tuple[str, str], theirs: tuple[str, str]) -> bool:
    """Whether two domains may be the same: by id, by name, or as the two spellings of Keystone's
    default domain.
    """
    for first, second in zip(ours, theirs, strict=True):
        if first and second:
            return first.casefold() == second.casefold()
    return {part.casefold() for part in (*ours, *theirs) if part} == {"default"}
