"""Which kernels have Hyper-V's drivers, and which nothing shows to have the fixes that the document asks for.

Versions are those of kernel packages; the changelogs' lines are Red Hat's (kernel-2.6.32-504.23.1.el6, 3.10.0-327.7.1).
"""

import gzip

import pytest

from agentprep.changes import Write
from agentprep.steps.kernel_hyperv import DRIVERS, FIXES, KEPT, STEP, lis
from tests import rpms
from tests.trees import Program, make_tree, planned, system_of

DEP = "".join("kernel/drivers/%s.ko:\n" % name for name in DRIVERS)


def kernel(version, dep=DEP):
    return {"/boot/vmlinuz-" + version: "", "/lib/modules/%s/modules.dep" % version: dep}


def judged(tmp_path, files, handlers=None):
    return planned(STEP, system_of(make_tree(tmp_path / "root", files), handlers))


def verdicts(facts):
    return [fact.verdict for fact in facts]


@pytest.mark.parametrize("version", [
    "6.1.0-28-amd64", "6.1.0-28-cloud-amd64", "3.16.0-4-amd64", "3.13.0-24-generic", "4.4.0-210-lowlatency",
    "3.10.0-1160.el7.x86_64", "2.6.32-754.35.1.el6.x86_64", "3.8.13-118.el6uek.x86_64", "3.0.101-108.el6.x86_64",
    "3.12.74-60.64.45-default", "4.1.12-1-azure", "4.9.51-10.52.amzn1.x86_64", "6.6.51.1-5.azl3", "6.8.0-1017-azure",
    "4.14.9-mine", "4.5.0", "5.10.0-9-rt-amd64", "4.1.0-1-arm64",
])  # fmt: skip
def test_kernels_of_distributions_and_newer_ones_are_good(tmp_path, version):
    changes, facts = judged(tmp_path, kernel(version))
    assert changes == [] and verdicts(facts) == ["ok"]
    assert "%s has them as modules" % version in facts[0].evidence


@pytest.mark.parametrize("version, count", [
    ("3.7.10-mine", 6), ("2.6.39.4", 7), ("3.10.0", 5), ("3.18.140-mine", 2), ("4.4.1", 1), ("3.2.0-generic64-own", 7),
    ("4.4.283-1.el7.elrepo.x86_64", 1),
])  # fmt: skip
def test_a_kernel_of_ones_own_is_told_which_fixes_it_may_lack(tmp_path, version, count):
    facts = judged(tmp_path, kernel(version))[1]
    assert verdicts(facts) == ["warning", "ok"]
    assert facts[0].evidence.startswith("kernel %s is no distribution's, and nothing shows" % version)
    assert facts[0].evidence.count("; ") == count - 1
    assert FIXES[-1][0] in facts[0].evidence


RPM = """* Wed May 13 2015 Somebody <a@b.c> [3.7.10]
- [scsi] storvsc: ring buffer failures may result in I/O freeze (Vitaly Kuznetsov) [1215754 1171676]
- [scsi] storvsc: NULL pointer dereference fix (Vitaly Kuznetsov) [1215753 1167967]
- [scsi] scsi_sysfs: protect against double execution of __scsi_remove_device() (Vitaly Kuznetsov) [1292075 1273723]
"""


def test_back_ports_are_recognised_from_the_packages_changelog(tmp_path):
    files = dict(kernel("3.7.10-mine"), **{
        "/usr/share/doc/linux-image-3.7.10-mine/changelog.Debian.gz": gzip.compress(RPM.encode()),
        "/var/lib/dpkg/status": "Package: linux-image-3.7.10-mine\n", "/usr/bin/apt-get": Program(""),
    })  # fmt: skip
    facts = judged(tmp_path / "deb", files)[1]
    assert verdicts(facts) == ["warning", "ok"]
    assert "WRITE_SAME" in facts[0].evidence and "ring buffer" not in facts[0].evidence
    files = dict(kernel("3.7.10-mine"), **{
        "/var/lib/rpm/Packages": rpms.database("kernel-3.7.10_mine-1"), "/usr/bin/rpm": Program(""),
        "/usr/bin/yum": Program(""),
    })  # fmt: skip
    asked = []

    def rpm(root, argv):
        asked.append(argv)
        return 0, RPM + "".join("- %s\n" % title for title, _, _ in FIXES)

    assert verdicts(judged(tmp_path / "rpm", files, {"rpm": rpm})[1]) == ["ok"]
    assert asked == [("rpm", "-q", "--changelog", "-f", "/boot/vmlinuz-3.7.10-mine")]
    unowned = judged(tmp_path / "none", files, {"rpm": lambda root, argv: (1, "not owned by any package")})[1]
    assert verdicts(unowned) == ["warning", "ok"]


def test_a_changelog_that_would_fill_the_memory_is_cut(tmp_path):
    huge = gzip.compress(b" " * (64 << 20))
    files = dict(kernel("3.7.10-mine"), **{
        "/usr/share/doc/linux-image-3.7.10-mine/changelog.gz": huge, "/usr/bin/apt-get": Program(""),
        "/var/lib/dpkg/status": "Package: x\n",
    })  # fmt: skip
    system = system_of(make_tree(tmp_path, files))
    assert len(system.packages.changelog("", "3.7.10-mine")) == 16 << 20


@pytest.mark.parametrize("version, needed", [
    ("2.6.32-71.el6.x86_64", True), ("2.6.32-131.0.15.el6.x86_64", True), ("2.6.32-279.el6.x86_64", True),
    ("2.6.32-358.el6.x86_64", False), ("2.6.32-754.el6.x86_64", False), ("2.6.32-300.3.1.el6uek.x86_64", False),
    ("2.6.32-5-amd64", False), ("3.10.0-123.el7.x86_64", False),
])  # fmt: skip
def test_red_hats_kernels_before_6_4_need_microsofts_package(tmp_path, version, needed):
    assert lis(version) is needed
    facts = judged(tmp_path, kernel(version, ""))[1]
    assert verdicts(facts) == ["failed"], "and nothing says that it has them"
    assert ("microsoft-hyper-v" in facts[0].remedy) is needed
    assert verdicts(judged(tmp_path / "with", kernel(version))[1]) == ["ok"]


def test_a_kernel_that_cannot_be_used_is_no_failure_beside_a_good_one(tmp_path):
    uek2 = "2.6.39-400.215.10.el6uek.x86_64"
    facts = judged(tmp_path, dict(kernel(uek2, ""), **kernel("2.6.32-754.el6.x86_64")))[1]
    assert verdicts(facts) == ["ok"] and "%s is Oracle's UEK R2" % uek2 in facts[0].evidence


def test_a_driver_that_a_hardening_guide_disables_is_let_go(tmp_path):
    files = dict(
        kernel("6.1.0-28-amd64"), **{"/etc/modprobe.d/cis.conf": "install hv_storvsc /bin/true\nblacklist x\n"}
    )
    changes, facts = judged(tmp_path, files)
    assert [type(change) for change in changes] == [Write] and verdicts(facts) == ["ok"]
    assert b"\ninstall" not in b"\n" + changes[0].content and b"blacklist x" in changes[0].content


def test_the_names_of_kept_kernels_are_exact():
    for version in ("3.7.10-custom", "4.4.0-amd64-mine", "3.18.0-default1", "4.4.1.felix3", "3.7.0-genericx"):
        assert not KEPT.search(version), version
