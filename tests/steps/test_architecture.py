"""What is refused, because no configuration makes it boot on Azure."""

import pytest

from agentprep.errors import Unsupported
from agentprep.steps.architecture import STEP
from tests.trees import make_tree, planned, system_of

ELF32 = b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x03\x00\x03\x00"
ARM64 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00"
X32 = b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00"


def kernel(version, config=""):
    modules = "/lib/modules/%s/modules.dep" % version
    return {"/boot/vmlinuz-" + version: "", modules: "", "/boot/config-" + version: config}


def judged(tmp_path, files, **more):
    return planned(STEP, system_of(make_tree(tmp_path / "root", files, **more)))


def test_debian_12(tmp_path):
    changes, facts = judged(tmp_path, dict(kernel("6.1.0-28-amd64"), **kernel("6.1.0-31-amd64")))
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"]
    assert facts[0].evidence == (
        "Debian GNU/Linux 12 (bookworm) on x86_64 with kernel 6.1.0-28-amd64, kernel 6.1.0-31-amd64"
    )


def test_arm64(tmp_path):
    facts = judged(tmp_path, dict(kernel("6.1.0-28-arm64"), **{"/bin/sh": ARM64}))[1]
    assert [fact.verdict for fact in facts] == ["ok"] and "aarch64" in facts[0].evidence


@pytest.mark.parametrize("told, kin", [
    ("ID=linuxmint\nID_LIKE='ubuntu debian'\n", "it is treated as of the family ubuntu"),
    ("ID=solus\n", "its mechanisms were detected"),
])  # fmt: skip
def test_a_distribution_without_a_row_is_told(tmp_path, told, kin):
    facts = judged(tmp_path, dict(kernel("6.1.0-28-amd64"), **{"/etc/os-release": told}))[1]
    assert [fact.verdict for fact in facts] == ["warning", "ok"] and kin in facts[0].evidence


@pytest.mark.parametrize("shell, machine", [(ELF32, "i386"), (X32, "x32")])
def test_32_bit_is_refused(tmp_path, shell, machine):
    with pytest.raises(Unsupported, match="built for %s" % machine):
        judged(tmp_path, dict(kernel("6.1.0-28-686"), **{"/bin/sh": shell}))


def test_no_kernel_is_refused(tmp_path):
    with pytest.raises(Unsupported, match="no kernel"):
        judged(tmp_path, {"/boot/vmlinuz-6.1": ""})


def test_not_linux_is_refused(tmp_path):
    with pytest.raises(Unsupported, match="os-release"):
        judged(tmp_path, {"/bin/sh": "#!"}, minimal=False)


@pytest.mark.parametrize("version, config", [
    ("2.6.18-419.el5xen", ""), ("3.0.101-63-xen", ""), ("2.6.18-xenU", ""), ("3.12.0", "CONFIG_X86_XEN=y\n"),
    ("2.6.27", "CONFIG_X86_64_XEN=y\n"),
])  # fmt: skip
def test_kernels_for_paravirtual_xen_alone(tmp_path, version, config):
    with pytest.raises(Unsupported, match="paravirtual Xen"):
        judged(tmp_path, kernel(version, config))
    facts = judged(tmp_path / "both", dict(kernel(version, config), **kernel("4.4.0-1-default")))[1]
    assert [fact.verdict for fact in facts] == ["warning", "ok"] and version in facts[0].evidence
    assert version not in facts[1].evidence


def test_a_kernel_that_runs_on_xen_too_is_fine(tmp_path):
    facts = judged(tmp_path, kernel("6.1.0-28-amd64", "CONFIG_XEN=y\nCONFIG_XEN_PV=y\nCONFIG_HYPERV=m\n"))[1]
    assert [fact.verdict for fact in facts] == ["ok"]


@pytest.mark.parametrize("version, words", [
    ("2.6.39-400.215.10.el6uek.x86_64", "UEK R2"), ("2.6.39-200.24.1.el5uek", "UEK R2"),
    ("2.6.18-419.el5", "older than 2.6.32"),
])  # fmt: skip
def test_kernels_that_have_no_drivers_whatever_is_done(tmp_path, version, words):
    with pytest.raises(Unsupported, match="no installed kernel runs on Azure: kernel .*" + words):
        judged(tmp_path, kernel(version))
    facts = judged(tmp_path / "both", dict(kernel(version), **kernel("2.6.32-754.el6.x86_64")))[1]
    assert [fact.verdict for fact in facts] == ["warning", "ok"] and words in facts[0].evidence


@pytest.mark.parametrize("version", ["2.6.39.4-mine", "3.8.13-118.el6uek.x86_64", "2.6.32-71.el6.x86_64", "mine"])
def test_kernels_that_are_judged_by_what_they_have(tmp_path, version):
    assert [fact.verdict for fact in judged(tmp_path, kernel(version))[1]] == ["ok"]
