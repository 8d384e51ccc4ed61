"""GRUB 2 as the families have it: RHEL 7 on BIOS and UEFI, SUSE on btrfs, Ubuntu's cloud images, Azure Linux 3.

Contents: grub.cfg as RHEL 7.9's 10_linux makes it (rhboot/grub2, branch rhel-7.9); SUSE's with the variable that
SUSE_BTRFS_SNAPSHOT_BOOTING brings (rhboot/grub2 carries that patch); Ubuntu's with GRUB_FORCE_PARTUUID as published by
users of its images; /etc/default/grub of Azure Linux 3 (azure-linux-image-tools, bootcfgtests/3.0-default-grub).
"""

import pytest

from agentprep.boot.grub2 import Grub2
from agentprep.changes import Run
from agentprep.errors import CommandFailed
from agentprep.guest import Guest
from tests.boot import mkconfig
from tests.trees import FakeCommands, Program, content, make_tree

ADD = ["console=ttyS0,115200n8", "rootdelay=300"]
REMOVE = ["rhgb", "quiet", "crashkernel"]
OURS = " ".join(ADD)
MAIN = "/etc/default/grub"


def done(one, changes):
    made = []
    for change in changes:
        if isinstance(change, Run):
            change.execute(one.guest, 60, None, None)
        else:
            change.apply(one.guest)
        made.append(change)
    return made


# -- RHEL 7 --------------------------------------------------------------------------------------------------
SEVEN = ("3.10.0-1160.119.1.el7.x86_64", "3.10.0-1160.el7.x86_64", "0-rescue-0123456789abcdef0123456789abcdef")
SEVEN_DEFAULTS = """GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR="$(sed 's, release .*$,,g' /etc/system-release)"
GRUB_DEFAULT=saved
GRUB_DISABLE_SUBMENU=true
GRUB_TERMINAL_OUTPUT="console"
GRUB_CMDLINE_LINUX="crashkernel=auto rd.lvm.lv=centos/root rhgb quiet"
GRUB_DISABLE_RECOVERY="true"
"""
ESP = "/boot/efi/EFI/centos/"


def seven_menu(arguments, suffix="16", prefix="/"):
    text = "### BEGIN /etc/grub.d/10_linux ###\n"
    for version in SEVEN:
        text += (
            "menuentry 'CentOS Linux (%s) 7 (Core)' --class centos --unrestricted $menuentry_id_option 'x' {\n"
            % version
        )
        text += "\tload_video\n\tset gfxpayload=keep\n\tinsmod gzio\n\tset root='hd0,msdos1'\n"
        text += "\tlinux%s %svmlinuz-%s root=/dev/mapper/centos-root ro %s LANG=en_US.UTF-8\n" % (
            suffix, prefix, version, arguments)  # fmt: skip
        text += "\tinitrd%s %sinitramfs-%s.img\n}\n" % (suffix, prefix, version)
    return text + "### END /etc/grub.d/10_linux ###\n"


def seven(folder, uefi, generator_suffix=None, probed=""):
    """CentOS 7 and a grub2-mkconfig that evaluates its defaults as the real one does."""
    config = ESP + "grub.cfg" if uefi else "/boot/grub2/grub.cfg"
    suffix = "efi" if uefi else "16"
    given = "crashkernel=auto rd.lvm.lv=centos/root rhgb quiet"
    files = {
        MAIN: SEVEN_DEFAULTS, config: seven_menu(given, suffix), "/usr/sbin/grub2-mkconfig": Program("#!/bin/sh\n"),
        (ESP + "grubx64.efi" if uefi else "/boot/grub2/i386-pc/core.img"): b"MZ",
    }  # fmt: skip
    for version in SEVEN:
        files["/boot/vmlinuz-" + version] = "kernel"
        files["/boot/initramfs-%s.img" % version] = "initrd"
        files["/lib/modules/%s/modules.dep" % version] = ""
    root = make_tree(folder, files)

    def run(root, argv):
        linux = [line for line in content(root, MAIN).splitlines() if line.startswith("GRUB_CMDLINE_LINUX=")][0]
        with open(root + argv[-1], "w") as stream:
            stream.write(seven_menu(linux.split("=", 1)[1].strip('"'), generator_suffix or suffix) + probed)

    return Grub2(Guest(root, FakeCommands(root, {"grub2-mkconfig": run}))), config


@pytest.mark.parametrize("uefi", [False, True])
def test_rhel_7_is_set_where_its_loader_reads(tmp_path, uefi):
    one, config = seven(tmp_path, uefi)
    assert one.config == config
    done(one, one.set_arguments(ADD, REMOVE))
    run = done(one, one.generate(ADD, REMOVE))[0]
    assert run.commands[0][-1] == config.replace("grub.cfg", ".grub.cfg.agentprep")
    kept = ["root=/dev/mapper/centos-root", "ro", "rd.lvm.lv=centos/root"]
    told = one.arguments()
    assert told.pop("future") == kept[2:] + ADD
    assert len(told) == 3 and all(words == kept + ADD + ["LANG=en_US.UTF-8"] for words in told.values())
    assert one.stale(ADD, REMOVE) == ""
    assert one.initrds() == {version: ["/boot/initramfs-%s.img" % version] for version in SEVEN[:2]}


@pytest.mark.parametrize("uefi, suffix", [(False, "efi"), (True, "16")])
def test_the_firmware_of_this_machine_does_not_get_into_the_guests_menu(tmp_path, uefi, suffix):
    one, config = seven(tmp_path, uefi, suffix)
    before = content(one.guest.root, config)
    with pytest.raises(CommandFailed, match="as if this were another firmware"):
        done(one, one.generate([], []))
    assert content(one.guest.root, config) == before


def test_what_os_prober_finds_on_this_machine_does_not_either(tmp_path):
    probed = (
        "### BEGIN /etc/grub.d/30_os-prober ###\nmenuentry 'Debian (on /dev/sda1)' {\n\tlinux /boot/vmlinuz-6 a\n}\n"
    )
    one, config = seven(tmp_path, False, probed=probed)
    with pytest.raises(CommandFailed, match="'Debian .on /dev/sda1.'"):
        done(one, one.generate([], []))
    with open(one.guest.root + config, "a") as stream:
        stream.write(probed)
    done(one, one.generate([], []))
    assert any("of another system" in note for note in one.notes())


# -- SUSE ----------------------------------------------------------------------------------------------------
SUSE_DEFAULTS = """GRUB_DISTRIBUTOR=
GRUB_DEFAULT=saved
GRUB_TIMEOUT=8
GRUB_CMDLINE_LINUX_DEFAULT="splash=silent resume=/dev/disk/by-uuid/5 mitigations=auto quiet"
GRUB_CMDLINE_LINUX=""
GRUB_TERMINAL="gfxterm"
SUSE_BTRFS_SNAPSHOT_BOOTING="true"
"""
KDEFAULT = "5.14.21-150500.55.83-default"


def suse(folder, linux, default):
    arguments = "%s ${extra_cmdline} %s" % (linux, default)
    text = "### BEGIN /etc/grub.d/10_linux ###\nmenuentry 'SLES 15-SP5' --class os {\n"
    text += "\tlinux\t/boot/vmlinuz-%s root=UUID=1 %s\n\tinitrd\t/boot/initrd-%s\n}\n" % (KDEFAULT, arguments, KDEFAULT)
    files = {
        MAIN: SUSE_DEFAULTS, "/boot/grub2/grub.cfg": text, "/usr/sbin/grub2-mkconfig": Program("#!/bin/sh\n"),
        "/boot/vmlinuz-" + KDEFAULT: "x", "/boot/initrd-" + KDEFAULT: "x",
        "/lib/modules/%s/modules.dep" % KDEFAULT: "",
    }  # fmt: skip
    root = make_tree(folder, files)
    return Grub2(Guest(root))


def test_suses_variable_for_snapshots_is_not_staleness(tmp_path):
    one = suse(tmp_path, "", "splash=silent resume=/dev/disk/by-uuid/5 mitigations=auto quiet")
    assert one.stale([], []) == ""
    assert one.arguments()["SLES 15-SP5"][:2] == ["root=UUID=1", "${extra_cmdline}"]
    assert one.initrds() == {KDEFAULT: ["/boot/initrd-" + KDEFAULT]}
    one = suse(tmp_path, "a=1", "splash=silent resume=/dev/disk/by-uuid/5 mitigations=auto quiet")
    make_tree(tmp_path, {MAIN: SUSE_DEFAULTS.replace('LINUX=""', 'LINUX="a=1"')})
    assert one.stale([], []) == ""
    assert "made before" in suse(tmp_path, "", "splash=silent quiet").stale([], [])


def test_suses_arguments_are_judged_by_what_both_variables_give(tmp_path):
    one = suse(tmp_path, "", "splash=silent quiet")
    done(one, one.set_arguments(ADD, REMOVE))
    assert one.arguments()["future"] == ADD + ["splash=silent", "resume=/dev/disk/by-uuid/5", "mitigations=auto"]
    assert 'DEFAULT="splash=silent resume=/dev/disk/by-uuid/5 mitigations=auto"' in content(one.guest.root, MAIN)


# -- Ubuntu's cloud images -----------------------------------------------------------------------------------
AZURE = "6.8.0-1017-azure"
PARTUUID = """### BEGIN /etc/grub.d/10_linux ###
menuentry 'Ubuntu' --class ubuntu --class gnu-linux $menuentry_id_option 'gnulinux-simple-1' {
\trecordfail
\tload_video
\tgfxmode $linux_gfx_mode
\tinsmod gzio
\tif [ "${initrdfail}" = 1 ]; then
\t  echo\t'GRUB_FORCE_PARTUUID set, initrdless boot failed. Attempting with initrd.'
\t  linux\t/boot/vmlinuz-%(version)s root=PARTUUID=1 ro  console=tty1 console=ttyS0
\t  initrd\t/boot/microcode.cpio /boot/initrd.img-%(version)s
\telse
\t  echo\t'GRUB_FORCE_PARTUUID set, attempting initrdless boot.'
\t  linux\t/boot/vmlinuz-%(version)s root=PARTUUID=1 ro  console=tty1 console=ttyS0 panic=-1
\tfi
\tinitrdfail
}
### END /etc/grub.d/10_linux ###
"""


def test_a_kernel_that_is_first_tried_without_its_initrd_has_one(tmp_path):
    files = {
        MAIN: mkconfig.MAIN.replace('"quiet"', '"quiet splash"'),
        "/etc/default/grub.d/40-force-partuuid.cfg": "GRUB_FORCE_PARTUUID=1\n",
        "/etc/default/grub.d/50-cloudimg-settings.cfg": mkconfig.CLOUD,
        "/usr/sbin/grub-mkconfig": Program(mkconfig.MKCONFIG),
        "/boot/grub/grub.cfg": PARTUUID % {"version": AZURE},
        "/boot/vmlinuz-" + AZURE: "x", "/boot/initrd.img-" + AZURE: "x", "/lib/modules/%s/modules.dep" % AZURE: "",
    }  # fmt: skip
    one = Grub2(Guest(make_tree(tmp_path, files)))
    assert one.initrds() == {AZURE: ["/boot/microcode.cpio", "/boot/initrd.img-" + AZURE]}
    assert one.without_initrd() == ["Ubuntu"]
    told = one.arguments()
    assert told["Ubuntu"] + ["panic=-1"] == told["Ubuntu (#2)"]
    assert one.stale([], []) == ""
    done(one, one.set_arguments(ADD, REMOVE))
    assert told["future"] == ["console=tty1", "console=ttyS0"]
    assert one.arguments()["future"] == ["console=tty1"] + ADD
    assert 'GRUB_CMDLINE_LINUX_DEFAULT=""' in content(one.guest.root, "/etc/default/grub.d/50-cloudimg-settings.cfg")


# -- Azure Linux 3 -------------------------------------------------------------------------------------------
AZURE_LINUX = """GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR="AzureLinux"
GRUB_DISABLE_SUBMENU=y
GRUB_TERMINAL_OUTPUT="console"
GRUB_CMDLINE_LINUX="   selinux=0  rd.auto=1 net.ifnames=0 lockdown=integrity "
GRUB_CMDLINE_LINUX_DEFAULT=" $kernelopts"
    
# =============================notice===============================
# IMPORTANT: package and feature-specific behaviors are defined in
#   /etc/default/grub.d/*.cfg. The cfg files are sourced last
# =============================notice===============================
for x in /etc/default/grub.d/*.cfg ; do
    if [ -e "${x}" ]; then
        . "${x}"%s
    fi
done
"""  # noqa: W293
WARNS = ' || grub_warn "Received non-zero exit code from ${x}."'
PACKAGE = 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX crashkernel=256M"\n'


def azure_linux(folder, text):
    files = {
        MAIN: text, "/etc/default/grub.d/10_kexec.cfg": PACKAGE,
        "/usr/sbin/grub2-mkconfig": Program("#!/bin/sh\n. grub"),
        "/boot/grub2/grub.cfg": mkconfig.entry("x", "6.6", ""), "/boot/vmlinuz-6.6": "x",
    }  # fmt: skip
    return Grub2(Guest(make_tree(folder, files)))


@pytest.mark.parametrize("warns", ["", WARNS])
def test_azure_linuxs_own_loop_over_the_folder_is_understood(tmp_path, warns):
    one = azure_linux(tmp_path, AZURE_LINUX % warns)
    given = ["selinux=0", "rd.auto=1", "net.ifnames=0", "lockdown=integrity"]
    assert one.arguments()["future"] == given + ["crashkernel=256M"]
    changes = done(one, one.set_arguments(ADD, REMOVE)) + done(one, one.set_menu_on_serial(115200))
    assert one.arguments()["future"] == given + ADD
    assert list(one.set_arguments(ADD, REMOVE)) == []
    text = content(one.guest.root, MAIN)
    assert 'GRUB_CMDLINE_LINUX="   selinux=0  rd.auto=1 net.ifnames=0 lockdown=integrity %s "' % OURS in text
    assert 'GRUB_CMDLINE_LINUX_DEFAULT=" $kernelopts"' in text
    assert text.endswith((AZURE_LINUX % warns).split("=notice=")[-1].split("\n", 1)[1])
    assert [change.path for change in changes] == [MAIN, "/etc/default/grub.d/10_kexec.cfg", MAIN]
    assert text.index("GRUB_TERMINAL=") < text.index("for x in")


def test_another_loop_is_not_guessed_at(tmp_path):
    from agentprep.errors import Blocked

    with pytest.raises(Blocked, match="may assign any variable"):
        azure_linux(tmp_path, (AZURE_LINUX % "").replace("/*.cfg", "/*.sh")).arguments()
