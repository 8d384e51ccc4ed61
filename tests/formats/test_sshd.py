"""sshd_config is read as sshd reads it, and edited in one line."""

import os
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats import lines, sshd

KEYWORD = "ClientAliveInterval"

# The end of Debian 12's file
DEBIAN_12 = """\
# This is the sshd server system-wide configuration file.  See
# sshd_config(5) for more information.

Include /etc/ssh/sshd_config.d/*.conf

#Port 22
#PermitRootLogin prohibit-password
KbdInteractiveAuthentication no
UsePAM yes
X11Forwarding yes
PrintMotd no
#TCPKeepAlive yes
#ClientAliveInterval 0
#ClientAliveCountMax 3

# Allow client to pass locale environment variables
AcceptEnv LANG LC_*

# override default of no subsystems
Subsystem\tsftp\t/usr/lib/openssh/sftp-server

# Example of overriding settings on a per-user basis
#Match User anoncvs
#\tX11Forwarding no
"""


def nothing(pattern):
    return []


def effective(text, files=None):
    found = sshd.effective(KEYWORD, "main", text, lambda pattern: (files or {}).get(pattern, []))
    return found and (found.value, found.name, found.line)


# What follows is also asked of the real sshd.
READ = [
    ("", None),
    ("ClientAliveInterval 11\nClientAliveInterval 12\n", ("11", "main", 1)),
    ("clientaliveINTERVAL 11", ("11", "main", 1)),
    ("ClientAliveInterval=11\n", ("11", "main", 1)),
    ("ClientAliveInterval = 11\n", ("11", "main", 1)),
    ("ClientAliveInterval \t=\t11\n", ("11", "main", 1)),
    ("\t ClientAliveInterval\t11 \t\f\r\n", ("11", "main", 1)),
    ('ClientAliveInterval "11"\n', ("11", "main", 1)),
    ("ClientAliveInterval '11' # why\n", ("11", "main", 1)),
    ("ClientAliveInterval 11 # 12\n", ("11", "main", 1)),
    ("#ClientAliveInterval 11\n # ClientAliveInterval 12\nClientAliveInterval 13", ("13", "main", 3)),
    ("Match User x\nClientAliveCountMax 11\n", None),
    ("ClientAliveInterval 11\nMatch User x\n", ("11", "main", 1)),
    ("Match all\nClientAliveInterval 11\n", ("11", "main", 2)),
    ("Match User x\nMatch all\nClientAliveInterval 11\n", ("11", "main", 3)),
    ("ClientAliveInterval 11\nMatch all\nClientAliveInterval 12\nClientAliveInterval 13\n", ("12", "main", 3)),
]

INCLUDED = [
    ("Include one\nClientAliveInterval 12\n", ("1", "one", 2)),
    ("ClientAliveInterval 12\nInclude one\n", ("12", "main", 1)),
    ("Include match\nClientAliveInterval 12\n", ("12", "main", 2)),
    ("Match User x\nInclude one\nMatch all\nClientAliveInterval 12\n", ("12", "main", 4)),
    ("Match User x\nInclude all\n", None),
    ("Include none one\n", ("1", "one", 2)),
    ("Include nested\n", ("1", "one", 2)),
    ("ClientAliveInterval 12\nInclude all\n", ("3", "all", 2)),
    ("ClientAliveInterval 12\nMatch User x\nInclude all\n", ("12", "main", 1)),
    ("ClientAliveInterval 12\nMatch all\nInclude one\n", ("1", "one", 2)),
]
FILES = {
    "one": "# one\nClientAliveInterval 1\n",
    "match": "Match User y\nClientAliveCountMax 2\n",
    "all": "Match all\nClientAliveInterval 3\n",
    "nested": "Include one\nClientAliveInterval 4\n",
}


def included(pattern):
    return [(pattern, FILES[pattern])] if pattern in FILES else []


@pytest.mark.parametrize("text, expected", READ)
def test_effective(text, expected):
    assert effective(text) == expected


@pytest.mark.parametrize("text, expected", INCLUDED)
def test_included(text, expected):
    found = sshd.effective(KEYWORD, "main", text, included)
    assert found == (expected and sshd.Setting(*expected))


@pytest.mark.parametrize("text, expected", READ + INCLUDED)
def test_sshd_says_the_same(text, expected, tmp_path):
    binary = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")
    if not binary or not shutil.which("ssh-keygen"):
        pytest.skip("sshd and ssh-keygen are not installed")
    if os.getuid():
        pytest.skip("sshd -T reads the host keys: only as root")
    for name, content in FILES.items():
        content = content.replace("Include ", f"Include {tmp_path}/")
        (tmp_path / name).write_text(content)
    text = text.replace("Include ", f"Include {tmp_path}/").replace("none ", f"none {tmp_path}/")
    (tmp_path / "config").write_bytes(text.encode())
    key = str(tmp_path / "key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    os.makedirs("/run/sshd", exist_ok=True)
    argv = [binary, "-T", "-f", str(tmp_path / "config"), "-h", key]
    result = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert result.returncode == 0, result.stderr
    values = dict(line.split(" ", 1) for line in result.stdout.decode().splitlines() if " " in line)
    assert values[KEYWORD.lower()] == (expected[0] if expected else "0")


@pytest.mark.parametrize("line", ["ClientAliveInterval", "ClientAliveInterval #5", "ClientAliveInterval '5", "Include"])
def test_what_sshd_refuses(line):
    with pytest.raises(Malformed) as raised:
        effective("\n" + line)
    assert raised.value.message.startswith("main, line 2: ")


def test_quotes_and_backslashes():
    text = 'Banner "/a \\"b\\" c" d\\ e \\x\n'
    assert sshd.effective("banner", "main", text, nothing).value == '/a "b" c d e \\x'


def test_endless_includes():
    with pytest.raises(Malformed):
        sshd.effective(KEYWORD, "main", "Include main", lambda pattern: [("main", "Include main")])


@pytest.mark.parametrize(
    "text, expected",
    [
        (DEBIAN_12, DEBIAN_12.replace("#ClientAliveInterval 0\n", "#ClientAliveInterval 0\nClientAliveInterval 180\n")),
        ("", "ClientAliveInterval 180\n"),
        ("UsePAM yes", "UsePAM yes\nClientAliveInterval 180\n"),
        ("UsePAM yes\r\nMatch all\r\n", "UsePAM yes\r\nClientAliveInterval 180\r\nMatch all\r\n"),
        ("Match User x\n#ClientAliveInterval 0\n", "ClientAliveInterval 180\nMatch User x\n#ClientAliveInterval 0\n"),
        ("\tclientaliveinterval = 5 # x\r\nUsePAM no", "\tclientaliveinterval = 180 # x\r\nUsePAM no"),
        ("ClientAliveInterval 5\nClientAliveInterval 6", "ClientAliveInterval 180\nClientAliveInterval 6"),
        (f"#{KEYWORD} 5\n# {KEYWORD} 6", f"#{KEYWORD} 5\n{KEYWORD} 180\n# {KEYWORD} 6"),
        ('ClientAliveInterval "5"', "ClientAliveInterval 180"),
        ('ClientAliveInterval "180" # x', 'ClientAliveInterval "180" # x'),
        ("#ClientAliveIntervals 5\n", "#ClientAliveIntervals 5\nClientAliveInterval 180\n"),
        (f"{KEYWORD} 5\nMatch all\n{KEYWORD} 6\n", f"{KEYWORD} 5\nMatch all\n{KEYWORD} 180\n"),
    ],
)
def test_set_global(text, expected):
    assert sshd.set_global(text, KEYWORD, "180") == expected
    assert sshd.set_global(expected, KEYWORD, "180") == expected


LINE = st.sampled_from(
    ["ClientAliveInterval 1", "clientaliveinterval=2 # x", "#ClientAliveInterval 3", "Match User x", "Match all", ""]
    + ["UsePAM yes", "  ClientAliveInterval\t'4'", "\udce9\u2028 x", "ClientAliveInterval", "Include one", "#"]
    + ["ClientAliveInterval 180", "\f"]
)
TEXTS = st.tuples(st.lists(st.tuples(LINE, st.sampled_from(["\n", "\r\n"]))), LINE).map(
    lambda t: "".join(line + end for line, end in t[0]) + t[1]
)


@given(TEXTS)
def test_properties(text):
    try:
        edited = sshd.set_global(text, KEYWORD, "180")
    except Malformed as error:
        assert error.message.startswith("line ")
        return
    assert sshd.set_global(edited, KEYWORD, "180") == edited
    try:
        assert sshd.effective(KEYWORD, "main", edited, nothing).value == "180"
    except Malformed:
        assert "ClientAliveInterval\n" in text.replace("\r", "") + "\n"
    before, after = lines.split(text), lines.split(edited)
    if len(before) == len(after):
        assert sum(a != b for a, b in zip(before, after)) <= 1
    else:
        index = next(i for i, (a, b) in enumerate(zip(before + [""], after)) if a.rstrip("\r\n") != b.rstrip("\r\n"))
        assert after.pop(index).rstrip("\r\n") == "ClientAliveInterval 180"
        assert "".join(after) in (text, text + lines.newline(text))


@given(st.text(alphabet=st.sampled_from("ClientAv Match=\"'\\# \t\r\n\f\u2028\udce9"), max_size=60))
def test_any_text(text):
    try:
        sshd.effective("a", "main", text, nothing)
        sshd.set_global(text, "a", "b")
    except Malformed:
        pass
