"""Files that cannot be used, and the folders that paths start from."""

import os

import pytest

from snapshots.clouds_yaml import CloudsRefused, full_path, read_clouds

CLOUDS = """
clouds:
  ankara:
    auth:
      auth_url: https://iam.example.com
      username: portal
      password_file: secret.txt
      user_domain_name: acme
      project_name: tr-1
    region_name: tr-1
"""


@pytest.fixture
def write(tmp_path):
    def write(content, name="clouds.yaml", mode=0o600):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    return write


@pytest.fixture
def path(write):
    """A clouds.yaml whose password stands in a file beside it."""
    write("planted-password\n", "secret.txt")
    return write(CLOUDS)


def sentences(path):
    with pytest.raises(CloudsRefused) as caught:
        read_clouds(path)
    assert "planted" not in str(caught.value)
    return [text.replace(f"{path.parent}/", "") for text in caught.value.sentences]


def password(path):
    return read_clouds(path)["ankara"].auth.password


@pytest.mark.parametrize(
    "content",
    [
        "planted-password",
        "planted-password\n",
        "planted-password\r\n",
        b"\xef\xbb\xbfplanted-password\n",
    ],
)
def test_a_secret_file_may_end_as_editors_end_it(path, write, content):
    write(content, "secret.txt")
    assert password(path) == "planted-password"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400, 0o440])
def test_owner_and_group_may_read_the_files(path, mode):
    for name in ("clouds.yaml", "secret.txt"):
        path.with_name(name).chmod(mode)
    assert password(path) == "planted-password"


@pytest.mark.parametrize("name", ["clouds.yaml", "secret.txt", "secure.yaml", "clouds-public.yaml"])
@pytest.mark.parametrize(("mode", "verb"), [(0o644, "readable"), (0o602, "writable")])
def test_world_readable_file_is_refused_with_its_chmod(path, write, name, mode, verb):
    if name.startswith(("secure", "clouds-")):
        write("", name)
    path.with_name(name).chmod(mode)
    (sentence,) = sentences(path)
    assert f"is {verb} by everybody: run `chmod o-rwx {path.with_name(name)}`" in sentence.replace(
        "`chmod o-rwx ", f"`chmod o-rwx {path.parent}/"
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"clouds: {a: \xff\xfe}", "clouds.yaml: the file is not text in UTF-8; save it as UTF-8."),
        (
            "clouds: {a: b}".encode("utf-16"),
            "clouds.yaml: the file is not text in UTF-8; save it as UTF-8.",
        ),
        (b"", "clouds.yaml: the file is empty; write `clouds:` and an entry."),
        (b"\n---\n...\n", "clouds.yaml: the file is empty; write `clouds:` and an entry."),
        (
            b"#" * 1_000_001,
            "clouds.yaml: the file is larger than 1,000,000 bytes, so it is another file.",
        ),
        (
            b"clouds:\n  a: {auth: \x07}\n",
            (
                "clouds.yaml: this is not readable as YAML: the file holds a control character;"
                " take it away."
            ),
        ),
        (
            b"[" * 5000,
            "clouds.yaml: tables stand in tables too deeply.",
        ),
    ],
)
def test_a_file_that_is_no_text_gets_a_sentence(write, content, sentence):
    assert sentences(write(content)) == [sentence]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nowhere.yaml", "nowhere.yaml: the file does not exist."),
        ("folder", "folder: the file is a folder; name a file."),
        ("pipe", "pipe: the file is not a plain file."),
        ("secret.txt/clouds.yaml", "clouds.yaml: the file does not exist."),
    ],
)
def test_folder_or_pipe_is_refused_as_a_file(path, name, sentence):
    path.with_name("folder").mkdir()
    os.mkfifo(path.with_name("pipe"))
    assert sentences(path.parent / name) == [sentence]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["clouds.yaml", "secret.txt"])
def test_unreadable_file_is_refused_with_a_sentence(path, name):
    path.with_name(name).chmod(0o000)
    (sentence,) = sentences(path)
    assert "may not be read by the user that the portal runs as" in sentence


def test_broken_link_to_a_secure_file_is_refused(path):
    path.with_name("secure.yaml").symlink_to("gone.yaml")
    assert sentences(path) == ["secure.yaml: the file does not exist."]


@pytest.mark.parametrize("name", ["secure.yml", "secure.json"])
def test_a_secure_file_may_end_otherwise(path, write, name):
    write('{"clouds": {"ankara": {"auth": {"project_id": "p1"}}}}', name)
    assert read_clouds(path)["ankara"].auth.project_id == "p1"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_and_byte_order_mark_do_no_harm(path, write, line_end):
    write("\ufeff" + CLOUDS.replace("\n", line_end))
    assert password(path) == "planted-password"


def test_lines_are_counted_alike_for_each_line_end(path, write):
    for line_end in ("\n", "\r\n", "\r"):
        write(CLOUDS.replace("tr-1", "12").replace("\n", line_end))
        assert [text.split(":")[0] for text in sentences(path)] == [
            "clouds.yaml, line 9",
            "clouds.yaml, line 10",
        ]


@pytest.mark.parametrize(
    "written", ["~/elsewhere/secret", "elsewhere/secret", "{home}/elsewhere/secret"]
)
def test_a_path_counts_from_home_or_the_files_folder(path, write, monkeypatch, written):
    folder = path.with_name("elsewhere")
    folder.mkdir()
    write("planted-elsewhere", "elsewhere/secret")
    monkeypatch.setenv("HOME", str(path.parent))
    monkeypatch.chdir("/")
    write(CLOUDS.replace("secret.txt", written.format(home=path.parent)))
    assert password(path) == "planted-elsewhere"


def test_unknown_home_folder_is_refused_with_a_sentence(path, write):
    write(CLOUDS.replace("secret.txt", "~no-such-user/secret"))
    (sentence,) = sentences(path)
    assert "~no-such-user/secret: this home is not known; write the full path" in sentence
    with pytest.raises(ValueError, match="not known"):
        full_path("~no-such-user/clouds.yaml", folder=path.parent)
