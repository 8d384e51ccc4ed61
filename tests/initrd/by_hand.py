"""What the real dracut makes of what the backend writes and calls: run by hand, as root, on throw-away chroots.

    mmdebstrap --variant=minbase --include=dracut-core,kmod,udev,zstd,cpio SUITE FOLDER      (bullseye to forky)
    dpkg-deb -x linux-image-..._amd64.deb FOLDER      (its /lib/modules below /usr/lib/modules where /lib is a link)
    python -m tests.initrd.by_hand FOLDER...

In each a second kernel is made of the first, without hid_hyperv and with hyperv_keyboard built in, and a configuration
that loses drivers: a name that no kernel has, names glued together, regular expressions in omit_drivers, a plain
assignment in a file that sorts late. It prints what an untouched dracut leaves out, then what the backend's does.
Nothing was lost with dracut 051-1, 059-4, 106-6 and 112-7 (Linux 6.1.176 of Debian 12), and with the drop-in in the
public sources 004, 033, 044, 049 and 055, run from their folders by Debian 12's bash.  That late file with a name that
no kernel has came later: with it 059-4 ran as a whole; of the others (033 has it not) --force-drivers was tried alone.
"""

import os
import shutil
import sys

from agentprep.enter import enter
from agentprep.guest import Guest
from agentprep.initrd.dracut import Dracut
from agentprep.initrd.image import Order, lacking
from agentprep.kernels import installed
from agentprep.modules import resolved

NAMES = ("hv_vmbus", "hv_storvsc", "hv_netvsc", "hid_hyperv", "hyperv_keyboard", "sd_mod")
CONFIGURATION = {
    "10-typo.conf": 'add_drivers+=" dummy nosuchmodule bonding "\n',
    "20-glued.conf": 'add_drivers+="hv_vmbus hv_netvsc"\nadd_drivers+="hv_storvsc"\n',
    "30-omit.conf": 'omit_drivers+=" floppy scsi_transport.* hv_net.* "\n',
    "zzz-late.conf": 'add_drivers="dummy nosuchmodule"\nfilesystems+=" ext4 "\n',
}
OTHER = "9.9.9-other"


def prepare(guest):
    """The second kernel and the configuration are there."""
    for path in guest.glob("/etc/dracut.conf.d/*"):
        os.unlink(guest.where(path))
    (kernel,) = [kernel for kernel in installed(guest) if kernel.version != OTHER]
    other = os.path.join(os.path.dirname(guest.where(kernel.modules)), OTHER)
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(guest.where(kernel.modules), other, symlinks=True)
    for folder, _, names in os.walk(other):
        for name in names:
            if name.startswith(("hid-hyperv.ko", "hyperv-keyboard.ko")):
                os.unlink(os.path.join(folder, name))
    with open(os.path.join(other, "modules.builtin"), "a") as stream:
        stream.write("kernel/drivers/input/serio/hyperv-keyboard.ko\n")
    shutil.copyfile(guest.where(kernel.image), guest.where("/boot/vmlinuz-" + OTHER))
    guest.commands.together([("depmod", OTHER)], 60)[0].check()
    os.makedirs(guest.where("/etc/dracut.conf.d"), exist_ok=True)
    for name, text in CONFIGURATION.items():
        with open(guest.where("/etc/dracut.conf.d/" + name), "w") as stream:
            stream.write(text)


def lost(guest, told):
    return {
        kernel.version: lacking(guest, kernel, "/boot/initrd.img-" + kernel.version, one, {}) for kernel, one in told
    }


def plain(guest, kernels):
    """The images are as a kernel package's hook makes them (/etc/kernel/postinst.d/dracut)."""
    for kernel in kernels:
        argv = ("dracut", "-q", "--force", "/boot/initrd.img-" + kernel.version, kernel.version)
        guest.commands.together([argv], 600)[0].check()


def main(folder):
    guest = Guest(folder)
    enter(guest, False)
    version = guest.commands.together([("dpkg-query", "-W", "dracut-core")], 60)[0].output.decode().split()[-1]
    prepare(guest)
    kernels = installed(guest)
    told = [(kernel, resolved(guest, kernel, NAMES)) for kernel in kernels]
    plain(guest, kernels)
    print("%s: untouched it loses %s" % (version, lost(guest, told)))
    backend = Dracut(guest)
    print("%s: %s" % (version, backend.probe(guest)))
    for change in backend.rule(NAMES):
        print(change.show(guest))
        change.apply(guest)
    assert list(backend.rule(NAMES)) == [], "the rule is not settled"
    plain(guest, kernels)
    print("%s: with the drop-in a later dracut loses %s" % (version, lost(guest, told)))
    run = backend.build([Order(kernel, list(one.modules), 0) for kernel, one in told], "by hand")
    for done in guest.commands.together(run.commands, 600):
        done.check()
        print(" ".join(done.argv), "|", [line for line in done.tail if "ail" in line])
    for kernel in kernels:
        os.rename(guest.where("/boot/.initrd.img-%s.agentprep" % kernel.version),
                  guest.where("/boot/initrd.img-" + kernel.version))  # fmt: skip
    left = lost(guest, told)
    print("%s: built by the backend it loses %s" % (version, left))
    return any(left.values())


if __name__ == "__main__":
    codes = []
    for one in sys.argv[1:]:  # each in a process of its own, since a process enters one guest only
        child = os.fork()
        if not child:
            os._exit(main(one))
        codes.append(os.waitpid(child, 0)[1])
    sys.exit(any(codes))
