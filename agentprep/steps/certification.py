"""What Azure's Marketplace certification asks beyond the other requirements: told, never changed."""

import posixpath
import re
from typing import Iterator, List, Tuple

from .. import accounts
from ..errors import Blocked, Unknown
from ..formats import keyvalue
from ..guest import Guest
from ..pkg.repositories import enabled
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

AGENT, PYTHON, OMI = (2, 2, 53, 1), (3, 9), (1, 6, 8, 1)  # the least versions
OPENSSL = ((1, 1, 1), (1, 0, 2))  # and all from 3.0 on
OPTIONS = ("CONFIG_WATCHDOG", "CONFIG_CIFS")
FORBIDDEN = ("libata.atapi_enabled=0", "reserve=0x1f0,0x8")
# As agents from 2.1 and before it tell their own version.
VERSION = r"^(?:AGENT_VERSION|GuestAgentVersion)\s*=\s*['\"](?:WALinuxAgent-)?([\d.]+)"
DHCP = ("/etc/dhcp/dhclient.conf", "/etc/dhclient.conf", "/etc/dhcp3/dhclient.conf")
# LISA, verify_repository_installed: of each group one is among the repositories, by family of distributions.
REPOSITORIES = {
    "debian": (("deb.debian.org", "debian-archive.trafficmanager.net", "azure.deb.debian.cloud/debian"),),
    "ubuntu": (("azure.archive.ubuntu.com", "azure.ports.ubuntu.com", "ports.ubuntu.com"),),
    "rhel": (("rhui", "baseos", "base", "centos"),),
    "oracle": (("latest",),),
    "fedora": (("fedora",),),
    "azurelinux": (("official-base",),),
    "suse": (("pool", "oss"), ("update",)),
}


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """One fact for each thing that would be rejected, and one that sums up what would pass."""
    good = []
    for part in (agent, python, openssl, omi, arguments, kernels, dhcp, repositories, daemons, histories, users):
        try:
            for fact in part(system, policy):
                if fact.verdict == "ok":
                    good.append(fact.evidence)
                else:
                    yield fact
        except Unknown as error:
            yield Fact("skipped", error.message, error.hint)
    yield Fact("ok", "; ".join(good))


def agent(system: System, policy: Policy) -> Iterator[Fact]:
    version = agent_version(system.guest)
    conf = keyvalue.values(system.guest.text("/etc/waagent.conf") or "")
    if not version:
        yield Fact("ok", "no agent yet")
    elif version >= AGENT or conf.get("AutoUpdate.Enabled") != "n":
        updates = "" if version >= AGENT else ", which updates itself"
        yield Fact("ok", "agent %s%s" % (_told(version), updates))
    else:
        yield Fact("warning", "agent %s is older than %s, and AutoUpdate.Enabled=n" % (_told(version), _told(AGENT)),
                   "update its package, or set AutoUpdate.Enabled=y in /etc/waagent.conf")  # fmt: skip


def agent_version(guest: Guest) -> Tuple[int, ...]:
    """The agent's version by its own source; empty when it is not installed."""
    for path in guest.glob("/usr/lib/python*/*-packages/azurelinuxagent/common/version.py") + ["/usr/sbin/waagent"]:
        text = guest.text(path) if guest.is_file(path) else None
        match = re.search(VERSION, text or "", re.M)
        if match:
            return _numbers(match.group(1))
    return ()


def python(system: System, policy: Policy) -> Iterator[Fact]:
    guest = system.guest
    found = re.match(r"python(\d+\.\d+)", posixpath.basename(guest.canonical("/usr/bin/python3")))
    folders = guest.glob("/usr/lib/python3.*/os.py") + guest.glob("/usr/lib64/python3.*/os.py")
    name = found.group(1) if found else folders[-1].split("/python")[1].split("/")[0] if folders else ""
    if name and _numbers(name) >= PYTHON:
        yield Fact("ok", "Python %s" % name)
    else:
        told = "Python %s is older than %s" % (name, _told(PYTHON)) if name else "Python 3 is not installed"
        yield Fact("warning", told,
                   "install Python %s or later beside it, or move to a later release" % _told(PYTHON))  # fmt: skip


def openssl(system: System, policy: Policy) -> Iterator[Fact]:
    guest = system.guest
    if not guest.which("openssl"):
        yield Fact("warning", "the command openssl, which the certification calls, is not installed", "install openssl")
    libraries = [path for folder in ("/usr/lib64", "/lib64", "/usr/lib/*", "/lib/*", "/usr/lib", "/lib")
                 for path in guest.glob(folder + "/libcrypto.so.[0-9]*")]  # fmt: skip
    versions = [_library(guest, path) for path in libraries]
    best = max(versions, default=())
    if best and (best >= (3,) or best[:3] in OPENSSL):
        yield Fact("ok", "OpenSSL %s" % _told(best))
    elif best:
        yield Fact("warning", "OpenSSL %s is neither 3.0 or later nor 1.1.1 or 1.0.2" % _told(best),
                   "update the package openssl, or move to a later release")  # fmt: skip


def _library(guest: Guest, path: str) -> Tuple[int, ...]:
    version = _numbers(path.split(".so.")[1])
    if version[0] >= 3 and version[0] != 10:  # Red Hat's libcrypto.so.10 is OpenSSL 1.0
        return version
    match = re.search(rb"OpenSSL (\d+\.\d+\.\d+)", guest.read(path, limit=32 << 20) or b"")
    return _numbers(match.group(1).decode()) if match else version


def omi(system: System, policy: Policy) -> Iterator[Fact]:
    program = "/opt/omi/bin/omiserver"
    if not system.guest.is_file(program):
        yield Fact("ok", "no OMI")
    elif system.live is None:
        yield Fact("note", "OMI is installed; whether it is %s or later cannot be told here" % _told(OMI))
    else:
        version = _numbers(system.guest.ask(program, "--version").decode("utf-8", "replace"))[:4]
        good = version >= OMI
        yield Fact("ok" if good else "warning", "OMI %s" % _told(version) + (
            "" if good else " is older than %s and open to CVE-2021-38647" % _told(OMI)),
            "" if good else "remove the package omi, or update it")  # fmt: skip


def arguments(system: System, policy: Policy) -> Iterator[Fact]:
    removed = set(policy.words("kernel-cmdline.remove")) - set(policy.words("kernel-cmdline.keep"))
    allowed = [one for one in FORBIDDEN if one not in removed and one.split("=")[0] not in removed]
    if not allowed:
        return  # the requirement kernel-cmdline sees to it
    try:
        entries = system.boot.arguments()
    except Blocked as error:
        yield Fact("note", "the kernel's arguments cannot be judged: %s" % error.message)
        return
    bad = sorted({one for found in entries.values() for one in found if one in allowed})
    if bad:
        yield Fact("warning", "kernel arguments that are rejected: %s" % " ".join(bad),
                   "take them out of kernel-cmdline.keep, or put them into kernel-cmdline.remove")  # fmt: skip
    else:
        yield Fact("ok", "no rejected kernel arguments")


def kernels(system: System, policy: Policy) -> Iterator[Fact]:
    for kernel in system.kernels:
        config = kernel.config(system.guest)
        lacking = [one for one in OPTIONS if not re.search(rb"^%s=[ym]$" % one.encode(), config or b"", re.M)]
        if config is None:
            yield Fact("note", "kernel %s has no /boot/config-%s to judge it by" % (kernel.version, kernel.version))
        elif lacking:
            yield Fact("warning", "kernel %s was built without %s" % (kernel.version, " and ".join(lacking)),
                       "install another kernel of the distribution")  # fmt: skip
        else:
            yield Fact("ok", "kernel %s has watchdogs and CIFS" % kernel.version)


def dhcp(system: System, policy: Policy) -> Iterator[Fact]:
    path = next((path for path in DHCP if system.guest.is_file(path)), "")
    match = re.search(r"^timeout (\d+);$", (system.guest.text(path) or "") if path else "", re.M)
    if match and int(match.group(1)) < 300:
        yield Fact("warning", "the DHCP client gives up after %s seconds: %s" % (match.group(1), path),
                   "set there: timeout 300;")  # fmt: skip
    elif path:
        yield Fact("ok", "the DHCP client waits 300 seconds")


def repositories(system: System, policy: Policy) -> Iterator[Fact]:
    distro = system.distro
    groups = (("rhui",),) if distro.id == "rhel" else REPOSITORIES.get(distro.row.family, ())
    lines = [line.lower() for line in enabled(system.guest)]
    named = [next((one for one in group if any(one in line for line in lines)), "") for group in groups]
    lacking = [group for group, one in zip(groups, named) if not one]
    if lacking:
        yield Fact(
            "warning",
            "no repository is at %s" % ", ".join(lacking[0]),
            "enable one, if VMs may reach it: see /etc/%s"
            % ("apt/sources.list" if system.guest.exists("/etc/apt") else "yum.repos.d or /etc/zypp/repos.d"),
        )
    elif named:
        yield Fact("ok", "packages from %s" % " and ".join(named))
    if distro.row.since == "6" and _numbers(distro.point) < (6, 6):
        conf = system.guest.text("/etc/yum.conf") or ""
        if not re.search(r"(?m)^http_caching\s*=\s*packages\s*$", conf):
            yield Fact("warning", "yum lets proxies keep its metadata (LISA, verify_yum_conf)",
                       "set in /etc/yum.conf: http_caching=packages")  # fmt: skip


def daemons(system: System, policy: Policy) -> Iterator[Fact]:
    names = system.distro.row.hyperv_packages
    try:
        there = [name for name in names if system.packages.version(name) is not None]
    except (Blocked, Unknown):
        return  # agent-package says why
    if there:
        yield Fact("ok", there[0])
    elif names:
        yield Fact("note", "the daemons that answer Azure's hosts (%s) are not installed: the agent does without them"
                   % names[0], "install %s, for backups that freeze the file systems" % names[0])  # fmt: skip


def histories(system: System, policy: Policy) -> Iterator[Fact]:
    found = accounts.histories(system.guest)
    if found.files + found.links:
        yield Fact("note", "deprovisioning will remove the histories %s" % _some(found.files + found.links))
    else:
        yield Fact("ok", "no shell history")


def users(system: System, policy: Policy) -> Iterator[Fact]:
    allowed = ["%s (%s)" % one for one in accounts.keys(system.guest)]
    if allowed:
        yield Fact("warning", "public keys let somebody in as %s" % _some(allowed),
                   "if others will use the image, remove those files")  # fmt: skip
    found = accounts.passwords(system.guest)
    if found.usable:
        yield Fact("warning", "these users have a password: %s" % _some(found.usable),
                   "if others will use the image, lock them: passwd -l NAME; or: userdel -r NAME")  # fmt: skip
    if found.empty:
        yield Fact("warning", "no password is needed to log in as %s" % _some(found.empty), "lock them: passwd -l NAME")
    if not allowed + found.usable + found.empty:
        yield Fact("ok", "no user has a password or a public key")


def _some(words: List[str]) -> str:
    return ", ".join(words[:5]) + (" and %d more" % (len(words) - 5) if len(words) > 5 else "")


def _numbers(text: str) -> Tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


def _told(version: Tuple[int, ...]) -> str:
    return ".".join(str(number) for number in version)


STEP = Step(
    id="certification",
    title="Azure's Marketplace certification finds nothing to reject",
    reason="An image that is offered in the Marketplace is rejected for an old agent, Python or OpenSSL, an OMI "
    "with known holes, users with passwords or public keys, shell histories, kernels without watchdog or CIFS, and "
    "some kernel arguments. A machine that is moved for its owner's own use runs with any of these: they are told, "
    "and never make it not ready.",
    source="Microsoft, Marketplace VM certification; LISA, azure_image_standard.py and dhcp.py: "
    "verify_waagent_version, verify_python_version, verify_openssl_version, verify_omi_version, "
    "verify_no_pre_exist_users, verify_bash_history_is_empty, verify_essential_kernel_modules, "
    "verify_repository_installed, verify_yum_conf, verify_hv_kvp_daemon_installed, verify_dhcp_client_timeout",
    remedy="Update what is old, lock or delete users (passwd -l NAME, userdel -r NAME), remove authorized_keys, and "
    "deprovision: sudo agentprep run",
    changes=changes,
)
