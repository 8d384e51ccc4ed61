#!/bin/sh
# $1 holds every package: make it the machine of somebody who has used it for a year on KVM.
# What needs the disk itself (swap, initrds, GRUB) is left to first-boot.sh.
set -eu
root=$1

# A local repository for what the guest, which has no network, does not have yet.
mkdir -p "$root/srv/packages"
chroot "$root" sh -c 'cd /srv/packages && apt-get download waagent python3-pkg-resources'
for deb in "$root"/srv/packages/*.deb; do
    dpkg-deb --field "$deb"
    echo "Filename: ./$(basename "$deb")"
    echo "Size: $(stat --format=%s "$deb")"
    echo "SHA256: $(sha256sum <"$deb" | cut -d' ' -f1)"
    echo
done >"$root/srv/packages/Packages"
echo 'deb [trusted=yes] file:/srv/packages ./' >"$root/etc/apt/sources.list"
rm -rf "$root"/etc/apt/sources.list.d/* "$root"/etc/apt/apt.conf.d/99mmdebstrap \
    "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$root"/var/lib/apt/lists/*
chroot "$root" apt-get --quiet=2 update

# An emulated processor translates a program anew wherever it is loaded: without randomised addresses
# starting a process costs a quarter, and building an initrd a third.
echo 'kernel.randomize_va_space = 0' >"$root/etc/sysctl.d/emulated.conf"

# Nothing may start by itself in the middle of a test.
chroot "$root" systemctl --quiet disable \
    apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service \
    dpkg-db-backup.timer fstrim.timer logrotate.timer
chroot "$root" systemctl --quiet enable serial-getty@ttyS0.service

echo source-vm >"$root/etc/hostname"
printf '127.0.0.1\tlocalhost\n127.0.1.1\tsource-vm\n' >"$root/etc/hosts"
printf 'nameserver 192.0.2.53\n' >"$root/etc/resolv.conf"
chroot "$root" systemd-machine-id-setup
cat >"$root/etc/network/interfaces" <<'S'
auto lo
iface lo inet loopback

allow-hotplug eth0
iface eth0 inet dhcp
S
cat >"$root/etc/udev/rules.d/70-persistent-net.rules" <<'S'
# PCI device 0x1af4:0x1000 (virtio-pci)
SUBSYSTEM=="net", ACTION=="add", DRIVERS=="?*", ATTR{address}=="52:54:00:12:34:56", ATTR{dev_id}=="0x0", ATTR{type}=="1", NAME="eth0"
S
echo floppy >"$root/etc/modules-load.d/floppy.conf"

chroot "$root" useradd --create-home --shell /bin/bash --gid operator --groups sudo,adm operator
printf 'root:lab-root\noperator:lab-operator\n' | chroot "$root" chpasswd
for home in root home/operator; do
    mkdir -p "$root/$home/.ssh"
    echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMadeUpForTheLabMadeUpForTheLabMadeUpForTheLa lab@example.org' \
        >"$root/$home/.ssh/authorized_keys"
    printf 'ls -l\nmysql --password=secret-of-%s\n' "$(basename "$home")" >"$root/$home/.bash_history"
    chmod 0700 "$root/$home/.ssh"
    chmod 0600 "$root/$home/.ssh/authorized_keys" "$root/$home/.bash_history"
done
chroot "$root" chown -R operator:operator /home/operator

mkdir -p "$root/var/log/installer"
echo 'installed by hand' >"$root/var/log/installer/syslog"
echo 'Jan  1 00:00:00 source-vm sshd[1]: Accepted password for operator from 192.0.2.7' >"$root/var/log/auth.log"
: >"$root/var/log/wtmp"

sed -i -e 's|^GRUB_CMDLINE_LINUX_DEFAULT=.*|GRUB_CMDLINE_LINUX_DEFAULT="quiet"|' \
    -e "s|^GRUB_CMDLINE_LINUX=.*|GRUB_CMDLINE_LINUX=\"net.ifnames=0 resume=UUID=$LAB_SWAP_UUID\"|" \
    -e 's|^GRUB_TIMEOUT=.*|GRUB_TIMEOUT=1|' "$root/etc/default/grub"
cat >"$root/etc/fstab" <<S
# /etc/fstab: static file system information.
# <file system>	<mount point>	<type>	<options>	<dump>	<pass>
LABEL=source-root	/	ext4	errors=remount-ro	0	1
UUID=$LAB_BOOT_UUID	/boot	ext4	defaults	0	2
# swap was on /dev/vda2 during installation
UUID=$LAB_SWAP_UUID	none	swap	sw	0	0
/swapfile	none	swap	sw	0	0
S

# A fresh Debian has this template in place of the list above.
cp "$root/usr/share/initramfs-tools/modules" "$root/etc/initramfs-tools/modules"
printf 'MODULES=dep\nCOMPRESSLEVEL=1\n' >"$root/etc/initramfs-tools/conf.d/source-vm"
echo "RESUME=UUID=$LAB_SWAP_UUID" >"$root/etc/initramfs-tools/conf.d/resume"

# initramfs-tools sleeps rootdelay= to its end at every boot (its init: sleep "$ROOTDELAY").  That stays as it is: agentprep
# cuts the delay to 30 seconds on such a guest (policy kernel-cmdline.longest_sleep), and the boots here prove it.
