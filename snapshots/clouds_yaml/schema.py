"""Every key that a `clouds.yaml` may have: those the portal reads, those only other programs read,
and those refused with a reason.
"""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

# --- names: today's, and the older names that OpenStack clients still read ------------------------

ENTRY_NAMES = {
    "auth_type": ("auth_plugin",),
    "profile": ("cloud",),
    "interface": ("endpoint_type",),
}
AUTH_NAMES = {
    "username": ("user_name",),
    "project_id": ("tenant_id",),
    "project_name": ("tenant_name",),
    "user_domain_name": ("user_domain",),
    "project_domain_name": ("project_domain",),
    "default_domain_id": ("default_domain",),  # OpenStackClient takes it for an id
    "token": ("auth_token",),
}

_ALL_NAMES = ENTRY_NAMES | AUTH_NAMES


def names_of_the_same(key: str) -> set[str]:
    """The other names of a key, today's and older."""
    for new, old in _ALL_NAMES.items():
        if key == new or key in old:
            return {new, *old} - {key}
    return set()


# May be given as `..._file` or `..._env` instead.
SECRETS = (
    "password",
    "application_credential_secret",
    "token",
    "access_key",
    "secret_key",
    "security_token",
)
_PLACES_OF_SECRETS = tuple(f"{name}_{ending}" for name in SECRETS for ending in ("file", "env"))

AUTH_KEYS = frozenset(
    {
        "auth_url",
        "username",
        "user_id",
        "user_domain_id",
        "user_domain_name",
        "project_id",
        "project_name",
        "project_domain_id",
        "project_domain_name",
        "domain_id",
        "domain_name",
        "default_domain_id",
        "default_domain_name",
        "application_credential_id",
        "application_credential_name",
        "trust_id",
        "system_scope",
        "passcode",
        *SECRETS,
        *_PLACES_OF_SECRETS,
    }
)
# Of other programs, without a meaning for us: how long a token object lives, whether a catalog is
# wanted, object storage keys of the vendor's extension.
AUTH_FOREIGN = frozenset({"reauthenticate", "include_catalog", "ak", "sk"})
AUTH_REFUSED = {
    "trust_id": "trusts are not supported; use an application credential instead",
    "system_scope": "volumes belong to a project; write project_name and take this key away",
    "passcode": "a one-time code cannot be repeated by a program; use an application credential",
}

ENTRY_KEYS = frozenset(
    {
        "auth",
        "auth_type",
        "profile",
        "region_name",
        "regions",
        "interface",
        "verify",
        "insecure",
        "cacert",
        "cert",
        "key",
        "identity_api_version",
        "rate_limit",
        "evs",
    }
)
EVS_KEYS = frozenset(
    {
        "endpoint",
        "compute_endpoint",
        "dialect",
        "limits",
        "calls_per_second",
        "parallel_changes",
        "allow_http",
        "proxy",
    }
)
PROXY_KEYS = frozenset({"url", "username", "password", "password_file", "password_env", "cacert"})

_BELONGS_TO_EVS = "belongs below `evs:`; move it there"
_PROXY = "a proxy is read from `evs: {proxy: ...}`; write it there"
ENTRY_REFUSED = {
    "region": "write region_name",
    "proxy": _PROXY,
    "proxies": _PROXY,
    "http_proxy": _PROXY,
    "https_proxy": _PROXY,
    "no_proxy": "no proxy is used unless `evs.proxy` names it; take this key away",
    "endpoint": _BELONGS_TO_EVS,
    "dialect": _BELONGS_TO_EVS,
    "limits": _BELONGS_TO_EVS,
    "calls_per_second": _BELONGS_TO_EVS,
    "parallel_changes": _BELONGS_TO_EVS,
    "allow_http": _BELONGS_TO_EVS,
    "auth_methods": "several factors at sign-in need a person; use an application credential",
}

# --- keys of other programs, read by them and not needed here -------------------------------------


def _keys_in(text: str) -> list[str]:
    return text.split()


_FOREIGN = frozenset(
    _keys_in("""
    additional_user_agent ak api_timeout app_name app_version cache client collect_timing
    connect_retries container_registry database_service_name debug default_network description
    disable_vendor_agent discovery_cache domain_manager external_ipv4_floating_networks
    external_network fixed_address floating_ip_source force_ipv4 has_network image_api_use_tasks
    image_format influxdb internal_network legacy_client_config load_envvars log_file log_level
    logging message metrics min_version max_version default_microversion nat_destination
    nat_source networks nodepool object_store_address password_callback prefer_ipv6 private
    requestsexceptions retriable_status_codes secgroup_source server_auth sk split_loggers
    statsd status status_code_retries status_code_retry_delay connect_retry_delay strict_proxies
    timeout timing use_direct_get use_external_network use_internal_network user_agent
    vendor_hook verbose verbose_level
    """)
)
_FOREIGN_FORMS = re.compile(r"(?:nat|log|statsd|influxdb|cache|secgroup|floating_ip|image)_\w+")

# The service types of OpenStack and their aliases, as keys spell them.
_SERVICES = frozenset(
    _keys_in("""
    accelerator admin_logic alarm alarming anti_ddos application_catalog application_container
    application_deployment autoscaling background_task backup baremetal baremetal_introspection
    bare_metal block_storage block_store volume volumev2 volumev3 cbr cce ces clustering
    resource_cluster cluster compute computev21 nova neutron cinder glance keystone swift heat
    container container_infrastructure_management container_infrastructure
    container_orchestration data_processing data_protection database dcs dds deh dis dms dns ecs
    eip elb event events evs function_engine governance identity image infra_optim instance_ha
    ha introspection key_manager lb load_balancer maas mapreduce message messaging meter
    metering metric monitoring monitoring_events monitoring_logging monitoring_log_api
    multi_region_network_automation nat network network_data_plane nfv_orchestration
    object_store operator_policy optimization orchestration placement policy rating rds
    registration request_quota reservation resource_optimization root_cause_analysis rca search
    share shared_file_system sharev2 sfs smn telemetry time_series_database
    time_series_database_api transfer v2_shared_file_system vpc vpcep waf workflow workflowv2
    anchor root bssintl obs kms sdrs as csbs vbs ims
    """)
)
_SERVICE_ENDINGS = (
    "api_version",
    "endpoint_override",
    "endpoint",
    "service_type",
    "service_name",
    "interface",
    "endpoint_type",
    "region_name",
    "api_timeout",
    "timeout",
    "min_version",
    "max_version",
    "default_microversion",
    "connect_retries",
    "status_code_retries",
    "connect_retry_delay",
    "status_code_retry_delay",
    "retriable_status_codes",
    "rate_limit",
    "allow_version_hack",
)
# Block storage under each of its names; without the numbered ones, which are of one version only.
BLOCK_STORAGE = ("block_storage", "block_store", "volume", "evs")
BLOCK_STORAGE_OF_VERSION = {"v2": "volumev2", "v3": "volumev3"}
_BLOCK_STORAGE_ENDINGS = (
    "api_version",
    "endpoint_override",
    "endpoint",
    "service_type",
    "service_name",
    "interface",
    "endpoint_type",
    "region_name",
)
_ALL_BLOCK_STORAGE = (*BLOCK_STORAGE, *BLOCK_STORAGE_OF_VERSION.values())


def is_foreign(key: str) -> bool:
    """Whether OpenStack clients know this key of an entry and the portal has no use for it."""
    if key in _FOREIGN or _FOREIGN_FORMS.fullmatch(key):
        return True
    return any(
        key.endswith(f"_{ending}") and key.removesuffix(f"_{ending}") in _SERVICES
        for ending in _SERVICE_ENDINGS
    )


def entry_suggestions() -> frozenset[str]:
    """The keys that a misspelt key of an entry may stand for."""
    services = {
        f"{service}_{ending}" for service in _ALL_BLOCK_STORAGE for ending in _BLOCK_STORAGE_ENDINGS
    }
    return ENTRY_KEYS | AUTH_KEYS | _FOREIGN | services


# Short names that people take from other programs' settings.
_MEANT = {
    "user": "username",
    "project": "project_name",
    "tenant": "project_name",
    "domain": "user_domain_name",
    "url": "auth_url",
}


def nearest(word: str, candidates: Iterable[str]) -> str:
    """The candidate most similar to `word`; "" when none is."""
    best, likeness = "", 0.6
    candidates = set(candidates)
    if _MEANT.get(_plain(word)) in candidates:
        return _MEANT[_plain(word)]
    for candidate in sorted(candidates):
        ratio = SequenceMatcher(None, _plain(word), _plain(candidate)).ratio()
        if ratio > likeness:
            best, likeness = candidate, ratio
    return best


def _plain(word: str) -> str:
    return re.sub(r"[\W_]", "", word).casefold()
