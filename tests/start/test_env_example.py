"""`.env.example` names every variable that is read, and none that is not."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r'"(EVSPORTAL_[A-Z_]+|DATABASE_URL|PORT)"')


def test_every_variable_is_explained_and_every_explained_one_is_read():
    sources = ("evsportal/settings.py", "evsportal/gunicorn.py")
    read = {name for source in sources for name in READ.findall((ROOT / source).read_text())}
    explained = re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(read)
