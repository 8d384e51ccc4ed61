"""What tells this machine from any other is gone: keys, ids, leases, seeds, registrations."""

from typing import Iterator

from ..boot.systemd_boot import SystemdBoot
from ..changes import Forget, Write
from ..errors import AgentprepError
from ..formats import keyvalue
from ..guest import Guest
from ..hostkeys import made_at_boot
from ..policy import Policy
from ..provisioner import detect
from ..step import Fact, Item, Step
from ..system import System
from .traces import LEASES, SEEDS, Trace, forget

HOST_KEYS = "/etc/ssh/ssh_host_*key*"
MACHINE_ID, DBUS_ID = "/etc/machine-id", "/var/lib/dbus/machine-id"
ISCSI = "/etc/iscsi/initiatorname.iscsi"
CREDENTIAL = "/var/lib/systemd/credential.secret"
ENCRYPTED = ("/etc/credstore.encrypted", "/var/lib/credstore.encrypted")

ACCOUNTS = "a former version of the accounts, with the password hashes of users who were deleted or changed"
REGISTERED = "the registration of this machine with its vendor"
TRACES = (
    LEASES
    + SEEDS
    + tuple(Trace("/etc/%s-" % name, ACCOUNTS) for name in ("passwd", "shadow", "group", "gshadow", "subuid", "subgid"))
    # Debian's daily copies (the cron job or timer of its package passwd)
    + tuple(Trace("/var/backups/%s.bak" % name, ACCOUNTS) for name in ("passwd", "shadow", "group", "gshadow"))
    + (
        Trace("/etc/security/opasswd", ACCOUNTS, empty=True),
        Trace("/var/lib/waagent/*", "state of the agent"),
        Trace("/var/lib/NetworkManager/secret_key", "NetworkManager's key of this machine; it makes another"),
        Trace("/var/lib/NetworkManager/seen-bssids", "wireless networks that this machine has seen"),
        Trace("/var/lib/NetworkManager/timestamps", "when this machine was in which network"),
        Trace("/etc/udev/rules.d/70-persistent-*.rules", "udev's names for the devices of this machine"),
        Trace("/etc/udev/rules.d/z25_persistent-*.rules", "udev's names for the devices of this machine"),
        # libnvme derives another from the machine's UUID where the files are missing (libnvme, nvmf_hostnqn_generate).
        Trace("/etc/nvme/hostid", "the NVMe name of this machine"),
        Trace("/etc/nvme/hostnqn", "the NVMe name of this machine"),
        # subscription-manager, RHN Classic, Insights, yum (virt-sysprep: rh-subscription-manager, rhn-systemid ...)
        Trace("/etc/pki/consumer/*", REGISTERED),
        Trace("/etc/pki/entitlement/*", REGISTERED),
        Trace("/var/lib/rhsm/*", REGISTERED),
        Trace("/etc/sysconfig/rhn/systemid", REGISTERED),
        Trace("/etc/sysconfig/rhn/osad-auth.conf", REGISTERED),
        Trace("/etc/insights-client/machine-id", REGISTERED),
        Trace("/etc/insights-client/.registered", REGISTERED),
        Trace("/var/lib/yum/uuid", "yum's id of this machine; it makes another"),
        # SUSEConnect, and SLES 11's suse_register
        Trace("/etc/zypp/credentials.d/SCCcredentials", REGISTERED),
        Trace("/etc/zypp/credentials.d/NCCcredentials", REGISTERED),
        Trace("/etc/SUSEConnect", REGISTERED),
        Trace("/var/lib/ubuntu-advantage/private/*", REGISTERED),
    )
)


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """No VM of this disk takes itself for this machine, and none lacks what it needs to become one of its own."""
    guest = system.guest
    maker = maker_of_keys(guest, policy)
    if maker:
        yield from forget(guest, (Trace(HOST_KEYS, "a host key of this machine: %s" % maker),))
    elif guest.glob(HOST_KEYS):
        yield Fact("warning", "the ssh host keys were left, since nothing in the guest would make new ones at boot",
                   "set Provisioning.RegenerateSshHostKeyPair=y in /etc/waagent.conf, then run it again")  # fmt: skip
    yield from forget(guest, [trace for trace in TRACES if not _is_mask(guest, trace)])
    yield from _entries(system)
    yield from _machine_id(guest)
    yield from _iscsi(guest)
    yield from _credential(guest)
    yield Fact("ok", "no leases, seeds, registrations or former accounts are left, and %s" % told_id(guest))


def maker_of_keys(guest: Guest, policy: Policy) -> str:
    """What makes new ssh host keys on the first boot, or ""."""
    name = detect(guest, policy).name
    if name == "cloud-init":
        return "cloud-init makes new ones"
    conf = guest.text("/etc/waagent.conf") or ""
    if guest.which("waagent") and keyvalue.get(conf, "Provisioning.RegenerateSshHostKeyPair") == "y":
        return "waagent makes new ones"
    made = made_at_boot(guest)
    return "%s makes new ones" % made if made else ""


def told_id(guest: Guest) -> str:
    """What /etc/machine-id is, in words."""
    content = guest.read(MACHINE_ID)
    if content is None:
        return "there is no %s" % MACHINE_ID
    return "%s is %s" % (MACHINE_ID, "empty" if not content.strip() else "marked for a first boot")


def _is_mask(guest: Guest, trace: Trace) -> bool:
    """A rule that is a link to /dev/null keeps udev from making another: it stays."""
    return trace.pattern.startswith("/etc/udev/") and any(
        guest.canonical(path) == "/dev/null" for path in guest.glob(trace.pattern)
    )


def _machine_id(guest: Guest) -> Iterator[Item]:
    """Empty, not missing and not `uninitialized`: only so systemd makes a new id without a first boot.

    That would apply all presets anew, undoing what was enabled and disabled here, and let systemd-firstboot ask for a
    root password on the console (machine-id(5), 'First Boot Semantics'; systemd-firstboot.service of Debian 12).
    """
    content = guest.read(MACHINE_ID)
    systemd = guest.is_file("/lib/systemd/systemd") or guest.is_file("/usr/lib/systemd/systemd")
    if content is not None and content.strip() not in (b"", b"uninitialized"):
        why = "the id of this machine; systemd makes another where it is empty" if systemd else "the id of this machine"
        yield Forget(MACHINE_ID, why, empty=systemd)
    if guest.exists(DBUS_ID) and guest.link(DBUS_ID) is None:
        yield Forget(DBUS_ID, "the id of this machine, from which systemd would restore %s" % MACHINE_ID)


def _entries(system: System) -> Iterator[Item]:
    try:
        boot = system.boot
    except AgentprepError:
        return  # kernel-cmdline tells what is wrong with the boot loader
    if isinstance(boot, SystemdBoot):
        yield from boot.without_machine_id()


def _iscsi(guest: Guest) -> Iterator[Item]:
    text = guest.text(ISCSI)
    if text is None or "InitiatorName=" not in text.replace("#InitiatorName=", ""):
        return
    if "GenerateName" in (guest.text("/lib/open-iscsi/startup-checks.sh") or ""):
        why = "the iSCSI name of this machine; open-iscsi makes another"
        yield Write(ISCSI, b"GenerateName=yes\n", why, secret=True)
    elif guest.glob("/usr/lib/systemd/system/iscsi-init.service"):
        yield Forget(ISCSI, "the iSCSI name of this machine; iscsi-init.service makes another")
    else:
        yield Fact("note", "%s was left: nothing in the guest would make another" % ISCSI)


def _credential(guest: Guest) -> Iterator[Item]:
    if not guest.exists(CREDENTIAL):
        return
    if any(guest.names(folder) for folder in ENCRYPTED):
        yield Fact("warning", "%s was left: credentials in %s need it" % (CREDENTIAL, ENCRYPTED[0]),
                   "encrypt them again on the VM, then remove the file")  # fmt: skip
    else:
        yield Forget(CREDENTIAL, "the key of this machine's credentials; systemd makes another")


STEP = Step(
    id="deprovision-identity",
    title="Nothing tells this machine from another: keys, ids, leases, seeds, registrations",
    reason="waagent leaves the machine-id, random seeds, NetworkManager's leases, registrations with the vendor, "
    "and the former /etc/shadow- with the hashes of deleted users. Two VMs with one machine-id get one DHCP "
    "identity and one journal; with one seed their keys can be foretold. /etc/machine-id is emptied, not removed: "
    "without the file, or with `uninitialized`, systemd takes the next boot for the very first, applies all presets "
    "and may ask on the console.",
    source="https://systemd.io/BUILDING_IMAGES; machine-id(5), 'First Boot Semantics'; virt-sysprep's operations; "
    "Microsoft, 'Remove users and system accounts, public keys, sensitive data'",
    remedy="As root: truncate -s 0 /etc/machine-id; rm -f /var/lib/dbus/machine-id /etc/ssh/ssh_host_* "
    "/var/lib/systemd/random-seed /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow-; unregister the machine "
    "(subscription-manager unregister, SUSEConnect --de-register, pro detach).",
    changes=changes,
    one_way=True,
)
