"""Debian's installer asks every question that the preseed answers, and each answer is one that it takes.

The questions are those of the installer's own packages (udebs) of Debian 13, which are fetched once.
"""

import hashlib
import subprocess

import pytest

from tests.lab import host
from tests.packages import installers

SUITE = "trixie"
# Whose questions are answered, or what a run of the installer with this preseed goes through.
UDEBS = (
    "localechooser", "console-setup-udeb", "netcfg", "choose-mirror", "choose-mirror-bin", "user-setup-udeb",
    "clock-setup", "tzsetup-udeb", "partman-auto", "partman-base", "partman-basicfilesystems", "partman-partitioning",
    "partman-lvm", "partman-md", "partman-target", "base-installer", "apt-cdrom-setup", "pkgsel", "grub-installer",
    "finish-install", "preseed-common", "di-utils", "tasksel",
)  # fmt: skip


@pytest.fixture(scope="session")
def questions():
    """{question: its template, a field each} of the installer."""
    path = host.cache() / ("questions-%s-%s" % (SUITE, hashlib.sha256(" ".join(UDEBS).encode()).hexdigest()[:12]))
    if not path.exists():
        text = fetched(path.with_name(path.name + ".making"))
        path.write_text(text)
    found = {}
    for block in path.read_text().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and line[0] not in " #")
        if "Template" in fields:
            found[fields["Template"]] = fields
    assert len(found) > 500
    return found


def fetched(folder):
    """The templates of UDEBS, by apt in a folder of its own."""
    for name in ("lists/partial", "cache/archives/partial", "udebs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    keyring = "signed-by=/usr/share/keyrings/debian-archive-keyring.gpg"
    line = host.apt_sources(SUITE, security=False)[0].replace("deb ", "deb [%s] " % keyring, 1)
    (folder / "sources.list").write_text(line + "\n" + line + "/debian-installer\n")
    options = ['Dir::Etc::SourceList "%s/sources.list"' % folder, 'Dir::Etc::SourceParts "/dev/null"',
               'Dir::State::Lists "%s/lists"' % folder, 'Dir::Cache "%s/cache"' % folder,
               'APT::Sandbox::User "root"'] + host.apt_options()  # fmt: skip
    (folder / "apt.conf").write_text("".join(option + ";\n" for option in options))
    apt = ["apt-get", "--quiet", "--config-file", str(folder / "apt.conf")]
    for words in (["update"], ["download", *UDEBS]):
        done = subprocess.run(
            apt + words, cwd=str(folder / "udebs"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        )
        assert done.returncode == 0, done.stdout
    told = []
    for udeb in sorted((folder / "udebs").iterdir()):
        done = subprocess.run(["dpkg-deb", "--info", str(udeb), "templates"], stdout=subprocess.PIPE, encoding="utf-8")
        told.append(done.stdout.strip())
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    return "\n\n".join(told) + "\n"


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
        if template["Type"] != kind:
            told.append("%s is %s, not %s" % (name, template["Type"], kind))
        elif kind == "boolean" and value not in ("true", "false"):
            told.append("%s: %s is not true or false" % (name, value))
        elif not free and not set(value.split(", ")) <= set(choices.split(", ")):
            told.append("%s: %s is none of %s" % (name, value, choices))
    return told


def test_every_answer_is_to_a_question_of_the_installer(questions):
    entries = installers.preseed(installers.PRESEED.read_text())
    assert len(entries) > 30
    assert refused(entries, questions) == []


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
    assert len(refused(installers.preseed(text.replace(old, new)), questions)) == 1
