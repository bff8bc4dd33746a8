"""A setting that cannot be read stops the start: a sentence for each mistake, never a default."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from evsportal.environment import read_environment
from evsportal.variables import VARIABLES, Kind

ROOT = Path(__file__).resolve().parents[2]
SECRET = "planted-secret"
COUNTS = [setting.name for setting in VARIABLES if setting.kind is Kind.COUNT]
NUMBERS = [setting.name for setting in VARIABLES if setting.kind is Kind.NUMBER]
BOOLEANS = [setting.name for setting in VARIABLES if setting.kind is Kind.BOOLEAN]
SECRETS = [setting.name for setting in VARIABLES if setting.is_secret]


def refusal(**environ):
    """The lines that such an environment gets; none when it is good."""
    try:
        read_environment(environ)
    except ImproperlyConfigured as error:
        return str(error).splitlines()
    return []


def test_nothing_set_gives_every_default():
    values = read_environment({})
    assert values["EVSPORTAL_WORKER_THREADS"] == 4
    assert values["EVSPORTAL_WORKER_POLL_SECONDS"] == 0.3
    assert values["EVSPORTAL_HOSTS"] == ["127.0.0.1", "localhost", "[::1]"]
    assert values["EVSPORTAL_REFUSE_ASTRAL"] is True


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda setting: setting.name)
def test_empty_value_is_no_value(variable):
    assert read_environment({variable.name: ""}) == read_environment({})


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("EVSPORTAL_MODEE", "EVSPORTAL_MODE"),
        ("EVSPORTAL_CLOUD", "EVSPORTAL_CLOUDS"),
        ("EVSPORTAL_CLOUDS_FILE", "EVSPORTAL_CLOUDS"),
        ("EVSPORTAL_WORKER_THREAD", "EVSPORTAL_WORKER_THREADS"),
        ("EVSPORTAL_SECRETKEY", "EVSPORTAL_SECRET_KEY"),
        ("EVSPORTAL_SECRET_KEY_FIEL", "EVSPORTAL_SECRET_KEY_FILE"),
        ("EVSPORTAL_PORT", "PORT"),
        ("EVSPORTAL_DATABASE_URL", "DATABASE_URL"),
        ("EVSPORTAL_ALLOWED_HOSTS", "EVSPORTAL_HOSTS"),
        ("EVSPORTAL_CSRF_TRUSTED_ORIGINS", "EVSPORTAL_ORIGINS"),
        ("EVSPORTAL_AUDIT_ARCHIVE", "EVSPORTAL_AUDIT_ARCHIVES"),
        ("evsportal_mode", "EVSPORTAL_MODE"),
        ("EVSPORTAL_CLOUDS_YAML", "EVSPORTAL_CLOUDS"),
        ("EVS_PORTAL_CLOUDS", "EVSPORTAL_CLOUDS"),
        ("EVSPORTALMODE", "EVSPORTAL_MODE"),
    ],
)
def test_misspelt_name_is_refused_with_the_nearest(name, meant):
    assert refusal(**{name: "x"}) == [
        f"{name} is not a setting of the portal; did you mean {meant}?"
    ]


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda setting: setting.name)
def test_misspelt_setting_suggests_correct_name(variable):
    name = variable.name
    typos = [name[:at] + name[at + 1 :] for at in range(len("EVSPORTAL_"), len(name))]
    names = {setting.name for setting in VARIABLES}
    for typo in set(typos) - names:
        if name.startswith("EVSPORTAL_"):
            (line,) = refusal(**{typo: "x"})
            assert line.startswith(f"{typo} is not a setting")
            assert "did you mean" in line


def test_name_like_no_other_is_refused_too():
    (line,) = refusal(EVSPORTAL_QQQ="x")
    assert line.startswith("EVSPORTAL_QQQ is not a setting of the portal; .env.example")


@pytest.mark.parametrize(
    "name", ["EVSPORTAL_LIVE_AUTH_URL", "PATH", "PORTAL", "DATABASE_URLS", "MODE", "OS_CLOUD"]
)
def test_names_of_others_are_left_alone(name):
    assert refusal(**{name: "x"}) == []


@pytest.mark.parametrize("name", [setting.name for setting in VARIABLES if not setting.is_secret])
def test_setting_that_takes_no_file_refuses_one(name):
    lines = refusal(**{f"{name}_FILE": "x"})
    assert len(lines) == (name != "PORT")  # PORT_FILE may be another program's


# --- values ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize(
    "text", ["2.5", "1e1", "inf", "nan", "-1", "four", "٤", "1_0", "+3", "4 4", "9" * 5000]
)
def test_count_takes_whole_numbers_only(name, text):
    (line,) = refusal(**{name: text})
    assert line.startswith(f"{name} is ")
    assert "; write a whole number from " in line


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize(
    "text", ["inf", "nan", "-1", "1e2", "0,5", "٤", "0x10", "60s", "999999999"]
)
def test_number_takes_plain_decimals_only(name, text):
    (line,) = refusal(**{name: text})
    assert line.startswith(f"{name} is {text!r}; write a number from ")


@pytest.mark.parametrize("name", BOOLEANS)
def test_boolean_takes_the_usual_words_only(name):
    for text in ("true", "On", "YES", "1"):
        assert read_environment({name: text})[name] is True
    assert refusal(**{name: "maybe"}) == [f"{name} is 'maybe'; write true or false."]


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda setting: setting.name)
def test_blank_value_is_refused(variable):
    assert refusal(**{variable.name: " \t"}) == [
        f"{variable.name} is blank; write a value, or leave it out."
    ]


@pytest.mark.parametrize("name", ["EVSPORTAL_CLOUD_NAMES", "EVSPORTAL_SECRET_KEY_FALLBACKS"])
def test_commas_alone_are_not_all_of_them(name):
    (line,) = refusal(**{name: " ,, "})
    assert line == f"{name} holds nothing but commas; write a value, or leave it out."


def test_older_keys_may_stand_on_lines_of_a_file(tmp_path):
    path = tmp_path / "older"
    path.write_text("first\r\nsecond, third\n")
    values = read_environment({"EVSPORTAL_SECRET_KEY_FALLBACKS_FILE": str(path)})
    assert values["EVSPORTAL_SECRET_KEY_FALLBACKS"] == ["first", "second", "third"]


def test_blanks_around_a_value_do_not_count():
    assert read_environment({"EVSPORTAL_WORKER_THREADS": " 8 "})["EVSPORTAL_WORKER_THREADS"] == 8


@pytest.mark.parametrize(
    ("host", "phrase"),
    [
        ("https://portal.example.org", "without scheme"),
        ("portal.example.org/", "without scheme or path"),
        ("portal.example.org:8000", "without a port"),
        ("::1", "[::1]"),
        ("pörtal.example.org", "xn--"),
        ("a b", "commas"),
    ],
)
def test_host_that_no_browser_sends_is_refused(host, phrase):
    (line,) = refusal(EVSPORTAL_HOSTS=f"good.example,{host}")
    assert f"{host!r}" in line
    assert phrase in line


@pytest.mark.parametrize("host", ["a", "a.b-c.example", ".example.org", "*", "10.0.0.1", "[::1]"])
def test_host_that_browsers_send_is_taken(host):
    assert read_environment({"EVSPORTAL_HOSTS": host})["EVSPORTAL_HOSTS"] == [host]


@pytest.mark.parametrize(
    "origin",
    ["portal.example.org", "ftp://a.example", "https://", "https://a.example/x", "https://a:b"],
)
def test_origin_needs_scheme_and_host_only(origin):
    (line,) = refusal(EVSPORTAL_ORIGINS=origin)
    assert "https://portal.example.org" in line


@pytest.mark.parametrize(
    "origin", ["https://a.example:8443", "https://*.example.org", "http://[::1]"]
)
def test_good_origin_is_taken(origin):
    assert read_environment({"EVSPORTAL_ORIGINS": origin})["EVSPORTAL_ORIGINS"] == [origin]


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1:1", "http://10.0.0.1:8009", "http://sandbox.example"),
        *("http://127.0.0.1:x", "http://u:p@127.0.0.1", "http://127.0.0.1/v3", "127.0.0.1:8009"),
    ],
)
def test_sandbox_url_is_http_on_loopback(url):
    (line,) = refusal(EVSPORTAL_SANDBOX_URL=url)
    assert "write an http address of this machine" in line


@pytest.mark.parametrize("bind", ["0.0.0.0:80", "http://127.0.0.1", "[::1]", "a b", "256.1.1.1"])
def test_bind_is_an_address_alone(bind):
    (line,) = refusal(EVSPORTAL_BIND=bind)
    assert line.startswith(f"EVSPORTAL_BIND is {bind!r}; write an address of this machine")


def test_folder_that_is_a_file_is_refused(tmp_path):
    file = tmp_path / "file"
    file.touch()
    for written in (file, file / "below"):
        (line,) = refusal(EVSPORTAL_VAR=str(written))
        assert f"{file} is a file; name a folder" in line


def test_all_mistakes_come_at_once():
    lines = refusal(
        EVSPORTAL_MODEE="x", EVSPORTAL_WORKER_THREADS="x", EVSPORTAL_HTTPS="x", DATABASE_URL="x"
    )
    assert len(lines) == 4


# --- DATABASE_URL ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "phrase"),
    [
        (f"mysql://u:{SECRET}@h/x", "begins with mysql://"),
        (f"postgres+psycopg://u:{SECRET}@h/x", "begins with postgres+psycopg://"),
        ("sqlite3:////tmp/x.sqlite3", "begins with sqlite3://"),
        (SECRET, "does not begin with a scheme"),
        ("/var/lib/portal.sqlite3", "does not begin with a scheme"),
        (f"postgresql://u:{SECRET}@h:port/x", "port or host"),
        (f"postgresql://u:{SECRET}@h:99999/x", "port or host"),
        (f"postgresql://u:{SECRET}@h:0/x", "port or host"),
        (f"postgresql://u:{SECRET}@h", "names no database"),
        (f"postgresql://u:{SECRET}@h/", "names no database"),
        (f"postgresql://u:a/{SECRET}@h/x", "write @ as %40"),
        (f"postgresql://u:a#{SECRET}@h/x", "write @ as %40"),
        (f"postgresql://u:a@{SECRET}@h/x", "write @ as %40"),
        (f"postgresql://u:a?{SECRET}@h/x", "write @ as %40"),
        (f"postgresql://u:{SECRET}@[::1/x", "port or host"),
        (f"postgresql://u:{SECRET}@h/x?pool=1", "option behind ?"),
        (f"postgresql://u:p@h/x?{SECRET}=1", "option behind ?"),
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite://:memory:", "names no file"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:////no-such-folder/x.sqlite3", "no such folder"),
        ("sqlite:////tmp", "is a folder"),
        ("sqlite:////tmp/x.sqlite3?timeout=3", "holds ? or #"),
        ("sqlite:////tmp/x%00.sqlite3", "NUL"),
    ],
)
def test_database_that_cannot_be_meant_is_refused(url, phrase):
    (line,) = refusal(DATABASE_URL=url)
    assert line.startswith("DATABASE_URL ")
    assert phrase in line
    assert SECRET not in line


@pytest.mark.parametrize(
    "url",
    [
        *("postgresql://u:p%40%2F@h:5432/x?sslmode=require", "postgres://h/x", "POSTGRESQL://h/x"),
        *("postgresql://u@[::1]:5432/x", "postgresql://u@[::1]/x", "postgresql:///x"),
        *("sqlite:////tmp/x.sqlite3", "postgresql://%2Fvar%2Frun/x"),
    ],
)
def test_good_database_is_taken(url):
    assert refusal(DATABASE_URL=url) == []


def test_missing_driver_is_named_with_its_pins(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    (line,) = refusal(DATABASE_URL="postgresql://h/x")
    assert "requirements-postgres.txt" in line


# --- files of secrets ------------------------------------------------------------------------


@pytest.mark.parametrize("name", SECRETS)
def test_secret_is_read_from_its_file(tmp_path, name):
    urls = {"DATABASE_URL": "sqlite:////tmp/x.sqlite3", "EVSPORTAL_EMAIL_URL": "smtp://127.0.0.1"}
    value = urls.get(name, "a-value")
    file = tmp_path / "secret"
    file.write_text(f"{value}\n")
    assert read_environment({f"{name}_FILE": str(file)})[name] in (value, [value])


@pytest.mark.parametrize("name", SECRETS)
def test_file_that_cannot_be_read_is_refused(tmp_path, name):
    (tmp_path / "empty").touch()
    (tmp_path / "blank").write_text(" \n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    reasons = {
        "missing": "No such file",
        "empty": "is empty",
        "blank": "is empty",
        "bytes": "not text",
    }
    for file, reason in reasons.items():
        (line,) = refusal(**{f"{name}_FILE": str(tmp_path / file)})
        assert line.startswith(f"{name}_FILE: {tmp_path / file} ")
        assert reason in line
    (line,) = refusal(**{f"{name}_FILE": str(tmp_path)})
    assert "Is a directory" in line


@pytest.mark.parametrize("name", SECRETS)
def test_value_and_file_together_are_refused(tmp_path, name):
    (line,) = refusal(**{name: SECRET, f"{name}_FILE": str(tmp_path / "missing")})
    assert line == f"{name} and {name}_FILE are both set; leave one of them out."
