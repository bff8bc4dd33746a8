"""What is completed before Django reads the environment, and what a service manager hands over."""

import os
import resource
import subprocess
import sys

import pytest

from evsportal import launch
from evsportal.notify import take_listening_socket


def test_nul_in_settings_is_named_without_its_value(tmp_path, capsys):
    (path := tmp_path / ".env").write_bytes(b"DATABASE_URL=planted\0\n")
    with pytest.raises(SystemExit):
        launch.read_settings_file({}, path, "run")
    said = capsys.readouterr().err
    assert said == "run: .env: DATABASE_URL holds a NUL character: take it out.\n"


def test_folder_that_cannot_be_made_says_why(tmp_path, capsys):
    (tmp_path / "file").touch()
    environ = {"EVSPORTAL_MODE": "cloud", "EVSPORTAL_VAR": str(tmp_path / "file/var")}
    with pytest.raises(SystemExit):
        launch.complete(environ, "run")
    assert "keeps its files: Not a directory. Make it writable" in capsys.readouterr().err


def test_full_disk_leaves_no_half_written_key(tmp_path):
    """No file may hold a byte, as where no room is left."""

    def no_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    script = "import os; from evsportal import launch; launch.complete(os.environ, 'run')"
    environ = {**os.environ, "EVSPORTAL_MODE": "cloud", "EVSPORTAL_VAR": str(tmp_path)}
    environ.pop("EVSPORTAL_SECRET_KEY", None)
    argv = [sys.executable, "-c", script]
    done = subprocess.run(
        argv, env=environ, preexec_fn=no_room, capture_output=True, text=True, check=False
    )
    assert "secret_key: File too large." in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", ["", "0", "-1", "x"])
def test_odd_count_of_sockets_is_none(count, monkeypatch):
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", count)
    assert take_listening_socket() is None
    assert "LISTEN_FDS" not in os.environ
