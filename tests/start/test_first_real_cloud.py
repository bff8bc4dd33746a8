"""The README's "First real cloud", step by step, in an empty folder, against a simulated cloud that
runs as somebody else's server would.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys

import pytest

from snapshots.sandbox import scenarios
from snapshots.sandbox.scenarios import Trouble
from tests.ports import free_port
from tests.start.readme import ROOT, Person, blocks_of, copy_project
from tests.start.web_person import WebPerson
from tests.waiting import until

HEADING = "First real cloud in five minutes"
CHIEF, STAFF = "chief", "selin"
PASSWORD = "corrEct-horse-battery-9"
OWN_PASSWORD = "another-Stable-of-horses-7"
CLOUD = "ankara"  # as in the README's example
VOLUME = next(
    volume
    for volume in scenarios.VOLUMES
    if volume.status == "available"
    and volume.trouble is Trouble.NONE
    and volume.project_id == scenarios.PROJECT_ID
)


@pytest.fixture
def real_cloud(tmp_path):
    """The sandbox's server, started as if it were somebody's cloud; the address of its sign-in."""
    environ = {"PATH": os.environ["PATH"], "EVSPORTAL_VAR": str(tmp_path / "elsewhere")}
    argv = [sys.executable, "manage.py", "sandbox", "--port", "0", "--seconds", "0.5"]
    with subprocess.Popen(
        argv, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        yield re.search(r"identity: ([^)]+)\)", process.stdout.readline())[1]
        process.send_signal(signal.SIGTERM)


@pytest.fixture
def person(tmp_path):
    folder = tmp_path / "an empty folder"
    folder.mkdir()
    copy_project(folder)
    return Person(folder, free_port())


def with_own_names(text, auth_url):
    """The example with the names of the cloud at hand. Each must stand in the README."""
    for example, own in (
        ("https://iam.example-region.example.com/v3", auth_url),
        ("username: portal", f"username: {scenarios.USERNAME}"),
        ("user_domain_name: your-account", f"user_domain_name: {scenarios.DOMAIN}"),
        ("project_name: example-region", f"project_name: {scenarios.PROJECT_NAME}"),
        ("region_name: example-region", f"region_name: {scenarios.REGION}"),
    ):
        assert example in text
        text = text.replace(example, own)
    return text


@contextlib.contextmanager
def follow(person, auth_url, output):
    """Do what the README says, block by block; the portal runs while this lasts."""
    outputs = {}
    for block in blocks_of(HEADING):
        if block.language == "yaml":
            (person.folder / "clouds.yaml").write_text(with_own_names(block.text, auth_url))
        elif "createsuperuser" in block.text:
            answers = [("Username", CHIEF), ("Email", ""), ("Password: ", PASSWORD)]
            outputs["chief"] = person.run_in_terminal(
                block.text, [*answers, ("Password (again): ", PASSWORD)]
            )
        elif block.text.strip() == "./run":
            process = person.start(block.text, output)
        else:
            typed = f"{scenarios.PASSWORD}\n" if "secret.txt" in block.text else ""
            outputs[block.text.split()[-1]] = person.run(block.text, typed=typed)
    try:
        until(lambda: "The portal is at" in output.read_text() or process.poll(), seconds=60)
        assert process.poll() is None, output.read_text()
        yield outputs
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def grant(chief):
    """The README's last step, once the volume is listed."""
    until(lambda: VOLUME.id in chief.read("/volumes/"), seconds=60)
    added = chief.send("/people/new/", username=STAFF, roles="staff", one_time_password=PASSWORD)
    assert f"{STAFF} was added" in re.sub("[\u2068\u2069]", "", added.text), added.text
    given = chief.send("/grants/new/", person=STAFF, cloud=CLOUD, ids=VOLUME.id, do="give")
    assert "1 grant was given" in given.text, given.text


def take_snapshot(selin):
    """Asks for one, and waits until its page calls it available; the address of that page."""
    asked = selin.send(
        f"/snapshots/new/?volume={VOLUME.id}",
        action="/snapshots/new/",
        volume_id=VOLUME.id,
        name="first-of-all",
    )
    assert "/snapshots/new/" not in asked.url, asked.text
    until(lambda: "available" in selin.read(asked.url), seconds=40)
    return asked.url


@pytest.mark.timeout(300)
def test_steps_of_the_readme_end_in_a_snapshot(person, real_cloud, tmp_path):
    with follow(person, real_cloud, tmp_path / "output") as outputs:
        assert "Superuser created successfully" in outputs["chief"]
        ping = outputs["cloud_ping"]
        assert f"project    {scenarios.PROJECT_NAME} ({scenarios.PROJECT_ID})" in ping
        assert "Traceback" not in str(outputs)
        address = f"http://127.0.0.1:{person.port}/"
        chief, selin = WebPerson(address), WebPerson(address)
        assert CHIEF in chief.sign_in(CHIEF, PASSWORD)
        assert CHIEF in chief.read("/people/")
        grant(chief)
        selin.sign_in(STAFF, PASSWORD)
        own = {"new_password1": OWN_PASSWORD, "new_password2": OWN_PASSWORD}
        selin.send("/accounts/password/", old_password=PASSWORD, **own)
        until(lambda: VOLUME.name in selin.read("/volumes/"), seconds=40)
        others = [volume.name for volume in scenarios.VOLUMES if volume.id != VOLUME.id]
        page = selin.read("/volumes/")
        assert [name for name in others if f"<bdi>{name}</bdi>" in page] == []
        take_snapshot(selin)
        assert "Demo accounts" not in WebPerson(address).read("/accounts/login/")
    output = (tmp_path / "output").read_text()
    assert "alice" not in output
    assert "Traceback" not in output


@pytest.mark.timeout(120)
def test_administrator_without_a_dialogue(person, real_cloud):
    (person.folder / ".env").write_text(
        f"EVSPORTAL_MODE=cloud\nEVSPORTAL_CLOUDS={person.folder}/clouds.yaml\n"
    )
    text = next(volume.text for volume in blocks_of(HEADING) if volume.language == "yaml")
    (person.folder / "clouds.yaml").write_text(with_own_names(text, real_cloud))
    (person.folder / "secret.txt").write_text(scenarios.PASSWORD)
    for name in ("clouds.yaml", "secret.txt"):
        (person.folder / name).chmod(0o600)
    script = "./run manage createsuperuser --noinput --username chief --email chief@example.com"
    said = person.run(script, DJANGO_SUPERUSER_PASSWORD=PASSWORD)
    assert "Superuser created successfully" in said
