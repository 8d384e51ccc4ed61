"""The kernel command line: the policy's arguments in every entry and every store, told with numbers."""

import os

import pytest

from agentprep.changes import Run, Write
from agentprep.errors import Blocked
from agentprep.steps.kernel_cmdline import RULE, STEP, wanted
from tests.boot import mkconfig
from tests.boot.mkconfig import KDUMP, MAIN
from tests.roots import debian12
from tests.trees import FakeLive, Program, brought_about, content, planned, policy_of, system_of

GRUB, CFG = "/etc/default/grub", "/boot/grub/grub.cfg"
OURS = "console=ttyS0,115200n8 earlyprintk=ttyS0,115200 rootdelay=300"
ARM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00"


def system(root, live=None):
    return system_of(root, {"grub-mkconfig": mkconfig.small}, live)


def told(facts, verdict):
    return [fact.evidence for fact in facts if fact.verdict == verdict]


def test_an_untouched_debian_is_brought_to_the_policy(tmp_path):
    root = mkconfig.guest(tmp_path, {"/etc/default/grub.d/kdump-tools.cfg": KDUMP})
    changes, facts = planned(STEP, system(root))
    assert [change.path for change in changes] == [GRUB, "/etc/default/grub.d/kdump-tools.cfg"]
    assert all(isinstance(change, Write) and change.why and not change.derived for change in changes)
    made = brought_about(STEP, system(root))
    assert made == changes
    run, write = brought_about(RULE, system(root), None, GRUB)
    assert isinstance(run, Run) and write.derived
    changes, facts = planned(STEP, system(root))
    assert changes == [] and facts == []
    changes, facts = planned(RULE, system(root), None, "")
    assert changes == [] and told(facts, "ok") == [OURS + " in 5 of 5 entries and for future kernels"]


def test_a_plan_says_that_the_entries_are_still_to_be_read(tmp_path):
    root = mkconfig.guest(tmp_path)
    brought_about(STEP, system(root))
    changes, facts = planned(RULE, system(root), None, GRUB)
    assert [type(change) for change in changes] == [Run, Write]
    assert told(facts, "ok") == [OURS + " for future kernels; the entries are read back when they are generated"]


def test_a_menu_that_is_not_what_is_wanted_is_made_anew_without_a_cause(tmp_path):
    root = mkconfig.guest(tmp_path)
    brought_about(STEP, system(root))
    assert len(brought_about(RULE, system(root), None, "")) == 2
    assert brought_about(RULE, system(root), None, "") == []


def test_without_the_step_the_menu_only_follows_its_sources(tmp_path):
    root = mkconfig.guest(tmp_path)
    changes, facts = planned(RULE, system(root), None, "")
    assert changes == [] and told(facts, "failed") == [OURS + " in 0 of 5 entries but not for future kernels"]
    with open(root + GRUB, "a") as stream:
        stream.write("GRUB_CMDLINE_LINUX=splash\n")
    assert len(brought_about(RULE, system(root), None, "")) == 2
    assert "ro splash quiet\n" in content(root, CFG)


def test_what_the_step_did_can_be_taken_back_with_the_menu(tmp_path):
    custom = Program(mkconfig.CUSTOM + mkconfig.entry("Own", mkconfig.KERNELS[0], "rhgb"))
    root = mkconfig.guest(tmp_path, {GRUB: "GRUB_CMDLINE_LINUX='%s'\n" % OURS, "/etc/grub.d/40_custom": custom})
    before = content(root, CFG)
    (write,) = brought_about(STEP, system(root))
    brought_about(RULE, system(root), None, write.path)
    assert content(root, CFG) == before.replace("rhgb", OURS)
    Write(write.path, custom.encode(), "rollback").apply(system(root).guest)
    brought_about(RULE, system(root), None, "taken back")
    assert content(root, CFG) == before


def test_what_the_policy_keeps_stays(tmp_path):
    root = mkconfig.guest(tmp_path, {"/etc/default/grub.d/kdump-tools.cfg": KDUMP})
    changes, _ = planned(STEP, system(root), policy_of("kernel-cmdline.keep=crashkernel"))
    assert [change.path for change in changes] == [GRUB]


@pytest.mark.parametrize(
    "keep, left",
    [
        ("crashkernel", ["quiet", "a=1"]),
        ("crashkernel=256M", ["quiet", "a=1"]),
        ("a", ["quiet", "crashkernel"]),
        ("a=2", ["quiet", "crashkernel", "a=1"]),
        ("quiet_boot", ["quiet", "crashkernel", "a=1"]),
    ],
)
def test_only_what_is_named_is_kept(tmp_path, keep, left):
    policy = policy_of("kernel-cmdline.remove=quiet crashkernel a=1", "kernel-cmdline.keep=" + keep)
    assert wanted(system(mkconfig.guest(tmp_path)), policy).remove == left


def test_arm64_has_its_own_console_and_no_earlyprintk(tmp_path):
    root = mkconfig.guest(tmp_path, {"/bin/sh": ARM})
    changes, facts = planned(STEP, system(root))
    assert b'LINUX="console=ttyAMA0,115200n8 rootdelay=300"' in changes[0].content
    assert len(told(facts, "note")) == 3


@pytest.mark.parametrize("length, fits", [(1886, True), (1887, False)])
def test_a_command_line_that_the_kernel_would_cut_is_blocked(tmp_path, length, fits):
    root = mkconfig.guest(tmp_path, {GRUB: 'GRUB_CMDLINE_LINUX="x=%s"\n' % ("y" * length)})
    if fits:
        assert planned(STEP, system(root))[0]
        return
    with pytest.raises(Blocked, match="would be 2049 bytes, and a kernel takes 2048"):
        planned(STEP, system(root))


def test_losing_kdump_is_told_with_the_way_to_keep_it(tmp_path):
    files = {"/etc/default/grub.d/kdump-tools.cfg": KDUMP, "/usr/sbin/kdump-config": Program("")}
    root = mkconfig.guest(tmp_path, files)
    _, facts = planned(STEP, system(root))
    (note,) = [fact for fact in facts if "kdump" in fact.evidence]
    assert "crashkernel=384M-:128M" in note.evidence and "keep = crashkernel" in note.remedy
    with_none = system(mkconfig.guest(tmp_path / "none", {"/etc/default/grub.d/kdump-tools.cfg": KDUMP}))
    assert [fact for fact in planned(STEP, with_none)[1] if "kdump" in fact.evidence] == []
    _, facts = planned(STEP, system(root), policy_of("kernel-cmdline.keep=crashkernel"))
    assert [fact for fact in facts if "entries" not in fact.evidence] == []


def test_the_running_kernel_is_told_apart(tmp_path):
    root = mkconfig.guest(tmp_path)
    _, facts = planned(STEP, system(root, FakeLive(arguments="BOOT_IMAGE=/x root=/dev/sda1 ro quiet")))
    assert "next boot" in told(facts, "note")[1]
    _, facts = planned(STEP, system(root, FakeLive(arguments="BOOT_IMAGE=/x root=/dev/sda1 ro " + OURS)))
    assert [fact for fact in facts if "entries" not in fact.evidence] == []


@pytest.mark.parametrize(
    "change, told_of",
    [
        (lambda text: text, ""),
        (lambda text: text.replace("initrd\t", "#"), "has no initrd"),
        (lambda text: text.replace("root=UUID=" + mkconfig.UUID, "root=/dev/md0"), "root=/dev/md0 is RAID"),
    ],
)
def test_a_rootdelay_that_is_slept_through_is_a_warning(tmp_path, change, told_of):
    root = mkconfig.guest(tmp_path)
    text = change(content(root, CFG))
    with open(root + CFG, "w") as stream:
        stream.write(text)
    warnings = told(planned(STEP, system(root))[1], "warning")
    assert told_of in " ".join(warnings) and bool(warnings) == bool(told_of)
    assert told(planned(STEP, system(root), policy_of("kernel-cmdline.add=console=ttyS0"))[1], "warning") == []


def test_a_tree_without_the_generator_is_judged_and_then_blocked(tmp_path):
    root = mkconfig.guest(tmp_path, {"/usr/sbin/grub-mkconfig": None})
    changes, _ = planned(STEP, system(root))
    assert [change.path for change in changes] == [GRUB]
    with pytest.raises(Blocked, match="no grub-mkconfig"):
        planned(RULE, system(root), None, GRUB)


def test_an_entry_of_a_kernel_that_is_gone_is_a_note(tmp_path):
    root = mkconfig.guest(tmp_path)
    brought_about(STEP, system(root))
    brought_about(RULE, system(root), None, GRUB)
    with open(root + CFG, "a") as stream:
        stream.write(mkconfig.entry("Gone", "5.10", "quiet"))
    changes, facts = planned(RULE, system(root), None, "")
    assert changes == [] and "vmlinuz-5.10" in told(facts, "note")[0]
    assert told(facts, "ok") == [OURS + " in 5 of 5 entries and for future kernels"]


def test_current_policy_of_debian_keeps_the_screen(tmp_path):
    root = mkconfig.guest(tmp_path)
    changes, _ = planned(STEP, system(root), policy_of(named="current"))
    assert b'GRUB_CMDLINE_LINUX="console=tty0 console=ttyS0,115200 earlyprintk=ttyS0,115200"' in changes[0].content
    assert changes[0].content.decode().replace("console=tty0 console=ttyS0,115200 earlyprintk=ttyS0,115200", "") == (
        MAIN.replace('"quiet"', '""')
    )


def test_a_delay_that_the_initrd_sleeps_through_is_cut_short(tmp_path):
    root = debian12.make(tmp_path / "guest")
    for settings, delay in (((), "rootdelay=30"), (("kernel-cmdline.longest_sleep=300",), "rootdelay=300"),
                             (("kernel-cmdline.longest_sleep=0",), None)):  # fmt: skip
        found = wanted(system_of(root), policy_of(*settings))
        assert [word for word in found.add if word.startswith("rootdelay")] == ([delay] if delay else [])
        assert len(found.notes) == (delay != "rootdelay=300")
    os.unlink(root + "/usr/share/initramfs-tools/init")
    assert "rootdelay=300" in wanted(system_of(root), policy_of()).add
