"""A real LDAP server, Debian's slapd, on loopback, with some people and groups."""

import datetime as dt
import ipaddress
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.ports import free_ports
from tests.waiting import until

SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/lib/openldap:/usr/local/libexec:/usr/bin")
SLAPADD = shutil.which("slapadd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
BASE = "dc=example,dc=org"
READER, READER_PASSWORD = f"cn=reader,{BASE}", "reader-Secret-1"
READERS_OWN = f"userPassword: {READER_PASSWORD}"
_CONFIG = """
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile {folder}/slapd.pid
TLSCertificateFile {folder}/own.pem
TLSCertificateKeyFile {folder}/own.key
database mdb
suffix "{base}"
rootdn "cn=root,{base}"
rootpw root
directory {folder}/entries
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by anonymous auth by * none
"""


def person(uid, password, **facts):
    facts = {"sn": uid, "cn": uid} | facts
    lines = [f"dn: uid={uid},ou=people,{BASE}", "objectClass: inetOrgPerson", f"uid: {uid}"]
    return [*lines, f"userPassword: {password}", *(f"{key}: {text}" for key, text in facts.items())]


def group(name, *members):
    dns = [f"member: uid={uid},ou=people,{BASE}" for uid in members]
    head = [f"dn: cn={name},ou=groups,{BASE}", "objectClass: groupOfNames", f"cn: {name}"]
    return [*head, *(dns or [f"member: {READER}"])]


def group_of_groups(name, *inner):
    dns = [f"member: cn={other},ou=groups,{BASE}" for other in inner]
    head = [f"dn: cn={name},ou=groups,{BASE}", "objectClass: groupOfNames", f"cn: {name}"]
    return [*head, *dns]


def _entries(*more):
    return [
        [f"dn: {BASE}", "objectClass: dcObject", "objectClass: organization", "o: Example"],
        [f"dn: {READER}", "objectClass: person", "cn: reader", "sn: reader", READERS_OWN],
        *([f"dn: ou={name},{BASE}", "objectClass: organizationalUnit"] for name in OUS),
        *more,
    ]


OUS = ("people", "groups", "others")


class Directory:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.tls_port = free_ports(apart=(0, 1))
        self.url = f"ldap://127.0.0.1:{self.port}"
        self.tls_url = f"ldaps://127.0.0.1:{self.tls_port}"
        self.other_name = (
            f"ldaps://127.0.0.2:{self.tls_port}"  # which its certificate does not have
        )
        self.authority = str(folder / "own.pem")
        # Not this machine's usual address, so the portal goes on with StartTLS.
        self.start_tls_url = f"ldap://127.0.0.3:{self.port}"
        self.start_tls_other_name = f"ldap://127.0.0.2:{self.port}"

    @property
    def urls(self):
        plain = (self.url, self.start_tls_url, self.start_tls_other_name)
        return (*plain, self.tls_url, self.other_name)

    def add(self, dn, **attributes):
        connection = self._administrator()
        lists = {name: [text.encode() for text in texts] for name, texts in attributes.items()}
        connection.add_s(dn, list(lists.items()))
        connection.unbind_s()

    def remove(self, dn):
        connection = self._administrator()
        connection.delete_s(dn)
        connection.unbind_s()

    def change(self, dn, changes):
        connection = self._administrator()
        connection.modify_s(dn, changes)
        connection.unbind_s()

    def _administrator(self):
        import ldap

        connection = ldap.initialize(self.url)
        connection.set_option(ldap.OPT_REFERRALS, 0)
        connection.simple_bind_s(f"cn=root,{BASE}", "root")
        return connection


@contextmanager
def running_directory(folder: Path, *entries):
    directory = Directory(folder)
    (folder / "entries").mkdir()
    _make_certificate(folder)
    config = folder / "slapd.conf"
    facts = {"folder": folder, "base": BASE, "reader": READER, "schema": "/etc/ldap/schema"}
    config.write_text(_CONFIG.format(**facts))
    ldif = "\n\n".join("\n".join(lines) for lines in _entries(*entries)) + "\n"
    subprocess.run([SLAPADD, "-f", config], input=ldif.encode(), check=True, capture_output=True)
    urls = " ".join(f"{url}/" for url in directory.urls)
    command = [SLAPD, "-d", "0", "-f", config, "-h", urls]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: _answers(directory.port) or process.poll() is not None, seconds=30)
            yield directory
        finally:
            process.terminate()


def _answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _make_certificate(folder):
    """For 127.0.0.1 and 127.0.0.3, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "directory")])
    now = dt.datetime.now(dt.UTC)
    addresses = ("127.0.0.1", "127.0.0.3")
    names = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "own.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "own.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
