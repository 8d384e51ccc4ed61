#!/bin/sh
# $1 holds every package: make it the machine of somebody who has used it for a year on KVM.
# What needs the disk itself (swap, host-only initrds, boot loaders) is left to the first boot.
set -eu
root=$1

# A local repository for what the guest, which has no network, does not have yet.
mkdir -p "$root/srv/packages/partial"
chroot "$root" apt-get --yes --download-only -o Dir::Cache::archives=/srv/packages install waagent
rm -rf "$root/srv/packages/partial" "$root/srv/packages/lock"
for deb in "$root"/srv/packages/*.deb; do
    test -e "$deb" || continue
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
for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service \
    dpkg-db-backup.timer fstrim.timer logrotate.timer; do
    test ! -e "$root/lib/systemd/system/$unit" || chroot "$root" systemctl --quiet disable "$unit"
done
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

printf '# /etc/fstab: static file system information.\n# <file system>\t<mount point>\t<type>\t<options>\t<dump>\t<pass>\n%s' \
    "$LAB_FSTAB" >"$root/etc/fstab"
