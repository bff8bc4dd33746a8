"""The steps of the Containerfile without an engine: in a root that holds nothing of this checkout.

The system's programs and Python come read-only from this machine, in the place of the base image.
Needs root, since it mounts; everything is mounted in a namespace of its own, and gone with it.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools import ROOT

CONTAINERFILE = ROOT / "deploy/container/Containerfile"
# $1: the root, $2: "ro" or "rw", $3: folders of this machine, $4: what stays writable.
_ENTER = """
set -eu
umask 022
root=$1 mode=$2 shared=$3 writable=$4
shift 4
mount --make-rprivate /
mount --bind "$root" "$root"
for path in $shared; do
  mkdir -p "$root$path"
  mount --bind "$path" "$root$path"
  mount -o remount,bind,ro "$root$path"
done
mkdir -p "$root/proc" "$root/dev" "$root/tmp"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
for path in $writable; do mount --bind "$root$path" "$root$path"; done
[ "$mode" = rw ] || mount -o remount,bind,ro "$root"
exec chroot "$root" "$@"
"""
# Which registry is asked, and how; for the installation alone.
_OF_PIP = (Path.home() / ".config/pip", Path.home() / ".pip")
_OF_THE_REGISTRY = re.compile(r"pip_|.*_proxy$|ssl_cert|requests_ca", re.IGNORECASE)


def is_possible():
    if os.geteuid() or not all(map(shutil.which, ("unshare", "chroot", "setpriv"))):
        return False
    return subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0


@dataclass
class CleanRoot:
    folder: Path

    def prepare(self):
        """The empty root, with the links of this machine's system: `/bin` to `usr/bin`."""
        self.folder.mkdir()
        self.folder.chmod(0o755)
        for name in ("bin", "sbin", "lib", "lib64"):
            if (link := Path("/", name)).is_symlink():
                (self.folder / name).symlink_to(link.readlink())
        # The image calls it `python`; Debian has only the other name.
        names = self.folder / "interpreter"
        names.mkdir()
        names.chmod(0o755)
        (names / "python").symlink_to(Path(sys.base_prefix, "bin/python3"))

    def build(self, wheels):
        """The first stage, and the folders that the second makes."""
        place = self.folder / "build"
        (place / "dist").mkdir(parents=True)
        for path in (ROOT / "requirements-postgres.txt", *wheels.glob("evsportal-*.whl")):
            shutil.copy(path, place)
        registry = {name: text for name, text in os.environ.items() if _OF_THE_REGISTRY.match(name)}
        for step in runs_of(0) + runs_of(1):
            enter = ["env", "--chdir=/build", "sh", "-c", step]
            done = subprocess.run(
                self._entering("rw", "", enter),
                env={"PATH": _path(), "HOME": str(Path.home()), **registry},
                capture_output=True,
                text=True,
                timeout=200,
                check=False,
            )
            yield step, done
        shutil.rmtree(place)

    def start(self, command, log, **settings):
        """The command as the image's user, on a read-only root but for its data; the process."""
        user, _, group = text_of("USER").partition(":")
        named = [f"{name}={value}" for name, value in {**environ_of_image(), **settings}.items()]
        private = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        private += ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        inside = ["env", "-i", f"PATH={_path()}", f"--chdir={text_of('WORKDIR')}", *named]
        return subprocess.Popen(
            self._entering("ro", text_of("VOLUME"), [*private, *inside, *command]),
            stdout=log,
            stderr=log,
        )

    def _entering(self, mode, writable, command):
        shared = ["/usr", "/etc", sys.base_prefix]
        if mode == "rw":
            shared += [str(path) for path in _OF_PIP if path.is_dir()]
        arguments = [str(self.folder), mode, " ".join(shared), writable, *command]
        return ["unshare", "--mount", "sh", "-c", _ENTER, "sh", *arguments]


def _path():
    return f"{sys.base_prefix}/bin:/usr/sbin:/usr/bin:/sbin:/bin:/interpreter"


def instructions_of(stage):
    """Name and text of each instruction."""
    text = CONTAINERFILE.read_text().split("\nFROM ")[stage + 1]
    lines = [line.partition(" ") for line in text.splitlines()[1:]]
    return [(name, rest) for name, _, rest in lines if name.isupper()]


def runs_of(stage):
    return [text for name, text in instructions_of(stage) if name == "RUN"]


def text_of(instruction):
    (text,) = (text for name, text in instructions_of(1) if name == instruction)
    return text


def environ_of_image():
    return dict(pair.split("=", 1) for pair in shlex.split(text_of("ENV")))
