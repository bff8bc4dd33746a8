"""A sample: a folder of files as people publish them, and what they must mean or what is said."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from django.core.exceptions import ImproperlyConfigured

from evsportal.environment import read_environment
from snapshots import clouds

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PEM = ROOT / "tests" / "evs" / "loopback.pem"
SAMPLES = sorted((HERE / "samples").glob("*.yaml"))
SECRET = "pl4nted"  # each secret of a sample holds this
_DEFAULTS = {
    "dialect": "native-v2",
    "limits": "bytes-255",
    "interface": "public",
    "calls_per_second": 5.0,
}
_VARIABLES = ("EVSPORTAL_CLOUDS", "EVSPORTAL_CLOUD_NAMES", "OS_CLOUD")


def written(sample: dict[str, Any], *, folder: Path) -> None:
    """Writes the sample's files, closed to others; `@PEM@` stands for a certificate and its key."""
    for name, text in sample["files"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PEM.read_text() if text.strip() == "@PEM@" else text, encoding="utf-8")
        path.chmod(0o600)


def environment(folder: Path) -> dict[str, str]:
    """The variables that `./run` makes of the folder's `.env`, by its own program."""
    script = (
        "import json, pathlib, sys; from evsportal.launch import read_settings_file; "
        "environ = {}; file = pathlib.Path(sys.argv[1], '.env'); "
        "file.exists() and read_settings_file(environ, file, 'run'); print(json.dumps(environ))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    variables: dict[str, str] = json.loads(answer.stdout)
    return variables


def apply(variables: dict[str, str], *, settings: Any, monkeypatch: Any) -> None:
    """The settings of a portal that is started with these variables."""
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings.EVSPORTAL_MODE = "cloud"
    settings.EVSPORTAL_CLOUDS = variables.get("EVSPORTAL_CLOUDS", "clouds.yaml")
    settings.EVSPORTAL_CLOUD_NAMES = read_environment(variables)["EVSPORTAL_CLOUD_NAMES"]
    settings.OS_CLOUD = variables.get("OS_CLOUD", "")
    clouds.forget()


def result(folder: Path) -> dict[str, Any]:
    """What the portal makes of the folder: `means`, or the sentences of `says`."""
    try:
        names = clouds.cloud_names()
    except ImproperlyConfigured as error:
        return {"says": [_without(folder, line) for line in str(error).splitlines()]}
    return {"means": {name: _meaning(name, folder) for name in names}}


def _meaning(name: str, folder: Path) -> dict[str, Any]:
    """The settings that are not the usual ones. Secrets stand in samples, and so may stand here."""
    config = clouds.config_of(name)
    fields = asdict(config) | {"sign_in": type(config.auth).__name__}
    assert fields.pop("name") == name
    return _plain(
        {key: value for key, value in fields.items() if value != _DEFAULTS.get(key)}, folder
    )


def _plain(value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item, folder) for key, item in value.items() if item}
    return _without(folder, value) if isinstance(value, str) else value


def _without(folder: Path, text: str) -> str:
    return text.replace(f"{folder}/", "")


def read_sample(path: Path) -> dict[str, Any]:
    sample: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return sample
