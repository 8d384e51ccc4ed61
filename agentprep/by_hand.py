"""How a person does by hand what each family of guests does with a tool of its own: pieces of remedies."""

# For kernel arguments: what to edit, and what makes the menu anew.
ARGUMENTS = (
    "GRUB 2: GRUB_CMDLINE_LINUX in /etc/default/grub and /etc/default/grub.d; then update-grub, or grub2-mkconfig -o "
    "/boot/grub2/grub.cfg\n"
    "BLS entries (RHEL 8 and later, Fedora): the same file; grubby --update-kernel=ALL --args=... --remove-args=...; "
    "/etc/kernel/cmdline, where it is there\n"
    "systemd-boot: the options of each entry in loader/entries of /boot or the ESP, and /etc/kernel/cmdline\n"
    "GRUB Legacy: each kernel line of /boot/grub/menu.lst or grub.conf; for later kernels `# kopt=` in menu.lst, then "
    "update-grub (Debian, Ubuntu), or DEFAULT_APPEND in /etc/sysconfig/bootloader (SLES 11)"
)
INITRDS = (
    "Build every initrd: update-initramfs -u -k all (initramfs-tools); dracut --force IMAGE VERSION for each kernel; "
    "mkinitrd (SLES 11)"
)
POWER_OFF = "systemctl poweroff, or shutdown -P now where systemd does not run"


def install(debian: str, redhat: str, suse: str) -> str:
    """The commands that install a package, by its name in each family."""
    return "apt-get install %s; dnf or yum install %s; zypper install %s" % (debian, redhat, suse)
