"""What the certification would reject."""

from typing import Any

import pytest

from agentprep.errors import Unknown
from agentprep.guest import Guest
from agentprep.step import Fact
from agentprep.steps.certification import STEP, openssl
from agentprep.system import System
from tests.debian12 import stanza
from tests.deprovision.machine import HASH, used
from tests.trees import FakeCommands, FakeLive, Program, To, make_tree, planned, policy_of, system_of

VERSION = "/usr/lib/python3/dist-packages/azurelinuxagent/common/version.py"
OLD = "AutoUpdate.Enabled=n\n"
CONFIG = "CONFIG_WATCHDOG=y\nCONFIG_CIFS=m\n# CONFIG_CIFS_STATS2 is not set\n"


def good() -> Any:
    """A Debian 12 guest with nothing to reject."""
    return {
        "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n", "/etc/shadow": "root:*:1::::::\n", "/root/.profile": "x",
        "/usr/bin/python3": To("python3.11"), "/usr/bin/python3.11": Program(""), "/usr/bin/openssl": Program(""),
        "/usr/lib/x86_64-linux-gnu/libcrypto.so.3": b"\x7fELF", VERSION: "AGENT_VERSION = '2.7.3.0'\n",
        "/boot/vmlinuz-6.1.0-28-amd64": b"", "/boot/config-6.1.0-28-amd64": CONFIG,
        "/lib/modules/6.1.0-28-amd64/modules.dep": "", "/etc/dhcp/dhclient.conf": "#timeout 60;\nselect-timeout 5;\n",
        "/etc/apt/sources.list": "deb http://deb.debian.org/debian bookworm main\n",
    }  # fmt: skip


def told(folder: Any, *settings: str, **more: Any) -> Any:
    files = {**good(), **more}
    root = make_tree(folder, {path: text for path, text in files.items() if text is not None})
    changes, facts = planned(STEP, system_of(root), policy_of(*settings))
    assert changes == []
    return facts


def test_nothing_to_reject(tmp_path: Any) -> None:
    facts = told(tmp_path)
    assert [fact.verdict for fact in facts] == ["ok"]
    assert facts[0].evidence == (
        "agent 2.7.3.0; Python 3.11; OpenSSL 3; no OMI; kernel 6.1.0-28-amd64 has watchdogs and CIFS; "
        "the DHCP client waits 300 seconds; packages from deb.debian.org; no shell history; "
        "no user has a password or a public key"
    )


@pytest.mark.parametrize(
    "more,words",
    [
        ({VERSION: "AGENT_VERSION = '2.2.47'\n", "/etc/waagent.conf": OLD}, "agent 2.2.47 is older"),
        ({VERSION: "AGENT_VERSION = '2.2.53'\n", "/etc/waagent.conf": OLD}, "agent 2.2.53 is older"),
        ({"/usr/bin/python3": To("python3.8"), "/usr/bin/python3.8": Program("")}, "Python 3.8 is older than 3.9"),
        ({"/usr/bin/python3": None, "/usr/bin/python3.11": None}, "Python 3 is not installed"),
        ({"/usr/bin/openssl": None}, "openssl, which the certification calls, is not installed"),
        ({"/boot/config-6.1.0-28-amd64": "CONFIG_WATCHDOG=y\n# CONFIG_CIFS is not set\n"}, "without CONFIG_CIFS"),
        ({"/boot/config-6.1.0-28-amd64": "CONFIG_WATCHDOG=n\nCONFIG_CIFS=m\n"}, "without CONFIG_WATCHDOG"),
        ({"/etc/dhcp/dhclient.conf": "timeout 60;\n"}, "gives up after 60 seconds"),
        ({"/etc/apt/sources.list": "#deb http://deb.debian.org/debian bookworm main\n"}, "no repository is at"),
        ({"/etc/shadow": "root:%s:1::::::\n" % HASH}, "these users have a password: root"),
        ({"/etc/shadow": "root::1::::::\n"}, "no password is needed to log in as root"),
        ({"/root/.ssh/authorized_keys": "ssh-ed25519 AAAA me\n"}, "root (/root/.ssh/authorized_keys)"),
    ],
)
def test_what_would_be_rejected_is_a_warning_with_a_remedy(more: Any, words: str, tmp_path: Any) -> None:
    facts = told(tmp_path, **more)
    warnings = [fact for fact in facts if fact.verdict == "warning"]
    assert len(warnings) == 1 and words in warnings[0].evidence and warnings[0].remedy
    assert [fact.verdict for fact in facts if fact.verdict != "warning"] == ["ok"]
    assert "$y$" not in warnings[0].evidence and "AAAA" not in warnings[0].evidence


@pytest.mark.parametrize(
    "more",
    [
        {VERSION: "AGENT_VERSION = '2.2.47'\n"},  # AutoUpdate is on where nothing is said
        {VERSION: "AGENT_VERSION = '2.2.53.1'\n", "/etc/waagent.conf": "AutoUpdate.Enabled=n\n"},
        {VERSION: None},
        {"/etc/dhcp/dhclient.conf": "timeout 300;\n"},
        {"/etc/dhcp/dhclient.conf": None},
        {"/etc/apt/sources.list": None, "/etc/apt/sources.list.d/debian.sources": "URIs: http://deb.debian.org/\n"},
        {"/etc/apt/sources.list": None, "/etc/apt/mirrors/debian.list": "https://deb.debian.org/debian\n"},
        {"/usr/bin/python3": Program(""), "/usr/lib/python3.11/os.py": ""},
    ],
)
def test_what_passes(more: Any, tmp_path: Any) -> None:
    assert [fact.verdict for fact in told(tmp_path, **more)] == ["ok"]


def test_histories_are_for_deprovisioning(tmp_path: Any) -> None:
    facts = told(tmp_path, **{"/root/.bash_history": "x", "/home/x/.zsh_history": "x"})
    assert [(fact.verdict, fact.evidence) for fact in facts[:-1]] == [
        ("note", "deprovisioning will remove the histories /home/x/.zsh_history, /root/.bash_history")
    ]


@pytest.mark.parametrize(
    "files,passes",
    [
        ({"/usr/lib64/libcrypto.so.3.2.2": b""}, True),
        ({"/usr/lib/x86_64-linux-gnu/libcrypto.so.1.1": b"..OpenSSL 1.1.1w  11 Sep 2023.."}, True),
        ({"/usr/lib/x86_64-linux-gnu/libcrypto.so.1.1": b"..OpenSSL 1.1.0l  10 Sep 2019.."}, False),
        ({"/usr/lib64/libcrypto.so.10": b"..OpenSSL 1.0.2k-fips  26 Jan 2017.."}, True),
        ({"/usr/lib64/libcrypto.so.10": b"..OpenSSL 1.0.1e-fips 11 Feb 2013.."}, False),
        ({"/usr/lib64/libcrypto.so.1.1": b"OpenSSL 1.1.0l", "/usr/lib64/libcrypto.so.3": b""}, True),
    ],
)
def test_versions_of_openssl(files: Any, passes: bool, tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**files, "/usr/bin/openssl": Program("")})
    assert [fact.verdict for fact in openssl(system_of(root), policy_of())] == ["ok" if passes else "warning"]


def test_omi_is_asked_where_it_can_run(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**good(), "/opt/omi/bin/omiserver": Program("")})
    assert planned(STEP, system_of(root))[1][0].verdict == "note"
    for version, verdicts in (("1.6.8-0", ["warning", "ok"]), ("1.6.8-1", ["ok"]), ("1.9.1-0", ["ok"])):
        said = "/opt/omi/bin/omiserver: OMI-%s - Wed Sep 8 2021" % version
        system = system_of(root, {"omiserver": lambda root, argv, said=said: (0, said)}, FakeLive())
        assert [fact.verdict for fact in planned(STEP, system)[1]] == verdicts, version


def test_rejected_arguments_are_looked_for_where_the_policy_keeps_them(tmp_path: Any) -> None:
    class Boot:
        def arguments(self) -> Any:
            return {"Debian": ["ro", "reserve=0x1f0,0x8"], "future": ["ro", "libata.atapi_enabled=01"]}

    root = make_tree(tmp_path, good())

    class Booting(System):
        boot = Boot()

        def on(self, guest: Guest) -> System:
            return Booting(guest, self.live)

    system = Booting(Guest(root, FakeCommands(root, {})))  # type: ignore[arg-type]
    assert [fact.verdict for fact in planned(STEP, system)[1]] == ["ok"]
    facts = planned(STEP, system, policy_of("kernel-cmdline.keep=reserve=0x1f0,0x8"))[1]
    assert facts[0].verdict == "warning" and facts[0].evidence.endswith(": reserve=0x1f0,0x8")
    facts = planned(STEP, system, policy_of("kernel-cmdline.keep=libata.atapi_enabled=0"))[1]
    assert "no rejected kernel arguments" in facts[-1].evidence


def test_what_may_not_be_read_is_skipped_and_the_rest_judged(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), **good()})

    class Closed(Guest):
        def read(self, path: str, limit: int = 8 << 20) -> Any:
            if path == "/etc/shadow":
                raise Unknown("/etc/shadow cannot be read: permission denied", "run agentprep as root")
            return super().read(path, limit)

    facts = list(STEP.changes(System(Closed(root)), policy_of()))
    skipped = [fact for fact in facts if isinstance(fact, Fact) and fact.verdict == "skipped"]
    assert [fact.evidence for fact in skipped] == ["/etc/shadow cannot be read: permission denied"]
    assert "Python 3.11" in str(facts[-1])


def repo(name: str, more: str = "") -> str:
    return "[%s]\nname=%s - x86_64\nmirrorlist=http://mirror/?repo=%s\nenabled=1\n%s" % (name, name, name, more)


RHEL = 'ID="rhel"\nID_LIKE="fedora"\nVERSION_ID="9.4"\n'
ROCKY = 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n'
SLES = 'ID="sles"\nID_LIKE="suse"\nVERSION_ID="15.6"\n'
ORACLE = 'ID="ol"\nID_LIKE="fedora"\nVERSION_ID="8.9"\n'
POOL, UPDATES = "SLE-Product-SLES15-SP6-Pool", "SLE-Product-SLES15-SP6-Updates"


@pytest.mark.parametrize("release, files, words", [
    (RHEL, {"/etc/yum.repos.d/redhat.repo": repo("rhel-9-for-x86_64-baseos-rpms")}, "no repository is at rhui"),
    (RHEL, {"/etc/yum.repos.d/rh-cloud.repo": repo("rhui-rhel-9-for-x86_64-baseos-rhui-rpms")}, "packages from rhui"),
    (ROCKY, {"/etc/yum.repos.d/rocky.repo": repo("baseos")}, "packages from baseos"),
    (ROCKY, {"/etc/yum.repos.d/rocky.repo": repo("baseos", "enabled = 0\n")}, "no repository is at rhui, baseos"),
    (ROCKY, {"/etc/yum.repos.d/rocky.repo": repo("x") + repo("baseos", "enabled=False\n")}, "no repository is at rhui"),
    (ORACLE, {"/etc/yum.repos.d/o.repo": repo("ol8_addons") + repo("ol8_baseos_latest")}, "packages from latest"),
    (ORACLE, {"/etc/yum.repos.d/o.repo": repo("ol8_addons")}, "no repository is at latest"),
    (SLES, {"/etc/zypp/repos.d/p.repo": repo(POOL), "/etc/zypp/repos.d/u.repo": repo(UPDATES)},
     "packages from pool and update"),
    (SLES, {"/etc/zypp/repos.d/p.repo": repo(POOL)}, "no repository is at update"),
])  # fmt: skip
def test_repositories_of_rpms_front_ends(release: str, files: Any, words: str, tmp_path: Any) -> None:
    facts = told(tmp_path, **{"/etc/os-release": release, "/etc/apt/sources.list": None}, **files)
    assert any(words in fact.evidence for fact in facts), facts
    assert ("warning" in [fact.verdict for fact in facts]) is words.startswith("no ")


@pytest.mark.parametrize("point, conf, warned", [
    ("6.5", "[main]\n", True), ("6.5", "[main]\nhttp_caching=packages\n", False), ("6.6", "[main]\n", False),
    ("6.10", "", False),
])  # fmt: skip
def test_yums_caching_before_6_6(point: str, conf: str, warned: bool, tmp_path: Any) -> None:
    files = {"/etc/os-release": "", "/etc/redhat-release": "CentOS release %s (Final)\n" % point,
             "/etc/centos-release": "CentOS release %s (Final)\n" % point, "/etc/yum.conf": conf}  # fmt: skip
    facts = told(tmp_path, **files)
    assert any("verify_yum_conf" in fact.evidence for fact in facts) is warned


def test_the_daemons_are_only_a_note(tmp_path: Any) -> None:
    status = {"/var/lib/dpkg/status": stanza("x", "1"), "/usr/bin/apt-get": Program("")}
    facts = told(tmp_path / "without", **status)
    assert [fact.verdict for fact in facts] == ["note", "ok"] and "hyperv-daemons" in facts[0].evidence
    facts = told(tmp_path / "with", **dict(status, **{"/var/lib/dpkg/status": stanza("hyperv-daemons", "6.1")}))
    assert [fact.verdict for fact in facts] == ["ok"] and "; hyperv-daemons; " in facts[0].evidence
