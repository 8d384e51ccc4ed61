"""What the certification would reject."""

from typing import Any

import pytest

from agentprep.errors import Unknown
from agentprep.guest import Guest
from agentprep.step import Fact
from agentprep.steps.certification import STEP, openssl
from agentprep.system import System
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
