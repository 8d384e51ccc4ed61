"""What a guest must look like to Azure, as the guest's own tools tell it."""

from pathlib import Path

# The policy's arguments; where the initrd sleeps rootdelay= at every boot, policy kernel-cmdline.longest_sleep cuts it.
WANTED = ("console=ttyS0,115200n8", "earlyprintk=ttyS0,115200", "rootdelay=300")
SHORT = (*WANTED[:2], "rootdelay=30")
UNWANTED = ("quiet", "rhgb", "crashkernel", "resume")
# sd_mod is not built into Debian's kernels, and hv_storvsc's disks are SCSI disks.
MODULES = {"hv_vmbus", "hv_storvsc", "hv_netvsc", "hid_hyperv", "hyperv_keyboard", "sd_mod"}
AGENT = {
    "Provisioning.Agent": "waagent",
    "ResourceDisk.Format": "y",
    "ResourceDisk.Filesystem": "ext4",
    "ResourceDisk.MountPoint": "/mnt/resource",
    "ResourceDisk.EnableSwap": "y",
    "ResourceDisk.SwapSizeMB": "2048",
}


def kernels(vm):
    return vm.out("ls /lib/modules").split()


def modules_of(names):
    """The names of modules among paths of files, as lsmod writes them."""
    return {Path(name).name.split(".ko")[0].replace("-", "_") for name in names if ".ko" in Path(name).name}


def loadable(vm, kernel):
    """The modules of MODULES that the kernel has as files: the others are built in."""
    return MODULES & modules_of(vm.out(f"find /lib/modules/{kernel} -name '*.ko*'").splitlines())


def initrd_modules(vm, image):
    """Names of the modules in one initrd, as the tool that made it lists them."""
    listed = vm.out(f"if command -v lsinitrd >/dev/null; then lsinitrd {image}; else lsinitramfs {image}; fi")
    return modules_of(line.rpartition(" ")[2] for line in listed.splitlines())


def assert_arguments(arguments, wanted):
    """The wanted arguments are there once and in their order, and no unwanted one."""
    assert [argument for argument in arguments if argument in wanted] == list(wanted), arguments
    assert not {argument.partition("=")[0] for argument in arguments} & set(UNWANTED), arguments
    assert "net.ifnames=0" in arguments, "an argument was lost that nobody asked to remove"


def assert_ready(vm, wanted):
    """What Azure needs is so on the running system, initrds apart."""
    assert_arguments(vm.out("cat /proc/cmdline").split(), wanted)
    assert vm.out("cat /proc/swaps").count("\n") == 1
    conf = dict(line.split("=", 1) for line in vm.out("grep -v '^#' /etc/waagent.conf | grep =").splitlines())
    assert {key: conf.get(key) for key in AGENT} == AGENT
    assert "clientaliveinterval 180" in vm.out("sshd -T").lower().splitlines()  # OpenSSH 10.6 prints capitals
    assert vm.out("systemctl --failed --no-legend") == ""
    assert vm.out("systemctl is-enabled walinuxagent").strip() == "enabled"
