"""The container's steps in a clean root: built, started without root, first page, health check."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.stack import two_free_ports
from tests.packaging.clean_root import CleanRoot, is_possible, text_of
from tests.packaging.conftest import is_unreachable
from tests.packaging.installed import CLOUDS, answers, text_at
from tests.waiting import until

pytestmark = [
    pytest.mark.packages,
    pytest.mark.skipif(not is_possible(), reason="needs root, and namespaces of mounts"),
]


@pytest.fixture(scope="module")
def image(tmp_path_factory, wheels):
    root = CleanRoot(tmp_path_factory.mktemp("image") / "root")
    root.prepare()
    for step, done in root.build(wheels):
        if is_unreachable(done):
            pytest.skip("no package registry answers")
        assert done.returncode == 0, f"{step}\n{done.stderr}"
    return root


HOST = "portal.example.org"  # as in production, where the portal is not called 127.0.0.1


def names_of(port):
    return {"PORT": str(port), "EVSPORTAL_HOSTS": HOST}


@pytest.fixture
def container(image, tmp_path):
    """The image's own command with a file of clouds, on a port of its own."""
    clouds = image.folder / "var/lib/evsportal/clouds.yaml"
    clouds.write_text(CLOUDS)
    clouds.chmod(0o600)
    subprocess.run(["chown", "10001:10001", clouds], check=True)
    port = two_free_ports()
    settings = {"EVSPORTAL_CLOUDS": "/var/lib/evsportal/clouds.yaml", **names_of(port)}
    command = json.loads(text_of("ENTRYPOINT")) + json.loads(text_of("CMD"))
    with (tmp_path / "log").open("wb") as log:
        process = image.start(command, log, EVSPORTAL_BIND="127.0.0.1", **settings)
    until(
        lambda: (
            process.poll() is not None or answers(f"http://127.0.0.1:{port}/healthz", Host=HOST)
        ),
        seconds=90,
    )
    assert process.poll() is None, (tmp_path / "log").read_text()
    yield port, process.pid
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_container_serves_its_first_page_without_root(container):
    port, pid = container
    assert "<h1" in text_at(f"http://127.0.0.1:{port}/accounts/login/", Host=HOST)
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    facts = dict(line.split(":\t", 1) for line in lines)
    assert facts["Uid"].split() == ["10001"] * 4
    assert (facts["NoNewPrivs"], int(facts["CapBnd"], 16), int(facts["CapEff"], 16)) == ("1", 0, 0)


def test_health_check_of_the_image_passes(container, image, tmp_path):
    port, _pid = container
    probe = json.loads(text_of("HEALTHCHECK").partition("CMD ")[2])
    with (tmp_path / "probe").open("wb") as log:
        assert image.start(probe, log, **names_of(port)).wait(60) == 0


def test_root_of_the_container_is_read_only(image, tmp_path):
    with (tmp_path / "log").open("wb") as log:
        assert image.start(["touch", "/opt/evsportal/changed"], log).wait(30) != 0
        assert image.start(["touch", "/var/lib/evsportal/changed"], log).wait(30) == 0


def test_image_has_no_installer_and_no_sandbox(image):
    packages = next(image.folder.glob("opt/evsportal/lib/python3*/site-packages"))
    assert not (packages / "pip").exists()
    assert not (packages / "snapshots/sandbox").exists()
