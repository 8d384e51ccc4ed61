"""numa=off for exactly those kernels that need it."""

import os

import pytest

from agentprep.steps.numa import STEP, needs
from tests.boot import legacy, mkconfig
from tests.boot.legacy import GRUB_CONF, NEW, OLD, RHEL_6
from tests.trees import ELF64, brought_about, content, planned, policy_of, system_of

CONF = "/boot/grub/grub.conf"
SQUEEZE = {"/boot/vmlinuz-2.6.32-5-amd64": "", "/lib/modules/2.6.32-5-amd64/modules.dep": ""}
NO_OTHER = {"/lib/modules/%s/modules.dep" % version: None for version in mkconfig.KERNELS}


def kernel(version, there=False):
    return {"/lib/modules/%s/modules.dep" % version: "" if there else None}


def red_hat(folder, *more):
    return legacy.guest(folder, RHEL_6, {"/bin/sh": ELF64}, *more)


@pytest.mark.parametrize(
    "version, needed",
    [
        ("6.1.0-28-amd64", False),
        ("6.1", False),
        ("2.6.37-1-generic", False),
        ("2.6.36.4", True),
        ("2.6.32-5-amd64", True),
        ("2.6.32-600-generic", True),
        ("2.6.32-504.el6.x86_64", False),
        ("2.6.32-754.35.1.el6.x86_64", False),
        ("2.6.32-431.29.2.el6.x86_64", True),
        ("2.6.32-400.37.15.el6uek.x86_64", True),
        ("2.6.18-419.el5", True),
        ("2.6.32.12-0.7-default", True),
        ("2.6.39-400.el6uek.x86_64", False),
        ("3.0.101-0.47-default", False),
        ("3.10.0-1160.el7.x86_64", False),
    ],
)
def test_old_kernels_need_it(version, needed):
    assert needs(version) is needed


def test_a_new_kernel_is_left_alone_even_with_it(tmp_path):
    root = mkconfig.guest(tmp_path)
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and facts == [("ok", "not needed: kernel 6.1.0-27-amd64, 6.1.0-28-amd64", "")]
    root = mkconfig.guest(tmp_path / "off", {"/etc/default/grub": "GRUB_CMDLINE_LINUX=numa=off\n"})
    mkconfig.small(root, ("grub-mkconfig", "-o", "/boot/grub/grub.cfg"))
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and [fact.verdict for fact in facts] == ["ok", "note"]
    assert facts[1].evidence.startswith("numa=off costs speed where it is not needed: future, ")
    assert facts[1].remedy.endswith("[kernel-cmdline] remove = ..., numa=off")


def test_where_the_loader_is_unknown_new_kernels_are_judged_all_the_same(tmp_path):
    root = mkconfig.guest(tmp_path)
    os.unlink(root + "/boot/grub/grub.cfg")
    changes, (fact,) = planned(STEP, system_of(root))
    assert changes == [] and fact.verdict == "ok"


def test_an_old_kernel_gets_it_once(tmp_path):
    files = dict(SQUEEZE, **dict(NO_OTHER, **{"/etc/default/grub": "GRUB_CMDLINE_LINUX='a=1'\n"}))
    root = mkconfig.guest(tmp_path, files)
    (write,) = brought_about(STEP, system_of(root))
    assert content(root, "/etc/default/grub") == "GRUB_CMDLINE_LINUX='a=1 numa=off'\n"
    changes, (fact,) = planned(STEP, system_of(root))
    assert changes == [] and fact.evidence == "numa=off in every boot entry, for kernel 2.6.32-5-amd64"


def test_without_a_kernel_nothing_is_judged(tmp_path):
    root = mkconfig.guest(tmp_path, NO_OTHER)
    changes, (fact,) = planned(STEP, system_of(root))
    assert changes == [] and fact.verdict == "skipped"


# -- kernels of both kinds -----------------------------------------------------------------------------------
def test_beside_a_new_kernel_only_the_old_ones_entries_get_it(tmp_path):
    root = red_hat(tmp_path)
    (write,) = brought_about(STEP, system_of(root))
    old, new = GRUB_CONF.split("title")[2], GRUB_CONF.split("title")[1]
    assert content(root, CONF) == GRUB_CONF.replace(old, old.replace(" quiet\n", " quiet numa=off\n"))
    assert "numa=off" not in content(root, CONF).split("title")[1] and NEW in new
    changes, (fact,) = planned(STEP, system_of(root))
    assert changes == [] and fact == ("ok", "numa=off in every boot entry of kernel %s" % OLD, "")


def test_what_the_new_one_has_already_is_told_and_stays(tmp_path):
    root = red_hat(tmp_path, {CONF: GRUB_CONF.replace(" quiet", " quiet numa=off")})
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and [fact.verdict for fact in facts] == ["ok", "note"]
    assert facts[1].evidence == "numa=off costs speed where it is not needed: future, CentOS (%s)" % NEW
    other = red_hat(tmp_path / "new", {CONF: GRUB_CONF.replace(" quiet", " quiet numa=off")}, kernel(OLD))
    changes, facts = planned(STEP, system_of(other))
    assert changes == [] and facts[0] == ("ok", "not needed: kernel %s" % NEW, "") and facts[1].verdict == "note"


def test_on_rhel_6_5_every_entry_gets_it(tmp_path):
    root = red_hat(tmp_path, kernel(NEW), {"/boot/vmlinuz-" + NEW: None})
    brought_about(STEP, system_of(root))
    assert content(root, CONF).count("numa=off") == 1, "the entry of a kernel that is gone is left alone"


def test_where_all_kernels_get_the_same_a_person_decides(tmp_path):
    root = mkconfig.guest(tmp_path, SQUEEZE)
    changes, facts = planned(STEP, system_of(root), policy_of())
    assert changes == [] and [fact.verdict for fact in facts] == ["person"]
    assert facts[0].evidence == (
        "kernel 2.6.32-5-amd64 needs numa=off and 6.1.0-27-amd64, 6.1.0-28-amd64 does not; GRUB 2 gives both the same "
        "arguments"
    )
