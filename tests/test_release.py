"""Which distribution a tree is: by the contents of the release files of each, and by nothing of this machine.

The files' contents are those of the distributions' packages (redhat-release, centos-release, sles-release ...), cut to
the variables that count; those of RHEL 6, CentOS 6, Oracle Linux 6 and SLES 11 are whole.
"""

import os
import sys

import distro
import pytest

from agentprep.errors import Blocked, Unsupported
from agentprep.guest import Guest
from agentprep.release import identified
from tests.trees import To, make_tree

OS = "/etc/os-release"


def told(**variables):
    return "".join('%s="%s"\n' % one for one in variables.items())


def distro_of(folder, files):
    return identified(Guest(make_tree(folder, files, minimal=False)))


SLES_11 = "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n"
DEBIAN = told(ID="debian", VERSION_ID="12", PRETTY_NAME="Debian GNU/Linux 12 (bookworm)")
CENTOS_7 = told(ID="centos", ID_LIKE="rhel fedora", VERSION_ID="7", PRETTY_NAME="CentOS Linux 7 (Core)")
RHEL_6 = "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n"

# files -> ID, version, point release, family, since
KNOWN = [
    ({OS: DEBIAN, "/etc/debian_version": "12.5\n"}, ("debian", "12", "12.5", "debian", "")),
    ({OS: told(ID="debian"), "/etc/debian_version": "forky/sid\n"}, ("debian", "", "", "debian", "")),
    ({"/etc/debian_version": "6.0.10\n"}, ("debian", "6", "6.0.10", "debian", "")),
    ({OS: told(ID="ubuntu", ID_LIKE="debian", VERSION_ID="24.04"), "/etc/debian_version": "trixie/sid\n"},
     ("ubuntu", "24.04", "24.04", "ubuntu", "")),
    ({OS: told(ID="linuxmint", ID_LIKE="ubuntu debian", VERSION_ID="22")},
     ("linuxmint", "22", "22", "ubuntu", "")),
    ({OS: told(ID="rhel", ID_LIKE="fedora", VERSION_ID="9.4", PLATFORM_ID="platform:el9")},
     ("rhel", "9.4", "9.4", "rhel", "9")),
    ({OS: told(ID="rhel", ID_LIKE="centos fedora", VERSION_ID="10.1")},
     ("rhel", "10.1", "10.1", "rhel", "10")),
    ({"/etc/redhat-release": RHEL_6, "/etc/system-release": To("redhat-release")},
     ("rhel", "6.10", "6.10", "rhel", "6")),
    ({"/etc/centos-release": "CentOS release 6.9 (Final)\n", "/etc/redhat-release": To("centos-release")},
     ("centos", "6.9", "6.9", "rhel", "6")),
    ({"/etc/oracle-release": "Oracle Linux Server release 6.10\n", "/etc/redhat-release": RHEL_6},
     ("ol", "6.10", "6.10", "oracle", "6")),
    ({"/etc/redhat-release": "Scientific Linux release 6.10 (Carbon)\n"}, ("rhel", "6.10", "6.10", "rhel", "6")),
    ({OS: CENTOS_7, "/etc/centos-release": "CentOS Linux release 7.9.2009 (Core)\n"},
     ("centos", "7", "7.9.2009", "rhel", "7")),
    ({OS: told(ID="centos", ID_LIKE="rhel fedora", VERSION_ID="9", PLATFORM_ID="platform:el9")},
     ("centos", "9", "9", "rhel", "8")),
    ({OS: told(ID="ol", ID_LIKE="fedora", VERSION_ID="8.9")}, ("ol", "8.9", "8.9", "oracle", "8")),
    ({OS: told(ID="almalinux", ID_LIKE="rhel centos fedora", VERSION_ID="9.3")},
     ("almalinux", "9.3", "9.3", "rhel", "8")),
    ({OS: told(ID="rocky", ID_LIKE="rhel centos fedora", VERSION_ID="8.10")},
     ("rocky", "8.10", "8.10", "rhel", "8")),
    ({OS: told(ID="virtuozzo", ID_LIKE="rhel fedora", VERSION_ID="7")},
     ("virtuozzo", "7", "7", "rhel", "7")),
    ({OS: told(ID="hybrid", ID_LIKE="rhel", VERSION_ID="2024", PLATFORM_ID="platform:el8")},
     ("hybrid", "2024", "2024", "rhel", "8")),
    ({OS: told(ID="fedora", VERSION_ID="43", PLATFORM_ID="platform:f43")},
     ("fedora", "43", "43", "fedora", "")),
    ({OS: told(ID="amzn", ID_LIKE="centos rhel fedora", VERSION_ID="2")},
     ("amzn", "2", "2", "amazon", "2")),
    ({OS: told(ID="amzn", ID_LIKE="fedora", VERSION_ID="2023", PLATFORM_ID="platform:al2023")},
     ("amzn", "2023", "2023", "amazon", "2023")),
    ({OS: told(ID="azurelinux", VERSION_ID="3.0")}, ("azurelinux", "3.0", "3.0", "azurelinux", "")),
    ({OS: told(ID="mariner", VERSION_ID="2.0")}, ("mariner", "2.0", "2.0", "azurelinux", "")),
    ({"/etc/SuSE-release": SLES_11}, ("sles", "11.4", "11.4", "suse", "11")),
    ({"/etc/SuSE-release": "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 0\n"},
     ("sles", "11", "11", "suse", "11")),
    ({"/etc/SuSE-release": "openSUSE 12.1 (x86_64)\nVERSION = 12.1\nCODENAME = Asparagus\n"},
     ("opensuse", "12.1", "12.1", "suse", "10")),
    ({OS: told(ID="sles", ID_LIKE="suse", VERSION_ID="15.6")}, ("sles", "15.6", "15.6", "suse", "12")),
    ({OS: told(ID="sles_sap", ID_LIKE="suse sles", VERSION_ID="12.5")},
     ("sles_sap", "12.5", "12.5", "suse", "12")),
    ({OS: told(ID="sles", ID_LIKE="suse", VERSION_ID="16.0")}, ("sles", "16.0", "16.0", "suse", "16")),
    ({OS: told(ID="opensuse-leap", ID_LIKE="suse opensuse", VERSION_ID="42.3")},
     ("opensuse-leap", "42.3", "42.3", "suse", "42")),
    ({OS: told(ID="opensuse-leap", ID_LIKE="suse opensuse", VERSION_ID="16.0")},
     ("opensuse-leap", "16.0", "16.0", "suse", "16")),
    ({OS: told(ID="sle-micro", ID_LIKE="suse", VERSION_ID="5.5")},
     ("sle-micro", "5.5", "5.5", "suse", "16")),
    ({OS: told(ID="opensuse-leap", ID_LIKE="suse opensuse", VERSION_ID="15.6")},
     ("opensuse-leap", "15.6", "15.6", "suse", "10")),
    ({OS: told(ID="opensuse-tumbleweed", ID_LIKE="opensuse suse", VERSION_ID="20260101")},
     ("opensuse-tumbleweed", "20260101", "20260101", "suse", "")),
    ({OS: told(ID="arch")}, ("arch", "", "", "other", "")),
]  # fmt: skip


@pytest.mark.parametrize("files, expected", KNOWN, ids=["-".join(one[1][:2]) for one in KNOWN])
def test_every_distribution_is_known_by_its_files(tmp_path, files, expected):
    found = distro_of(tmp_path, files)
    assert (found.id, found.version, found.point, found.row.family, found.row.since) == expected


def test_names_and_evidence_are_the_files_own(tmp_path):
    found = distro_of(tmp_path / "a", {"/etc/os-release": CENTOS_7})
    assert found.name == "CentOS Linux 7 (Core)"
    assert found.evidence == "/etc/os-release says ID=centos, ID_LIKE=rhel fedora"
    found = distro_of(tmp_path / "b", {"/etc/redhat-release": RHEL_6})
    assert found.name == RHEL_6.strip() and found.evidence == '/etc/redhat-release says "%s"' % RHEL_6.strip()
    found = distro_of(tmp_path / "c", {"/usr/lib/os-release": DEBIAN, "/etc/os-release": To("../usr/lib/os-release")})
    assert found.evidence == "/etc/os-release says ID=debian" and found.point == "12", "there is no /etc/debian_version"
    found = distro_of(tmp_path / "d", {"/usr/lib/os-release": DEBIAN, "/etc/os-release": To("/nowhere")})
    assert found.evidence == "/usr/lib/os-release says ID=debian"


SEEN = []  # what this process opened or started while a test looks on; an audit hook cannot be taken out again
WATCHING = []


def hook(event, arguments):
    if WATCHING and event in ("open", "subprocess.Popen", "os.listdir"):
        SEEN.append((event, str(arguments[0])))


if hasattr(sys, "addaudithook"):  # from Python 3.8 on
    sys.addaudithook(hook)


@pytest.mark.parametrize("files", [{"/etc/redhat-release": RHEL_6}, {OS: CENTOS_7}, {"/etc/debian_version": "6.0\n"}])
def test_nothing_of_this_machine_is_asked(tmp_path, files):
    """Each file is read by its path, and no program is started: this machine has its own of both."""
    root = make_tree(tmp_path, files, minimal=False)
    SEEN.clear()
    WATCHING.append(True)
    try:
        identified(Guest(root))
    finally:
        WATCHING.clear()
    pythons = (sys.prefix, sys.base_prefix, os.path.dirname(distro.__file__))
    assert [one for one in SEEN if not one[1].startswith((root,) + pythons) and not one[1].isdigit()] == []
    assert len(SEEN) > 1 or not hasattr(sys, "addaudithook")


def test_a_tree_without_any_such_file_is_refused(tmp_path):
    with pytest.raises(Unsupported, match="no release file"):
        distro_of(tmp_path, {"/etc/hostname": "x"})


@pytest.mark.parametrize("text, identity, name", [
    ('ID=debian\nPRETTY_NAME="never closed\n', "debian", '"never closed'),
    ("ID=debian\nPRETTY_NAME=caf\udce9\n", "debian", "caf"),
    ("ID=debian\nPRETTY_NAME='a\x1b[31mb\x07'\n", "debian", "a[31mb"),
    ("\ufeffX=1\nID='debian'\n", "debian", "debian"),
])  # fmt: skip
def test_what_the_library_stumbles_over_is_read_all_the_same(tmp_path, text, identity, name):
    found = distro_of(tmp_path, {"/etc/os-release": text})
    assert (found.id, found.row.family, found.name) == (identity, "debian", name)


def test_an_os_release_without_an_id_leaves_it_to_the_others(tmp_path):
    found = distro_of(tmp_path, {"/etc/os-release": "NAME=x\n", "/etc/redhat-release": RHEL_6})
    assert found.id == "rhel" and found.evidence.startswith("/etc/redhat-release")


def test_what_is_in_place_of_the_files_is_never_waited_for_or_kept_in_memory(tmp_path):
    root = make_tree(tmp_path / "fifo", {"/etc/redhat-release": RHEL_6}, minimal=False)
    os.mkfifo(root + "/etc/os-release")
    with pytest.raises(Blocked, match="os-release is not a regular file"):
        identified(Guest(root))
    root = make_tree(tmp_path / "sparse", {"/etc/os-release": ""}, minimal=False)
    os.truncate(root + "/etc/os-release", 10 << 30)
    with pytest.raises(Blocked, match="os-release is larger than"):
        identified(Guest(root))
    root = make_tree(tmp_path / "others", {"/etc/os-release": DEBIAN}, minimal=False)
    os.mkfifo(root + "/etc/debian_version")
    assert identified(Guest(root)).point == "12"
    root = make_tree(tmp_path / "old", {"/etc/redhat-release": RHEL_6, "/etc/oracle-release": ""}, minimal=False)
    os.truncate(root + "/etc/oracle-release", 10 << 30)
    os.mkdir(root + "/etc/centos-release")
    assert identified(Guest(root)).id == "rhel"
    with pytest.raises(Unsupported):
        distro_of(tmp_path / "endless", {"/etc/redhat-release": "(" * 60000})


def test_a_link_out_of_the_tree_leads_nowhere(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text(told(ID="outside"))
    for number, target in enumerate((str(outside), "../../../../../../../.." + str(outside), "/etc/os-release")):
        with pytest.raises((Unsupported, Blocked)):
            distro_of(tmp_path / str(number), {"/etc/os-release": To(target), "/etc/x": ""})
