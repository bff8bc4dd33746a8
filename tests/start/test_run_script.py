"""The script `run`, with a Python, a uv and a disk that only pretend."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (
    *("run", "tools/launch.py"),
    *("evsportal/__init__.py", "evsportal/launch.py", "evsportal/paths.py"),
)
TOOLS = (
    *("awk", "cat", "cksum", "cp", "date", "df", "dirname", "env", "find", "grep", "id", "mkdir"),
    *("mv", "od", "readlink", "rm", "sed", "sh", "sleep", "tail", "tr"),
)
# Answers the questions of `run`, starts the launcher with the real Python, logs the rest.
PYTHON = """#!/bin/sh
case "$*" in
  *tools/launch.py*) exec "$REAL_PYTHON" "$@" ;;
  *version_info*) echo "${FAKE_VERSION:-3.11}" ;;
  *"import ensurepip"*) [ -z "${FAKE_NO_VENV:-}" ] ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  *"pip --version"*) ;;
  *) printf 'python %s [%s|%s]\\n' "$*" "${EVSPORTAL_MODE:-}" "${EVSPORTAL_SANDBOX_URL:-}" >>"$LOG"
    env >"$LOG.env"
    case "$*" in *"pip install"*) [ -z "${FAKE_OFFLINE:-}" ] ;; esac ;;
esac
"""
UV = """#!/bin/sh
echo "uv $1" >>"$LOG"
case "$1" in
  venv) for last; do :; done; mkdir -p "$last/bin" && cp "$FAKE_PYTHON" "$last/bin/python" ;;
esac
"""


class Checkout:
    def __init__(self, folder):
        self.root = folder / "a check out"
        self.bin = folder / "bin"
        self.log = folder / "log"
        self.root.mkdir(parents=True)
        self.bin.mkdir()
        for name in PROGRAM:
            (self.root / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)
        for name in ("requirements.txt", "requirements-postgres.txt", "requirements-dev.txt"):
            (self.root / name).write_text(f"pins of {name}\n")
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.program("python3", PYTHON)

    def program(self, name, text):
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def run(self, *arguments, script=None, cwd=None, **environ):
        self.log.write_text("")
        done = subprocess.run(
            [script or self.root / "run", *arguments],
            check=False,
            env={"PATH": str(self.bin), "LOG": str(self.log), "REAL_PYTHON": sys.executable}
            | environ,
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=20,
        )
        self.status, self.said = done.returncode, done.stderr
        return done

    @property
    def did(self):
        """What the script had done, in order: installs by requirement file, commands by name."""
        steps = []
        for line in self.log.read_text().splitlines():
            arguments = (
                line.rpartition(" [")[0].split() if line.startswith("python") else line.split()
            )
            if "install" in arguments or "manage.py" in line:
                steps.append(arguments[-1].rpartition("/")[2])
            else:
                steps.append(" ".join(arguments))
        return steps

    @property
    def environ(self):
        lines = Path(f"{self.log}.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_first_start_installs_and_serves(checkout):
    checkout.run()
    assert checkout.status == 0, checkout.said
    assert checkout.did == ["requirements.txt", "serve"]
    assert "--require-hashes" in checkout.log.read_text()


def test_second_start_installs_nothing(checkout):
    checkout.run()
    checkout.run()
    assert checkout.did == ["serve"]


def test_changed_pins_are_installed(checkout):
    checkout.run()
    (checkout.root / "requirements.txt").write_text("other pins\n")
    checkout.run()
    assert checkout.did == ["requirements.txt", "serve"]
    checkout.run()
    assert checkout.did == ["serve"]


def test_uv_is_used_where_there_is_one(checkout):
    checkout.program("uv", UV)
    checkout.run(FAKE_PYTHON=str(checkout.bin / "python3"))
    assert checkout.did[:2] == ["uv venv", "uv pip"]


def test_postgres_adds_driver_and_keeps_pins(checkout):
    checkout.run()
    checkout.run(DATABASE_URL="postgres://localhost/portal")
    assert checkout.did == ["requirements-postgres.txt", "serve"]
    checkout.run()
    assert checkout.did == ["serve"]


def test_the_database_may_be_named_in_a_file(checkout, tmp_path):
    (tmp_path / "url").write_text("postgres://localhost/portal\n")
    checkout.run(DATABASE_URL_FILE=str(tmp_path / "url"))
    assert checkout.did == ["requirements-postgres.txt", "serve"]


def test_an_install_that_failed_is_begun_afresh(checkout):
    checkout.run(FAKE_OFFLINE="yes")
    assert checkout.status == 1
    assert "could not be installed; the reason is above" in checkout.said
    (checkout.root / ".venv/half").touch()
    checkout.run()
    assert checkout.did == ["requirements.txt", "serve"]
    assert not (checkout.root / ".venv/half").exists()


def test_a_moved_checkout_gets_a_new_venv(checkout):
    checkout.run()
    checkout.root = checkout.root.rename(checkout.root.parent / "moved")
    checkout.run()
    assert "making .venv" in checkout.said
    assert checkout.did == ["requirements.txt", "serve"]


def test_a_venv_whose_python_was_exchanged_is_made_anew(checkout):
    checkout.run()
    checkout.run(FAKE_VERSION="3.12")
    assert "making .venv with Python 3.12" in checkout.said


def test_works_through_a_symlink_from_another_folder(checkout, tmp_path):
    link = tmp_path / "portal"
    link.symlink_to("a check out/run")
    checkout.run("manage", "migrate", "--plan", script=link, cwd="/")
    assert checkout.status == 0, checkout.said
    assert "a check out/manage.py migrate --plan" in checkout.log.read_text()
    assert checkout.environ["PWD"] == "/"  # paths in the arguments mean what the caller means


def test_the_sandbox_is_named_aloud_when_nothing_is_configured(checkout):
    checkout.run()
    assert "this is the sandbox" in checkout.said
    assert checkout.environ["EVSPORTAL_MODE"] == "sandbox"


def test_a_clouds_file_means_the_cloud(checkout):
    checkout.run(EVSPORTAL_CLOUDS="/etc/clouds.yaml")
    assert checkout.environ["EVSPORTAL_MODE"] == "cloud"
    assert "sandbox" not in checkout.said


def test_a_mode_that_was_chosen_is_left_alone(checkout):
    checkout.run(EVSPORTAL_MODE="sandbox", EVSPORTAL_CLOUDS="/etc/clouds.yaml")
    assert checkout.environ["EVSPORTAL_MODE"] == "sandbox"
    assert "neither" not in checkout.said


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "http://127.0.0.1:8009"),
        ({"PORT": "9000"}, "http://127.0.0.1:9009"),
        ({"EVSPORTAL_SANDBOX_URL": "http://127.0.0.1:7"}, "http://127.0.0.1:7"),
    ],
)
def test_each_port_has_a_sandbox_of_its_own(checkout, environ, url):
    checkout.run("manage", "cloud_ping", **environ)
    assert checkout.environ["EVSPORTAL_SANDBOX_URL"] == url


def test_dotenv_is_read_not_evaluated_and_the_environment_wins(checkout):
    (checkout.root / ".env").write_text(
        '# a comment\n\nPORT=9000\r\nexport QUOTED="two words"\nDANGER=$(touch /nowhere) `id`\n'
        "EVSPORTAL_HOSTS=from-file\nLAST='no newline'"
    )
    checkout.run(EVSPORTAL_HOSTS="from-environment")
    environ = checkout.environ
    assert environ["PORT"] == "9000"
    assert environ["QUOTED"] == "two words"
    assert environ["DANGER"] == "$(touch /nowhere) `id`"
    assert environ["EVSPORTAL_HOSTS"] == "from-environment"
    assert environ["LAST"] == "no newline"


@pytest.mark.parametrize("line", ["PORT 8000", "=8000", "1PORT=8000", "PO;RT=8000"])
def test_invalid_dotenv_line_stops_the_start(checkout, line):
    (checkout.root / ".env").write_text(f"# first\n{line}\n")
    checkout.run()
    assert checkout.status == 1
    assert checkout.said == (
        "run: .env, line 2: write KEY=VALUE, without blanks before it or around the =.\n"
    )


def test_a_key_twice_in_dotenv_stops_the_start(checkout):
    (checkout.root / ".env").write_text(
        "EVSPORTAL_MODE=sandbox\nA=1\nexport EVSPORTAL_MODE=cloud\n"
    )
    checkout.run()
    assert checkout.status == 1
    assert (
        checkout.said == "run: .env, line 3: EVSPORTAL_MODE stands here twice; keep one of them.\n"
    )


def test_byte_order_mark_in_dotenv_is_ignored(checkout):
    (checkout.root / ".env").write_bytes(b"\xef\xbb\xbfEVSPORTAL_MODE=cloud\r\n")
    checkout.run()
    assert checkout.environ["EVSPORTAL_MODE"] == "cloud"


def test_secret_key_is_made_once_and_private(checkout):
    checkout.run()
    key = Path(checkout.environ["EVSPORTAL_SECRET_KEY_FILE"])
    text = key.read_text()
    assert len(text) == 64
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    checkout.run()
    assert key.read_text() == text


def test_a_secret_key_that_was_given_is_used(checkout):
    checkout.run(EVSPORTAL_SECRET_KEY="given")
    assert "EVSPORTAL_SECRET_KEY_FILE" not in checkout.environ
    assert not (checkout.root / "var/secret_key").exists()


def test_no_python_is_said_in_one_sentence(checkout):
    (checkout.bin / "python3").unlink()
    checkout.run()
    assert checkout.status == 1
    assert "Python 3.11 or newer is needed, and none was found as python3." in checkout.said


def test_an_old_python_is_said_with_its_version(checkout):
    checkout.run(FAKE_VERSION="3.9")
    assert checkout.status == 1
    assert "needed, but python3 is 3.9. Install one" in checkout.said


def test_a_newer_python_beside_an_old_one_is_found(checkout):
    checkout.program("python3", PYTHON.replace("3.11", "3.10"))
    checkout.program("python3.12", PYTHON.replace("3.11", "3.12"))
    checkout.run()
    assert checkout.status == 0, checkout.said


def test_only_the_named_python_is_tried(checkout, tmp_path):
    checkout.run(PYTHON=str(tmp_path / "no such python"))
    assert checkout.status == 1
    assert f"none was found as {tmp_path}/no such python." in checkout.said


def test_a_missing_venv_module_is_said_with_its_package(checkout):
    checkout.run(FAKE_NO_VENV="yes")
    assert checkout.status == 1
    assert "apt-get install python3-venv" in checkout.said


def test_a_full_disk_is_said_before_anything_is_installed(checkout):
    checkout.program("df", "#!/bin/sh\necho head\necho disk 9 9 20480 99% /\n")
    checkout.run()
    assert checkout.status == 1
    assert "need 250 MB of disk, and only 20 MB are free" in checkout.said
    assert checkout.did == []


def test_a_folder_that_cannot_be_written_is_named(checkout, tmp_path):
    (tmp_path / "file").touch()
    checkout.run(EVSPORTAL_VAR=str(tmp_path / "file/var"))
    assert checkout.status == 1
    assert f"cannot write to {tmp_path}/file/var" in checkout.said


def test_help_and_an_unknown_word(checkout):
    assert "./run manage" in checkout.run("help").stdout
    checkout.run("helpp")
    assert checkout.status == 2
    assert "there is no 'helpp'" in checkout.said


def test_tests_get_no_dotenv_and_whole_arguments(checkout):
    (checkout.root / ".env").write_text("DATABASE_URL=postgres://live/portal\n")
    checkout.run("test", "-m", "not browser", "tests/start")
    assert checkout.status == 0, checkout.said
    assert "DATABASE_URL" not in checkout.environ
    assert "-m tools test -m not browser tests/start" in checkout.log.read_text()


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_the_script_is_clean():
    subprocess.run(["shellcheck", "--shell=sh", ROOT / "run"], check=True)


def test_the_script_is_executable():
    assert os.access(ROOT / "run", os.X_OK)
