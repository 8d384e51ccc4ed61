"""The table of distributions: names only.  How a guest boots or builds initrds is detected, not looked up.

To add a distribution, add a line to ROWS: what differs from the family that it comes from.  A row holds from the
release `since` on, up to the row of the same ID with the next later `since`.
"""

import re
from typing import NamedTuple, Sequence, Tuple


class Row(NamedTuple):
    """What things are called in a family of distributions.

    `ids` are os-release IDs, looked up before ID_LIKE.  Packages and services are tried in the order given.
    """

    family: str
    ids: Tuple[str, ...]
    agent_packages: Tuple[str, ...]
    agent_services: Tuple[str, ...]
    ssh_package: str
    ssh_services: Tuple[str, ...]
    repository: str  # named in the remedy when no repository has the agent
    agent_conflicts: Tuple[str, ...] = ()  # packages that go when the agent comes
    network_packages: Tuple[str, ...] = ()  # what gives DHCP where those have to go
    network_services: Tuple[str, ...] = ()  # and the services of these
    agent_needs: Tuple[str, ...] = ()  # Python packages that are to be named beside the agent's
    hyperv_packages: Tuple[str, ...] = ()  # the daemons that answer Hyper-V's host
    network: str = "none"  # files of /etc/sysconfig that Azure's tests read: sysconfig-el, sysconfig-suse or none
    esp_folders: Tuple[str, ...] = ()  # of the EFI system partition's EFI folder, as they are written there
    since: str = ""  # the first release that the row holds for


# Red Hat and what is built from its sources.  Packages and repositories: Microsoft, "Prepare a Red Hat-based virtual
# machine for Azure" (redhat-create-upload-vhd, 2017 for release 6, 2026 for 7 to 10), "Prepare a CentOS-based virtual
# machine" (create-upload-centos) and "Prepare an Oracle Linux virtual machine" (oracle-create-upload-vhd: addons, and
# python3-pyasn1 by its name).  Folders of the ESP: %{efi_vendor} in each distribution's spec file of grub2.
# NetworkManager: the same pages ("WALinuxAgent removes NetworkManager" in release 6); 7 and later keep it.
EL8 = Row(
    "rhel", ("rhel", "redhat"), ("WALinuxAgent",), ("waagent",), "openssh-server", ("sshd",),
    "the AppStream repository (subscription-manager repos --enable=rhel-8-for-$(arch)-appstream-rpms)",
    hyperv_packages=("hyperv-daemons",), network="sysconfig-el", esp_folders=("redhat",), since="8",
)  # fmt: skip
EL7 = EL8._replace(
    agent_needs=("python-pyasn1",), since="7",
    repository="the Extras repository (subscription-manager repos --enable=rhel-7-server-extras-rpms)",
)  # fmt: skip
EL6 = EL7._replace(
    agent_conflicts=("NetworkManager",), network_packages=("dhclient",), network_services=("network",), since="6",
    repository="the Extras repository (subscription-manager repos --enable=rhel-6-server-extras-rpms)",
)  # fmt: skip

# SUSE's: "Prepare a SLES or openSUSE virtual machine for Azure" (suse-create-upload-vhd).  hyper-v is the name of the
# daemons' package in SLES 11 SP3 to Tumbleweed.  Release 16 has NetworkManager only, and no /etc/sysconfig/network.
SLES15 = Row(
    "suse", ("sles", "sled", "sles_sap", "suse"), ("python-azure-agent", "WALinuxAgent"), ("waagent",), "openssh",
    ("sshd",), "the Public Cloud module (SUSEConnect -p sle-module-public-cloud/VERSION/$(arch))",
    hyperv_packages=("hyper-v",), network="sysconfig-suse", esp_folders=("sles", "sles_sap"), since="12",
)  # fmt: skip
LEAP = SLES15._replace(
    ids=("opensuse-leap", "opensuse"), esp_folders=("opensuse",), since="10",
    repository="the repository Cloud:Tools (zypper addrepo --refresh "
    "https://download.opensuse.org/repositories/Cloud:/Tools/VERSION/Cloud:Tools.repo)",
)  # fmt: skip

# Debian names its agent package waagent and its unit walinuxagent.service (packages.debian.org/waagent); Ubuntu's
# package is walinuxagent.  Debian's says Conflicts: network-manager (waagent 2.7.3.0-4.1).
DEBIAN = Row(
    "debian", ("debian",), ("waagent", "walinuxagent"), ("walinuxagent", "waagent"), "openssh-server", ("ssh", "sshd"),
    "the release's main component (deb http://deb.debian.org/debian RELEASE main)", ("network-manager",),
    ("ifupdown", "isc-dhcp-client"), hyperv_packages=("hyperv-daemons",), esp_folders=("debian",),
)  # fmt: skip

ROWS = (
    DEBIAN,
    Row("ubuntu", ("ubuntu",), ("walinuxagent", "waagent"), ("walinuxagent", "waagent"), "openssh-server",
        ("ssh", "sshd"), "the release's main component (deb http://archive.ubuntu.com/ubuntu RELEASE main)",
        hyperv_packages=("linux-cloud-tools-azure", "linux-cloud-tools-virtual"), esp_folders=("ubuntu",)),
    EL6,
    EL7,
    EL8,
    EL8._replace(since="9", repository=EL8.repository.replace("rhel-8", "rhel-9")),
    EL8._replace(since="10", repository=EL8.repository.replace("rhel-8", "rhel-10")),
    EL6._replace(ids=("centos",), esp_folders=("centos",), repository="extras of CentOS 6, at vault.centos.org"),
    EL7._replace(ids=("centos",), esp_folders=("centos",), repository="extras of CentOS 7, at vault.centos.org"),
    EL8._replace(ids=("centos",), esp_folders=("centos",), repository="the AppStream repository"),
    EL8._replace(ids=("almalinux",), esp_folders=("almalinux",), repository="the AppStream repository"),
    EL8._replace(ids=("rocky",), esp_folders=("rocky",), repository="the AppStream repository"),
    EL6._replace(family="oracle", ids=("ol", "oracle"),
                 repository="[ol6_addons] in /etc/yum.repos.d/public-yum-ol6.repo (enabled=1)"),
    EL7._replace(family="oracle", ids=("ol", "oracle"),
                 repository="[ol7_addons] in /etc/yum.repos.d/oracle-linux-ol7.repo (enabled=1)"),
    EL8._replace(family="oracle", ids=("ol", "oracle"), agent_needs=("python3-pyasn1",),
                 repository="the AppStream repository"),
    # No page of Microsoft.  The agent is in Fedora's own repositories; from 39 on there are no ifcfg files (LISA,
    # verify_network_file_configuration).
    EL8._replace(family="fedora", ids=("fedora",), network="none", esp_folders=("fedora",), since="",
                 repository="Fedora's own repository (fedora)"),
    # No page either, and no agent in Amazon's repositories.
    EL7._replace(family="amazon", ids=("amzn",), agent_needs=(), esp_folders=("amzn",), since="2",
                 repository="EPEL 7 (amazon-linux-extras install epel)"),
    EL8._replace(family="amazon", ids=("amzn",), network="none", esp_folders=("amzn",), since="2023",
                 repository="a repository that has it (Amazon's have not; sources: https://github.com/Azure/WALinuxAgent)"),
    # Its marketplace image's package list (microsoft/azurelinux, toolkit/imageconfigs); the ESP has no vendor's folder.
    EL8._replace(family="azurelinux", ids=("azurelinux", "mariner"), network="none", esp_folders=("BOOT",), since="",
                 repository="azurelinux-official-base (mariner-official-base before 3.0)"),
    # No page of Microsoft, no test of Azure's.  src-openeuler has WALinuxAgent; the daemons' name is assumed.
    EL8._replace(family="openeuler", ids=("openEuler",), network="none", esp_folders=("openEuler",), since="",
                 repository="openEuler's own repositories (OS, everything, EPOL)"),
    SLES15,
    SLES15._replace(agent_packages=("WALinuxAgent", "python-azure-agent"), since="11",
                    repository="SUSE's registration (suse_register) with the Public Cloud module"),
    SLES15._replace(network="none", since="16"),
    LEAP,
    LEAP._replace(network="none", since="16"),
    LEAP._replace(since="42"),  # before 15
    LEAP._replace(ids=("opensuse-tumbleweed", "opensuse-slowroll", "opensuse-microos"), network="none", since="",
                  repository="Tumbleweed's own repository (repo-oss)"),
)  # fmt: skip

# A guest of a family that has no row yet: its mechanism is detected all the same, and the usual names are tried.
OTHER = Row("other", (), ("WALinuxAgent", "waagent", "walinuxagent"), ("waagent", "walinuxagent"), "openssh-server",
            ("sshd", "ssh"), "the distribution's own repositories")  # fmt: skip

FAMILIES = tuple(dict.fromkeys(one.family for one in ROWS))


def row(identity: str, like: Sequence[str], release: str = "") -> Row:
    """The row of a distribution by its ID, else by the first of its ID_LIKE that has one, else OTHER.

    Of several rows of one ID the one with the latest `since` that is not after `release`; the latest of all for a
    release without a number, as of a rolling distribution, and for descendants that count from their own beginning.
    """
    for name in (identity,) + tuple(like):
        found = sorted((one for one in ROWS if name in one.ids), key=lambda one: _numbers(one.since))
        held = [one for one in found if not _numbers(release) or _numbers(one.since) <= _numbers(release)]
        if found:
            return held[-1] if held else found[0 if name == identity else -1]
    return OTHER


def _numbers(release: str) -> Tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release))
