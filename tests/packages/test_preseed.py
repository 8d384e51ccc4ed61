"""Debian's installer asks every question that the preseed answers, and each answer is one that it takes.

Judged by the example of Debian 12's installation guide, and by the questions of the installer's own packages (udebs) of
Debian 13, which a mirror does not have while it is being changed.
"""

import gzip
import hashlib
import re
import subprocess

import pytest

from tests.lab import guests, host
from tests.packages import archive, installers

# Whose questions are answered, or what a run of the installer with this preseed goes through.
UDEBS = (
    "localechooser", "console-setup-udeb", "netcfg", "choose-mirror", "choose-mirror-bin", "user-setup-udeb",
    "clock-setup", "tzsetup-udeb", "partman-auto", "partman-base", "partman-basicfilesystems", "partman-partitioning",
    "partman-lvm", "partman-md", "partman-target", "base-installer", "apt-cdrom-setup", "pkgsel", "grub-installer",
    "finish-install", "preseed-common", "di-utils",
)  # fmt: skip
GUIDE, EXAMPLE = "installation-guide-amd64", "usr/share/doc/installation-guide-amd64/example-preseed.txt.gz"
# Questions that the guide does not name: templates of partman-basicfilesystems and grub-installer.
BEYOND = {("partman-basicfilesystems/no_swap", "boolean"), ("grub-installer/force-efi-extra-removable", "boolean")}


def kept(name, text):
    """The text of a file in the lab's cache, which a function gives the first time."""
    path = host.cache() / name
    with guests.locked(name):
        if not path.exists():
            content = text()
            path.write_text(content)
    return path.read_text()


@pytest.fixture(scope="session")
def guide(tmp_path_factory):
    """{(question, type)} of the guide's example, whose comments are answers too."""

    def text():
        folder = tmp_path_factory.mktemp("guide")
        archive.fetched("bookworm", [GUIDE], folder)
        (package,) = folder.glob("*.deb")
        subprocess.run(["dpkg", "--extract", str(package), str(folder)], check=True)
        return gzip.decompress((folder / EXAMPLE).read_bytes()).decode()

    found = re.findall(r"^#? ?(?:d-i|tasksel)\s+(\S+/\S+)\s+([a-z]+)", kept("preseed-bookworm", text), re.M)
    assert len(set(found)) > 80
    return set(found)


@pytest.fixture(scope="session")
def questions(tmp_path_factory):
    """{question: its template, a field each} of the installer."""

    def text():
        folder = tmp_path_factory.mktemp("udebs")
        archive.fetched("trixie", UDEBS, folder, "main/debian-installer")
        command = ["dpkg-deb", "--info", "", "templates"]
        told = [
            subprocess.run(command[:2] + [str(udeb)] + command[3:], stdout=subprocess.PIPE, encoding="utf-8").stdout
            for udeb in sorted(folder.glob("*.udeb"))
        ]
        return "\n\n".join(told)

    try:
        name = "questions-trixie-" + hashlib.sha256(" ".join(UDEBS).encode()).hexdigest()[:12]
        blocks = re.split(r"\n\s*\n", kept(name, text))
    except archive.Unavailable as error:
        pytest.skip("the mirror cannot give the installer's packages now: " + str(error).strip().splitlines()[-1])
    found = {}
    for block in blocks:
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and line[0] not in " #")
        if "Template" in fields:
            found[fields["Template"]] = fields
    assert len(found) > 500
    return found


def test_the_guide_names_every_question(guide):
    entries = installers.preseed(installers.PRESEED.read_text())
    assert len(entries) > 30
    assert {(question, kind) for _, question, kind, _ in entries} - guide == BEYOND


def refused(entries, questions):
    """Questions that nobody asks, and answers that are of another type or no choice."""
    told = []
    for _, name, kind, value in entries:
        template = questions.get(name)
        if template is None:
            told.append("%s: nobody asks it" % name)
            continue
        choices = template.get("Choices-C", template.get("Choices", "${}"))
        free = "${" in choices or kind not in ("select", "multiselect")
        if template["Type"] != kind and (template["Type"], kind) != ("select", "string"):  # so the guide, of the locale
            told.append("%s is %s, not %s" % (name, template["Type"], kind))
        elif kind == "boolean" and value not in ("true", "false"):
            told.append("%s: %s is not true or false" % (name, value))
        elif not free and not set(value.split(", ")) <= set(choices.split(", ")):
            told.append("%s: %s is none of %s" % (name, value, choices))
    return told


def test_every_answer_is_to_a_question_of_the_installer(questions):
    entries = installers.preseed(installers.PRESEED.read_text())
    assert refused([one for one in entries if one[0] == "d-i"], questions) == []


@pytest.mark.parametrize(
    "old, new",
    [
        ("partman-basicfilesystems/no_swap", "partman-basicfilesystem/no_swap"),
        ("mount_style select uuid", "mount_style select uid"),
        ("force-efi-extra-removable boolean true", "force-efi-extra-removable string true"),
        ("clock-setup/utc boolean true", "clock-setup/utc boolean yes"),
    ],
)
def test_a_wrong_answer_is_found(old, new, questions):
    text = installers.PRESEED.read_text()
    assert old in text
    entries = installers.preseed(text.replace(old, new))
    assert len(refused([one for one in entries if one[0] == "d-i"], questions)) == 1
