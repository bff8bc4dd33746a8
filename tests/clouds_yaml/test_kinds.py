"""Each key of clouds.yaml with values of each type: nothing is guessed, no secret is quoted."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots.clouds_yaml import CloudsRefused, read_clouds
from snapshots.clouds_yaml.schema import ENTRY_KEYS, EVS_KEYS, entry_suggestions, nearest
from snapshots.clouds_yaml.texts import identity_root, trouble_with_address

PASSWORD = {
    "auth_url": "https://iam.example.com",
    "username": "portal",
    "user_id": "u1",
    "password": "planted-password",
    "user_domain_name": "acme",
    "user_domain_id": "d1",
    "project_name": "tr-1",
    "project_id": "p1",
    "project_domain_name": "acme",
    "project_domain_id": "d1",
}
APPLICATION = {
    "auth_url": "https://iam.example.com",
    "application_credential_id": "a1",
    "application_credential_name": "portal",
    "application_credential_secret": "planted-secret",
    "username": "portal",
    "user_domain_name": "acme",
}
TOKEN = {
    "auth_url": "https://iam.example.com",
    "token": "planted-token",
    "project_name": "tr-1",
    "project_domain_name": "acme",
}
KEYS = {
    "access_key": "AK",
    "secret_key": "planted-key",
    "security_token": "planted-token",
    "project_id": "p1",
}
KINDS = {
    "password": PASSWORD,
    "v3applicationcredential": APPLICATION,
    "v3token": TOKEN,
    "aksk": KEYS,
}
NO_TEXTS = [
    "0123",
    "1_000",
    "0x1f",
    "1.5",
    ".inf",
    "12:30:45",
    "yes",
    "Off",
    "true",
    "2026-11-28",
    "2026-11-28T10:00:00Z",
    "~",
    "null",
    "",
    "!vault x",
    "=",
    "[planted]",
    "{a: planted}",
]
FIELDS = [(kind, key) for kind, auth in KINDS.items() for key in auth]


def sentences(path):
    try:
        read_clouds(path)
    except CloudsRefused as error:
        return list(error.sentences)
    return []


@pytest.fixture
def refused(tmp_path):
    """The sentences about a file with this entry."""

    def refused(lines, name="clouds.yaml"):
        path = tmp_path / name
        path.write_text("\n".join(["clouds:", "  ankara:", *lines]), encoding="utf-8")
        path.chmod(0o600)
        said = sentences(path)
        assert "planted" not in str(said)
        return said

    return refused


def entry(kind, changes, *more):
    auth = {key: f"'{value}'" for key, value in KINDS[kind].items()} | changes
    lines = [f"    auth_type: {kind}", "    auth:"]
    lines += [f"      {key}: {value}" for key, value in auth.items() if value is not None]
    evs = ["    evs: {endpoint: 'https://evs.example.com'}"] if kind == "aksk" else []
    return [*lines, *evs, *more]


@pytest.mark.parametrize("kind", KINDS)
def test_the_examples_of_each_kind_are_right(refused, kind):
    assert refused(entry(kind, {})) == []


@pytest.mark.parametrize(("kind", "key"), FIELDS)
def test_text_fields_refuse_other_kinds(refused, kind, key):
    for value in NO_TEXTS:
        said = refused(entry(kind, {key: value}))
        assert len(said) == 1, (value, said)
        assert f"auth.{key} " in said[0]
        assert "quotes" in said[0] or "must be a text" in said[0]


@pytest.mark.parametrize("key", ["region_name", "interface", "cacert", "cert", "profile"])
def test_text_fields_of_an_entry_refuse_other_kinds(refused, key):
    for value in NO_TEXTS:
        said = refused(entry("password", {}, f"    {key}: {value}"))
        assert len(said) == 1, (value, said)
        assert f" {key} " in said[0]


@pytest.mark.parametrize("key", ["endpoint", "dialect", "limits"])
def test_text_fields_of_the_portal_refuse_other_kinds(refused, key):
    for value in NO_TEXTS:
        said = refused(entry("password", {}, "    evs:", f"      {key}: {value}"))
        assert len(said) == 1, (value, said)
        assert f" evs.{key} " in said[0]


@pytest.mark.parametrize(
    "value", ["0", "-1", "1001", ".nan", ".inf", "'5'", "true", "~", "[5]", "fast", "2026-11-28"]
)
def test_a_rate_that_is_none_is_refused(refused, value):
    (sentence,) = refused(entry("password", {}, "    evs:", f"      calls_per_second: {value}"))
    assert "evs.calls_per_second must be a number above 0 and at most 1000" in sentence


@pytest.mark.parametrize(("kind", "key"), FIELDS)
def test_misspelt_key_is_refused_with_the_nearest(refused, kind, key):
    misspelt = key[:-2] + key[-1] if len(key) > 4 else f"{key}x"
    auth = {key: None, misspelt: "'planted'"}
    said = [text for text in refused(entry(kind, auth)) if misspelt in text]
    assert len(said) == 1
    assert f"did you mean auth.{key}?" in said[0]


def test_misspelt_key_is_refused_with_the_right_one():
    for key in sorted((ENTRY_KEYS | EVS_KEYS) - {"key", "evs", "auth", "cert", "cacert"}):
        for index in range(1, len(key) - 1):
            assert nearest(key[:index] + key[index + 1 :], entry_suggestions() | EVS_KEYS) == key
            swapped = key[:index] + key[index + 1] + key[index] + key[index + 2 :]
            assert nearest(swapped, entry_suggestions() | EVS_KEYS) == key


@pytest.mark.parametrize(("kind", "key"), FIELDS)
def test_a_key_twice_is_refused_at_its_line(refused, kind, key):
    lines = entry(kind, {})
    repeated = next(line for line in lines if line.strip().startswith(f"{key}:"))
    lines.insert(lines.index(repeated) + 1, repeated)
    (sentence,) = refused(lines)
    line = lines.index(repeated) + 4
    assert f"line {line}: cloud 'ankara': {key} stands here twice" in sentence


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        field
        for field in FIELDS
        if field[1] in {"password", "token", "secret_key", "security_token"}
        or field[1] == "application_credential_secret"
    ],
)
def test_each_secret_may_stand_in_a_file_or_variable(tmp_path, refused, monkeypatch, kind, key):
    monkeypatch.setenv("PLACE_OF_SECRET", "planted-in-environment")
    (tmp_path / "secret").write_text("planted-in-file")
    (tmp_path / "secret").chmod(0o600)
    ways = {f"{key}_file": "secret", f"{key}_env": "PLACE_OF_SECRET"}
    for way, value in ways.items():
        assert refused(entry(kind, {key: None, way: value})) == []
        config = read_clouds(tmp_path / "clouds.yaml")["ankara"]
        assert "planted-in-" not in repr(config)
    for first, second in itertools.combinations({key: "planted", **ways}.items(), 2):
        (sentence,) = refused(entry(kind, {key: None} | dict([first, second])))
        assert "keep one of them" in sentence


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_gets_a_reason(text):
    assert isinstance(trouble_with_address(text), str)


@given(
    host=st.sampled_from(["iam.example.com", "127.0.0.1", "[2001:db8::1]", "iam.example.com:5000"]),
    path=st.lists(st.sampled_from(["identity", "v3", "v2.0", "v2", "auth", "tokens", "keystone"])),
    slashes=st.sampled_from(["", "/", "//"]),
)
def test_identity_address_is_read_unchanged_or_refused(host, path, slashes):
    url = "/".join([f"https://{host}", *path]) + slashes
    try:
        root = identity_root(url)
    except ValueError:
        assert {"v3", "v2.0", "v2"} & set(path)
        return
    assert root.endswith("/v3")
    assert url.startswith((root, root.removesuffix("/v3")))
    assert root.count("/v3") == max(path.count("v3"), 1) or "v3" in path


@pytest.mark.parametrize(
    "key",
    [
        "volume_api_versoin",
        "block_storage_endpont_override",
        "blok_storage_endpoint_override",
        "identity_api_verison",
        "nework",
        "regoins",
    ],
)
def test_a_near_miss_of_a_foreign_key_is_refused(refused, key):
    (sentence,) = refused(entry("password", {}, f"    {key}: x"))
    assert f"{key} is not a key of clouds.yaml; did you mean " in sentence


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ('"\\UFFFFFFFF"', "`\\U` names no character"),
        ('"planted\\ud800"', "is not UTF-8"),
        ("\tplanted", "a tab stands"),
        ("|planted", "begins with `|` or `>` needs quotes"),
        ("- planted", "begins with `-` or `?` needs quotes"),
        ("? planted", "begins with `-` or `?` needs quotes"),
    ],
)
def test_password_that_breaks_yaml_is_refused_with_its_line(refused, value, problem):
    (sentence,) = refused(entry("password", {"password": value}))
    assert "clouds.yaml, line 8" in sentence
    assert problem in sentence


def test_a_variable_that_is_not_utf_8_is_refused(refused, monkeypatch):
    monkeypatch.setenv("OS_PASSWORD", "planted\udcff")
    (sentence,) = refused(entry("password", {"password": None, "password_env": "OS_PASSWORD"}))
    assert "the variable OS_PASSWORD, whose content holds what is not UTF-8" in sentence


def test_key_repeated_through_merges_is_refused_once(refused):
    lines = ["    d0: &d0 {x: 1, x: 2}"]
    lines += [f"    d{n}: &d{n} {{<<: [{', '.join([f'*d{n - 1}'] * 9)}]}}" for n in range(1, 9)]
    said = refused([*lines, "    <<: *d8", *entry("password", {})])
    assert len([text for text in said if "x stands here twice" in text]) == 1
