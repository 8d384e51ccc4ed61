"""numa=off for exactly those kernels that need it."""

import pytest

from agentprep.steps.numa import STEP, needs
from tests.boot import mkconfig
from tests.trees import brought_about, content, planned, system_of


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
        ("2.6.18-419.el5", True),
        ("2.6.39-400.el6uek.x86_64", False),
        ("3.0.101-0.47-default", False),
        ("3.10.0-1160.el7.x86_64", False),
    ],
)
def test_old_kernels_need_it(version, needed):
    assert needs(version) is needed


def test_a_new_kernel_is_left_alone_even_with_it(tmp_path):
    root = mkconfig.guest(tmp_path, {"/etc/default/grub": "GRUB_CMDLINE_LINUX=numa=off\n"})
    changes, (fact,) = planned(STEP, system_of(root))
    assert changes == [] and fact == ("ok", "not needed: kernel 6.1.0-27-amd64, 6.1.0-28-amd64", "")


def test_an_old_kernel_gets_it_once(tmp_path):
    old = {"/boot/vmlinuz-2.6.32-5-amd64": "", "/lib/modules/2.6.32-5-amd64/modules.dep": ""}
    root = mkconfig.guest(tmp_path, dict(old, **{"/etc/default/grub": "GRUB_CMDLINE_LINUX='a=1'\n"}))
    (write,) = brought_about(STEP, system_of(root))
    assert content(root, "/etc/default/grub") == "GRUB_CMDLINE_LINUX='a=1 numa=off'\n"
    changes, (fact,) = planned(STEP, system_of(root))
    assert changes == [] and fact.evidence == "numa=off in every boot entry, for kernel 2.6.32-5-amd64"


def test_without_a_kernel_nothing_is_judged(tmp_path):
    root = mkconfig.guest(tmp_path, {"/lib/modules/%s/modules.dep" % version: None for version in mkconfig.KERNELS})
    changes, (fact,) = planned(STEP, system_of(root))
    assert changes == [] and fact.verdict == "skipped"
