"""What the trees of Red Hat's kind with Boot Loader Specification entries share: RHEL 8 to 10 and their kin, Fedora.

Read: 10_linux and grub2-mkconfig of rhel-8.4.0, rhel-9.0.0, rhel-9.4.0, rhel-10-main and fedora-43 (rhboot/grub2);
20-grub.install of el8, el-9.2, el-9.3 and el9 (openela-main/grub2), and RHEL 10's line that has grub2-mkconfig sync
/etc/kernel/cmdline when it is older than /etc/default/grub (as posted by a user).
"""

import os
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

from tests.roots import el, read, rpms, write
from tests.roots.el import MACHINE, RESCUE
from tests.roots.grub import BLSCFG, FOOTER, GRUBENV, HEADER, Style, bls, grubenv, started
from tests.roots.images import dracut
from tests.roots.pieces import Files, Kernel, agent, fstab, programs, wants
from tests.roots.tree import AZURE, GENERIC, HOST, LVM, Expected, Tree
from tests.trees import ELF64, Handler, Program, To, make_tree

AGENT = agent()
ENTRIES = "/boot/loader/entries"


class Release(NamedTuple):
    """A release and how it keeps kernel arguments."""

    names: Tuple[str, str, str]  # NAME, version and code name
    identity: str
    kind: str  # 8, 9.0 or 9.3: what its grub2-mkconfig does (see grub.bls)
    kernels: Tuple[Kernel, ...]
    later: str
    dracut: int
    python: str
    root: str = "/dev/mapper/rhel-root"
    volumes: str = "rd.lvm.lv=rhel/root rd.lvm.lv=rhel/swap"
    crash: str = "crashkernel=1G-4G:192M,4G-64G:256M,64G-:512M"
    rest: str = "rhgb quiet"
    swap: str = "/dev/mapper/rhel-swap"
    like: str = "fedora"
    vendor: str = "redhat"
    shared: bool = False  # entries have $kernelopts
    cmdline: bool = True  # there is an /etc/kernel/cmdline
    syncs: bool = False  # kernel-install has grub2-mkconfig overwrite one that is older than /etc/default/grub
    database: str = rpms.NEW
    elf: bytes = ELF64
    ifcfg: bool = True

    @property
    def style(self) -> Style:
        return Style(self.names[0], title=el.title(*self.names), root=self.root, prefix="", initrd="initramfs-%s.img",
                     dropins=False, tool="grub2-mkconfig", shell="bash")  # fmt: skip

    @property
    def arguments(self) -> str:
        """GRUB_CMDLINE_LINUX."""
        return " ".join(one for one in (self.crash, "resume=" + self.swap if self.swap else "", self.volumes,
                                        self.rest) if one)  # fmt: skip

    @property
    def line(self) -> str:
        return "root=%s ro %s" % (self.root, self.arguments)


INSTALL_8 = "#!/bin/bash\nmkbls() {\n    cat <<EOF\noptions \\$kernelopts\nEOF\n}\n"
INSTALL_9 = (
    "#!/bin/bash\n            if [[ -f /etc/kernel/cmdline ]]; then\n"
    "                read -r -d '' -a BOOT_OPTIONS < /etc/kernel/cmdline\n"
)
SYNC = (
    "                if [[ /etc/kernel/cmdline -ot /etc/default/grub ]]; then\n"
    "                    grub2-mkconfig -o /etc/grub2.cfg\n                fi\n"
)


def guest(told: Release, config: str, with_agent: bool = True, efi: bool = False) -> Files:
    """The files; `config` is where the loader's own grub.cfg is."""
    style = told.style
    release = el.release(told.names[0], told.identity, told.names[1], told.names[2], told.like)
    packages = {"openssh_server": "8.0p1-19", "NetworkManager": "1:1.40.0-1", "kernel_core": told.kernels[0].version}
    packages.update({"WALinuxAgent": "2.9.1.1-5"} if with_agent else {})
    found = el.base(release, "%s release %s (%s)" % told.names, told.kernels, told.python, rpms.listed(**packages),
                    told.elf, told.database)  # fmt: skip
    found.update(programs("/usr/bin/dnf /usr/sbin/grubby /usr/bin/kernel-install /usr/sbin/NetworkManager", told.elf))
    found.update(el.network_manager("enp1s0", told.ifcfg, not told.ifcfg))
    found.update(el.dracut(told.kernels, found, number=told.dracut))
    found.update(el.defaults(told.arguments, "GRUB_ENABLE_BLSCFG=true\n"))
    found.update(AGENT if with_agent else {})
    found.update({
        "/etc/fstab": fstab(told.root, "xfs", "UUID=b007b007-2222-4333-8444-555566667777", efi, told.swap),
        "/usr/bin/python3": To(told.python), "/etc/grub.d/10_linux": el.LINUX_BLS,
        "/usr/sbin/grub2-mkconfig": {"8": el.MKCONFIG_8, "9.0": el.MKCONFIG_8}.get(told.kind, el.MKCONFIG_93),
        "/usr/lib/kernel/install.d/20-grub.install": Program(
            INSTALL_8 if told.kind == "8" else INSTALL_9 + (SYNC if told.syncs else "")),
        config: HEADER % "grub2-mkconfig" + BLSCFG % told.line + FOOTER,
    })  # fmt: skip
    saved = "%s-%s" % (MACHINE, told.kernels[0].version)
    values = {"saved_entry": saved, "boot_success": "0"}
    if told.shared:
        values["kernelopts"] = told.line + " "
    place = os.path.dirname(config) + "/grubenv"
    found[place] = grubenv(**values)
    if place != GRUBENV:
        found[GRUBENV] = To("../efi/EFI/%s/grubenv" % told.vendor)
    if told.cmdline:
        found["/etc/kernel/cmdline"] = told.line + "\n"
    found.update(entries(told, style))
    return found


def entries(told: Release, style: Style) -> Files:
    own = "$kernelopts $tuned_params" if told.shared else told.line + " $tuned_params"
    kind = "kernel" if told.shared else told.identity
    found: Files = {}
    for kernel in told.kernels:
        found["%s/%s-%s.conf" % (ENTRIES, MACHINE, kernel.version)] = el.entry(style, kernel.version, own, kind)
    rescue = "$kernelopts" if told.shared else told.line
    found["%s/%s-0-rescue.conf" % (ENTRIES, MACHINE)] = el.entry(style, RESCUE, rescue, kind)
    return found


# -- a later kernel --------------------------------------------------------------------------------------------
def installed(told: Release, commands: Dict[str, Handler]) -> Callable[[str], str]:
    """A later kernel as 20-grub.install of the release makes its entry, and dracut its host-only image."""

    def install(root: str) -> str:
        make_tree(root, told.kernels[0]._replace(version=told.later).files(), minimal=False)
        image = "/boot/initramfs-%s.img" % told.later
        commands["dracut"](root, ("dracut", "-f", image, told.later))
        if told.kind == "8":
            options = "$kernelopts $tuned_params" if told.shared else "$kernelopts"
        else:
            options = read(root, "/etc/kernel/cmdline").decode() if synced(root, told, commands) else "of /proc/cmdline"
        path = "%s/%s-%s.conf" % (ENTRIES, MACHINE, told.later)
        write(root, path, el.entry(told.style, told.later, " ".join(options.split()), "kernel", False).encode())
        return image

    return install


def synced(root: str, told: Release, commands: Dict[str, Handler]) -> bool:
    """Whether there is an /etc/kernel/cmdline, after grub2-mkconfig was run where kernel-install has it run."""
    own, main = root + "/etc/kernel/cmdline", root + "/etc/default/grub"
    if told.syncs and os.path.exists(own) and os.stat(own).st_mtime_ns < os.stat(main).st_mtime_ns:
        commands["grub2-mkconfig"](root, ("grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"))
    return os.path.exists(own)


# -- what is expected ------------------------------------------------------------------------------------------
def expected(told: Release, keep: str, rescue: Optional[str] = None, azure: str = AZURE, **more: Any) -> Expected:
    """`keep` is what stays of the arguments; the rescue entry is as it was unless `rescue` is given."""
    line = " ".join(("root=%s ro %s %s" % (told.root, keep, azure)).split())
    lines = {kernel.version: line for kernel in told.kernels}
    lines[RESCUE] = told.line if rescue is None else rescue
    images: Dict[str, Optional[str]] = {"/boot/initramfs-%s.img" % kernel.version: GENERIC for kernel in told.kernels}
    images["/boot/initramfs-%s.img" % RESCUE] = None
    have = dict(el.LINES if told.ifcfg else el.LINES_KEYFILE, **more.pop("lines", {}))
    if told.cmdline:
        have["/etc/kernel/cmdline"] = (line,)
    more.setdefault("verdicts", LVM)
    more["links"] = {wants("waagent"): "/usr/lib/systemd/system/waagent.service"}
    without = dict({"/etc/fstab": r"\sswap\s"}, **more.pop("without", {}))
    return Expected(el.titles(told.style, lines), el.titles(told.style, {told.later: line}), images,
                    more.pop("later", HOST), lines=have, without=without, **more)  # fmt: skip


def row(name: str, files: Any, told: Release, config: str, wanted: Expected, **more: Any) -> Tree:
    commands: Dict[str, Handler] = {
        "dracut": dracut(told.dracut), "grub2-mkconfig": bls(told.style, told.kind), "rpm": rpms.rpm,
        "dnf": rpms.installs(lambda: AGENT, WALinuxAgent="2.9.1.1-5"),
    }  # fmt: skip
    remake = ("grub2-mkconfig", "-o", config)
    remakes = (remake, remake + ("--update-bls-cmdline",)) if told.kind == "9.3" else (remake,)
    install = installed(told, commands)
    return Tree(name, files, commands, lambda root: started(root, config), install, wanted, remakes, **more)


def kernels(*versions: str, suffix: str = ".ko.xz") -> Tuple[Kernel, ...]:
    return tuple(Kernel(version, suffix=suffix) for version in versions)
