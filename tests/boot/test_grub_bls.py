"""SUSE's grub2-bls as a backend: told from systemd-boot and from GRUB with a grub.cfg; entries read as GRUB does."""

import pytest

from agentprep.boot import pick
from agentprep.boot.bls import BLS
from agentprep.boot.grub_bls import SUSE, GrubBls
from agentprep.boot.systemd_boot import SystemdBoot
from agentprep.errors import Blocked
from tests.boot import partitions as made
from tests.boot.partitions import SHA1, suse
from tests.trees import content

ADD = ["console=ttyS0,115200n8", "rootdelay=300"]
ENTRY = "/boot/efi/loader/entries/system-opensuse-tumbleweed-%s-1.conf" % made.SUSE
MARK = "/boot/efi/EFI/opensuse/installed_by_sdbootutil"


def grub(folder, **more):
    return GrubBls(made.guest(folder, dict(suse("grub2-bls"), **more)))


def test_the_mark_of_sdbootutil_and_the_entries_are_the_evidence(tmp_path):
    backend, told = pick(made.guest(tmp_path / "said", suse("grub2-bls")))
    assert backend.name == "grub2-bls"
    assert told == "%s says LOADER_TYPE=grub2-bls, and /boot/efi/loader/entries has 2 entries of Linux kernels" % SUSE
    assert GrubBls.probe(grub(tmp_path / "unmarked", **{MARK: None}).guest) == told
    unsaid = made.guest(tmp_path / "unsaid", dict(suse("grub2-bls"), **{SUSE: None}))
    assert pick(unsaid)[1].startswith(MARK + " is there")


@pytest.mark.parametrize("more", [
    {SUSE: 'LOADER_TYPE="grub2-efi"\n'},
    {SUSE: None, MARK: None},
    {"/boot/efi/EFI/systemd/systemd-bootx64.efi": made.SYSTEMD_BOOT},
    {"/boot/efi/opensuse-tumbleweed/%s/linux-%s" % (made.SUSE, SHA1): None},
])  # fmt: skip
def test_what_is_no_evidence(tmp_path, more):
    assert GrubBls.probe(grub(tmp_path, **more).guest) is None


def test_it_is_no_other_backend(tmp_path):
    guest = grub(tmp_path / "grub").guest
    assert SystemdBoot.probe(guest) is None and BLS.probe(guest) is None
    assert GrubBls.probe(made.guest(tmp_path / "systemd", suse())) is None


def test_arguments_initrds_and_the_menu(tmp_path):
    backend = grub(tmp_path)
    assert backend.arguments()["future"] == ["quiet", "splash=silent"] and len(backend.arguments()) == 3
    assert backend.initrds() == {made.SUSE: ["/boot/efi/opensuse-tumbleweed/%s/initrd-%s" % (made.SUSE, SHA1)]}
    assert "firmware's console" in backend.menu_on_serial()
    written = [change.path for change in backend.set_arguments(ADD, ["quiet"]) if not change.apply(backend.guest)]
    assert len(written) == 3 and "/etc/kernel/cmdline" in written and list(backend.set_arguments(ADD, ["quiet"])) == []
    assert content(backend.guest.root, "/etc/kernel/cmdline") == "splash=silent %s\n" % " ".join(ADD)
    root = "root=UUID=%s rootflags=subvol=@/.snapshots/1/snapshot" % made.ROOT
    assert "\noptions    splash=silent %s %s\n" % (root, " ".join(ADD)) in content(backend.guest.root, ENTRY)


def test_grub_reads_one_line_of_options_with_its_own_quotes(tmp_path):
    text = made.suse_entry(1).replace("quiet splash=silent", "acpi_osi='Windows 2012' quiet")
    text = text.replace("linux  ", "options    unread\nlinux  ")
    backend = grub(tmp_path, **{ENTRY: text})
    name = ENTRY.rsplit("/", 1)[1]
    assert "unread" not in backend.arguments()[name]
    for change in backend.set_arguments(ADD, ["quiet"]):
        change.apply(backend.guest)
    new = content(backend.guest.root, ENTRY)
    assert "options    acpi_osi='Windows 2012' root=" in new and "\noptions    unread\n" in new
    assert backend.arguments()[name][-2:] == ADD


def test_grub_reads_no_further_than_an_empty_line(tmp_path):
    text = made.suse_entry(1).replace("options  ", "\noptions  ")
    backend = grub(tmp_path, **{ENTRY: text})
    assert backend.arguments()[ENTRY.rsplit("/", 1)[1]] == []
    for change in backend.set_arguments(ADD, []):
        change.apply(backend.guest)
    assert backend.arguments()[ENTRY.rsplit("/", 1)[1]] == ADD


def test_an_entry_without_options_gets_some(tmp_path):
    text = "".join(line + "\n" for line in made.suse_entry(1).splitlines() if not line.startswith("options"))
    backend = grub(tmp_path, **{ENTRY: text})
    for change in backend.set_arguments(ADD, []):
        change.apply(backend.guest)
    assert backend.arguments()[ENTRY.rsplit("/", 1)[1]] == ADD


def test_a_line_that_grub_cannot_read_blocks(tmp_path):
    backend = grub(tmp_path, **{ENTRY: made.suse_entry(1).replace("quiet splash=silent", "a='open")})
    for ask in (backend.arguments, lambda: list(backend.set_arguments(ADD, []))):
        with pytest.raises(Blocked, match="system-opensuse-tumbleweed"):
            ask()
