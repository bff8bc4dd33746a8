"""Containerfile and compose file: what a linter would refuse, and names that exist."""

import json
import re
import shlex
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import yaml

from evsportal.variables import VARIABLES
from tools import ROOT

FOLDER = ROOT / "deploy/container"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
PORTALS = {name: COMPOSE["services"][name] for name in ("web", "worker")}
SETTINGS = {variable.name for variable in VARIABLES} | {
    f"{variable.name}_FILE" for variable in VARIABLES if variable.is_secret
}


def instructions():
    """Each instruction with its text, by stage; what stands before the first stage is none's."""
    stages = []
    for line in (FOLDER / "Containerfile").read_text().splitlines():
        name, _, text = line.partition(" ")
        if name == "FROM":
            stages.append([])
        if stages and name.isupper():
            stages[-1].append((name, text))
    return stages


def last_stage(name):
    return [text for each, text in instructions()[-1] if each == name]


def test_last_stage_has_no_root_and_no_installer():
    assert last_stage("USER") == ["10001:10001"]
    (copied,) = last_stage("COPY")
    assert copied.startswith("--from=build ")
    assert not re.search(r"apt|gcc|pip|curl|ADD", " ".join(last_stage("RUN")))
    (folder,) = (run for run in last_stage("RUN") if "/var/lib/evsportal" in run)
    assert "-o 10001 -g 10001" in folder


def test_packages_are_installed_by_their_hashes():
    installs = [text for _, text in instructions()[0] if "pip install" in text]
    assert len(installs) == 2
    assert "--require-hashes -r requirements-postgres.txt" in installs[0]
    assert "--no-deps evsportal-*.whl" in installs[1]


def test_base_image_is_named_with_a_version():
    assert re.search(r"^ARG PYTHON=3\.\d+$", (FOLDER / "Containerfile").read_text(), re.MULTILINE)
    for (name, text), *_ in instructions():
        assert (name, text.split()[0]) == ("FROM", "python:${PYTHON}-slim")


def test_commands_are_lists_without_a_shell():
    (probe,) = last_stage("HEALTHCHECK")
    assert "/healthz" in json.loads(probe.partition("CMD ")[2])[-1]
    assert json.loads(*last_stage("ENTRYPOINT")) == ["/opt/evsportal/bin/evsportal"]
    assert json.loads(*last_stage("CMD"))[0] == "serve"


@pytest.mark.parametrize(
    ("hosts", "host"),
    [
        ("", "127.0.0.1"),
        (" portal.example.org,x", "portal.example.org"),
        (".example.org", "example.org"),
    ],
)
def test_health_check_asks_by_a_name_of_the_portal(hosts, host):
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.headers["Host"] == host else 400)
            self.end_headers()

        def log_message(self, *_args):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.handle_request).start()
        (probe,) = last_stage("HEALTHCHECK")
        _python, *arguments = json.loads(probe.partition("CMD ")[2])
        environ = {"EVSPORTAL_HOSTS": hosts, "PORT": str(server.server_port)}
        subprocess.run([sys.executable, *arguments], env=environ, check=True, timeout=60)


def test_settings_of_the_image_exist():
    names = {pair.partition("=")[0] for pair in shlex.split(*last_stage("ENV"))}
    assert {name for name in names if name.startswith("EVSPORTAL")} <= SETTINGS


def test_builder_gets_wheel_and_pins_alone():
    lines = (FOLDER / "Containerfile.dockerignore").read_text().split()
    assert lines == ["*", "!requirements-postgres.txt", "!dist/evsportal-*.whl"]


@pytest.mark.parametrize("name", PORTALS)
def test_portal_services_have_no_privileges(name):
    service = PORTALS[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["environment"]) <= SETTINGS
    assert "ports" not in service


def test_every_name_in_compose_is_declared():
    secrets, volumes, networks = set(), set(), set()
    for service in COMPOSE["services"].values():
        sources = service.get("secrets", [])
        secrets |= {each if isinstance(each, str) else each["source"] for each in sources}
        volumes |= {each.partition(":")[0] for each in service.get("volumes", [])}
        networks |= set(service["networks"])
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])
    assert secrets == set(COMPOSE["secrets"])
    assert {name for name in volumes if not name.startswith(".")} == set(COMPOSE["volumes"])
    assert networks == set(COMPOSE["networks"])


def test_only_nginx_is_reached_from_outside():
    open_services = [name for name, each in COMPOSE["services"].items() if "ports" in each]
    assert open_services == ["nginx"]
    assert COMPOSE["services"]["database"]["networks"] == ["back"]
    assert COMPOSE["networks"]["back"] == {"internal": True}
