"""Where cloud-init provisions, it runs on Azure, looks there, and makes the swap on the resource disk."""

from typing import Iterator, Tuple

from ..changes import Remove, Write
from ..formats import outline, sections
from ..guest import Guest
from ..policy import Policy
from ..provisioner import DISABLED, UNITS, Provisioner, detect, installed, switched_off
from ..step import Fact, Item, Step
from ..system import System

MAIN = "/etc/cloud/cloud.cfg"
FOLDER = "/etc/cloud/cloud.cfg.d/"
IDENTIFY = "/etc/cloud/ds-identify.cfg"
SOURCES = ("91-azure_datasource.cfg", "zz-azure_datasource.cfg")  # Microsoft's name for it, and one that comes last
# What the installers of Ubuntu leave behind so that cloud-init finds nothing but them (Microsoft, "Prepare an Ubuntu
# virtual machine"; subiquity's own names since 23.04).
LEFTOVERS = ("99-installer.cfg", "90-installer-network.cfg", "50-curtin-networking.cfg", "curtin-preserve-sources.cfg",
             "subiquity-disable-cloudinit-networking.cfg")  # fmt: skip
LIST = "datasource_list: [ Azure ]\n"
# Microsoft's pages of Red Hat's and SUSE's kinds: the profile of eth0 is the image's own, which the step network makes.
# cloud-init's would have HWADDR, which a virtual function of accelerated networking has too (cloud-init #4768).
OWN_PROFILE = "datasource:\n  Azure:\n    apply_network_config: False\n"
SWAP = FOLDER + "00-azure-swap.cfg"
DROP_IN = "/etc/systemd/system/%s.service.d/agentprep-swap.conf"


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """cloud-init is switched on, has Azure in its list, and none of the installer's files is left."""
    guest = system.guest
    provisioner = detect(guest, policy)
    if provisioner.name != "cloud-init":
        yield _other(guest, provisioner)
        return
    yield from _on(system)
    for path in [FOLDER + name for name in LEFTOVERS] + [IDENTIFY]:
        if guest.exists(path):
            yield Remove(path, "left by the installer: it keeps cloud-init from looking for Azure or from the network")
    path, listed = _listed(guest)
    if "Azure" not in listed:
        yield from _source(system)
        path, listed = _listed(guest)
    if policy.flag("cloud-init.swap"):
        yield from _swap(system, policy)
    forced = policy.text("agent-conf.provisioner") != "auto"  # else it was found to be switched on
    off = switched_off(guest) if forced else ""
    if off:
        yield Fact("failed", "cloud-init is switched off: %s" % off, "take cloud-init=disabled away there")
    else:
        yield Fact("ok", "%s; datasource_list in %s has Azure" % (provisioner.evidence, path))


def _other(guest: Guest, provisioner: Provisioner) -> Fact:
    if installed(guest) and not switched_off(guest):
        return Fact(
            "warning",
            "waagent provisions (%s), but cloud-init is switched on and will do the same" % provisioner.evidence,
            "remove cloud-init, or switch it off: touch %s" % DISABLED,
        )
    return Fact("ok", "not applicable: waagent provisions (%s)" % provisioner.evidence)


def _on(system: System) -> Iterator[Item]:
    """None of the switches that files can mend is off; the kernel command line is kernel-cmdline's."""
    guest, init = system.guest, system.init
    if guest.exists(DISABLED):
        yield Remove(DISABLED, "cloud-init provisions and must run")
    for path in ["/etc/systemd/system.conf"] + guest.glob("/etc/systemd/system.conf.d/*.conf"):
        text = guest.text(path) or ""
        wrong = {
            one.line for one in sections.entries(text)
            if one.key == "DefaultEnvironment" and "cloud-init=disabled" in one.value
        }  # fmt: skip
        if wrong:
            new = sections.without_lines(text, wrong)
            yield Write(path, new.encode("utf-8", "surrogateescape"), "cloud-init provisions and must run")
    mask = init.masked("cloud-init.target")
    if mask:
        yield Remove(mask, "cloud-init provisions and must run")
    for unit in UNITS:
        if init.unit((unit,)) == unit:
            yield from init.enable(unit)


def _listed(guest: Guest) -> Tuple[str, Tuple[str, ...]]:
    """The file that decides the datasource list, and the list: the last wins; ds-identify reads it in one line only."""
    decides, listed = "", ()  # type: Tuple[str, Tuple[str, ...]]
    for path in [MAIN] + guest.glob(FOLDER + "*.cfg"):
        if not guest.is_file(path):
            continue
        for entry in outline.entries(guest.text(path) or ""):
            if entry.path == ("datasource_list",):
                decides, listed = path, tuple(outline.items(entry.value))
    return decides, listed


def _source(system: System) -> Iterator[Item]:
    guest = system.guest
    decides = _listed(guest)[0]
    first = FOLDER + SOURCES[0]
    name = SOURCES[0] if (decides == MAIN or decides < first) and not guest.exists(first) else SOURCES[1]
    text = LIST + (OWN_PROFILE if system.distro.row.network != "none" else "")
    yield Write(FOLDER + name, text.encode(), "cloud-init must look for Azure and nothing else")


def _swap(system: System, policy: Policy) -> Iterator[Item]:
    """cloud-init splits the resource disk into a file system and swap.

    On Azure the datasource's own layout comes before cloud.cfg.d and after the file that CLOUD_CFG names (cloud-init
    22.4, helpers.py: ConfigMerger._read_cfg).  Microsoft sets that variable for all of systemd; its units are enough.
    """
    if system.init.name != "systemd":
        yield Fact("person", "cloud-init makes no swap: only units of systemd can be told of %s" % SWAP,
                   "write a file like it to the file that CLOUD_CFG names for cloud-init's jobs")  # fmt: skip
        return
    units = [unit for unit in UNITS if system.init.unit((unit,)) == unit]
    text = swap_config(policy.text("agent-conf.mount_point"), policy.text("agent-conf.filesystem"),
                       "cloud-init-network" if "cloud-init-network" in units else "cloud-init")  # fmt: skip
    why = "the swap is on the resource disk, which cloud-init prepares"
    if system.guest.text(SWAP) is None:
        yield Write(SWAP, text.encode(), why)
    drop_in = "# Written by agentprep, for %s\n[Service]\nEnvironment=CLOUD_CFG=%s\n" % (SWAP, SWAP)
    for unit in units:
        if system.guest.text(DROP_IN % unit) is None and not _everywhere(system.guest):
            yield Write(DROP_IN % unit, drop_in.encode(), why)


def swap_config(mount_point: str, filesystem: str, unit: str) -> str:
    """The cloud-config that makes a third of the resource disk swap (Microsoft, "Configure swap in cloud-init")."""
    return """# Written by agentprep: swap on the resource disk.
disk_setup:
  ephemeral0:
    table_type: mbr
    layout: [66, [33, 82]]
    overwrite: true
fs_setup:
  - device: ephemeral0.1
    filesystem: %s
  - device: ephemeral0.2
    filesystem: swap
mounts:
  - ["ephemeral0.1", "%s"]
  - ["ephemeral0.2", "none", "swap", "sw,nofail,x-systemd.requires=%s.service,x-systemd.device-timeout=2", "0", "0"]
""" % (filesystem, mount_point, unit)


def _everywhere(guest: Guest) -> bool:
    """CLOUD_CFG is set for all of systemd, as Microsoft's pages do it."""
    found = sections.entries(guest.text("/etc/systemd/system.conf") or "")
    return any(one.key == "DefaultEnvironment" and "CLOUD_CFG=" in one.value for one in found)


STEP = Step(
    id="cloud-init",
    title="Where cloud-init provisions, it runs and looks for Azure",
    reason=(
        "cloud-init can be switched off in several places, and installers leave files that make it find nothing "
        "but themselves. A machine whose provisioner does not run never reports that it is ready: Azure calls it "
        "failed after some 40 minutes. Where cloud-init provisions it also prepares the resource disk, so the "
        "swap there is its business and not the agent's."
    ),
    source=(
        "Microsoft, 'Prepare an existing Linux Azure VM image for use with cloud-init' and 'Create an Ubuntu "
        "VHD'; cloud-init 22.4, systemd/cloud-init-generator.tmpl, tools/ds-identify and helpers.py"
    ),
    remedy=(
        "rm -f /etc/cloud/cloud-init.disabled /etc/cloud/ds-identify.cfg /etc/cloud/cloud.cfg.d/99-installer.cfg\n"
        "echo 'datasource_list: [ Azure ]' > /etc/cloud/cloud.cfg.d/91-azure_datasource.cfg\n"
        "systemctl unmask cloud-init.target && systemctl enable cloud-init-local cloud-init cloud-config "
        "cloud-final\n"
        "before systemd: chkconfig cloud-init-local on, and so on; upstart: rm /etc/init/cloud-init*.override"
    ),
    changes=changes,
)
