"""What the start checks of the settings, and each way to start the portal."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from evsportal.variables import VARIABLES
from snapshots import checks

ROOT = Path(__file__).resolve().parents[2]
SECRET = "planted-secret"
SECRETS = [setting.name for setting in VARIABLES if setting.is_secret]


# --- the checks at the start -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "older", "phrase"),
    [
        ("not-for-production", [], "is not set"),
        ("x" * 49, [], "has 49 characters"),
        ("x" * 50, ["not-for-production"], "FALLBACKS"),
        ("x" * 50, ["y" * 50, "y" * 49], "too short"),
    ],
)
def test_weak_keys_are_refused_with_a_real_cloud(settings, key, older, phrase):
    settings.EVSPORTAL_MODE = "cloud"
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = key, older
    (fault,) = checks.check_secret_key()
    assert phrase in fault.msg
    assert key == "not-for-production" or key not in fault.msg


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_closed_files_of_secrets_are_taken(tmp_path, monkeypatch, mode):
    assert open_secret_file(tmp_path, monkeypatch, "EVSPORTAL_SECRET_KEY", mode) == []


@pytest.mark.parametrize("name", SECRETS)
def test_readable_secret_file_is_reported_with_chmod(tmp_path, monkeypatch, name):
    (message,) = open_secret_file(tmp_path, monkeypatch, name, 0o644)
    assert message.is_serious() is name.startswith("EVSPORTAL_SECRET_KEY")
    assert message.hint == f"Run: chmod o-rwx {tmp_path / 'secret'}"


def open_secret_file(tmp_path, monkeypatch, name, mode):
    file = tmp_path / "secret"
    file.write_text("x")
    file.chmod(mode)
    monkeypatch.setenv(f"{name}_FILE", str(file))
    return checks.check_secret_files()


@pytest.mark.parametrize(
    ("folder_mode", "file_mode", "ids"),
    [
        (0o700, 0o600, []),
        (0o750, 0o640, []),
        (0o750, 0o644, []),  # nobody gets as far as the file
        (0o755, 0o600, ["evsportal.W003"]),
        (0o755, 0o644, ["evsportal.W003", "evsportal.E014"]),
    ],
)
def test_open_database_is_told(tmp_path, settings, monkeypatch, folder_mode, file_mode, ids):
    folder = tmp_path / "var"
    folder.mkdir()
    file = folder / "portal.sqlite3"
    file.touch()
    file.chmod(file_mode)
    folder.chmod(folder_mode)
    settings.VAR_DIR = folder
    monkeypatch.setattr(checks, "_database_files", lambda: [file])
    assert [message.id for message in checks.check_var()] == ids


# --- every way in ----------------------------------------------------------------------------

WAYS_IN = {
    "check": ["manage.py", "check", "--database", "default"],
    "migrate": ["manage.py", "migrate"],
    "worker": ["manage.py", "worker"],
    "serve": ["manage.py", "serve"],
    "any other": ["manage.py", "seed_demo"],
    "gunicorn": ["-m", "gunicorn", "--config", "evsportal/gunicorn.py"],
}


def start(way, tmp_path, **environ):
    clean = {name: text for name, text in os.environ.items() if not name.startswith("EVSPORTAL_")}
    clean.pop("DATABASE_URL", None)
    own = {"EVSPORTAL_MODE": "sandbox", "EVSPORTAL_VAR": str(tmp_path / "var"), "PORT": "1"}
    own["DJANGO_SETTINGS_MODULE"] = "evsportal.settings"
    return subprocess.run(
        [sys.executable, *WAYS_IN[way]],
        cwd=ROOT,
        env=clean | own | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("way", WAYS_IN)
def test_wrong_settings_end_every_way_in_with_sentences(tmp_path, way):
    done = start(way, tmp_path, EVSPORTAL_MODEE="x", EVSPORTAL_WEB_THREADS="2.5")
    assert done.returncode == 1
    assert "EVSPORTAL_MODEE is not a setting" in done.stderr
    assert "EVSPORTAL_WEB_THREADS is '2.5'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("way", [way for way in WAYS_IN if way != "gunicorn"])
@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{SECRET}@127.0.0.1:1/x",
        f"postgresql://u:{SECRET}@127.0.0.1:1/x?connect_timeout=soon",
    ],
)
def test_unreachable_database_ends_every_way_in_with_a_sentence(tmp_path, way, url):
    done = start(way, tmp_path, DATABASE_URL=url, PORT="18731")
    assert done.returncode == 1
    assert "The database x on 127.0.0.1, port 1, cannot be used" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert SECRET not in done.stderr


def test_check_notices_a_database_without_tables(tmp_path):
    done = start("check", tmp_path)
    assert done.returncode == 1
    assert "migrations: run `manage migrate`" in done.stderr


def test_files_are_private_whatever_the_umask(tmp_path):
    folder = tmp_path / "var"
    before = os.umask(0)
    try:
        start("migrate", tmp_path)
    finally:
        os.umask(before)
    made = [folder, *folder.rglob("*")]
    assert len(made) > 1
    assert [path for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


@pytest.mark.skipif("DATABASE_URL" not in os.environ, reason="needs --database postgres")
@pytest.mark.parametrize("way", ["migrate", "check", "serve"])
def test_missing_database_of_a_living_server_is_named(tmp_path, way):
    before, _slash, rest = os.environ["DATABASE_URL"].rpartition("/")
    query = rest.partition("?")[2]
    url = f"{before}/no_such?{query}".rstrip("?")
    done = start(way, tmp_path, DATABASE_URL=url, PORT="18732")
    assert done.returncode == 1
    assert 'database "no_such" does not exist' in done.stderr
    assert len(done.stderr.splitlines()) == 1
