#!/bin/sh
# $1 holds the essential packages and nothing else yet.
set -eu

# The image that is built while packages are installed is the one of the source machine: as a host-only image on KVM it
# holds the driver of that machine's disk and no other.  A chroot cannot see the disk, hence the list.
mkdir -p "$1/etc/dracut.conf.d"
cat >"$1/etc/dracut.conf.d/source-vm.conf" <<'S'
hostonly="no"
drivers=" virtio_blk "
dracutmodules=" systemd-initrd dracut-systemd base rootfs-block kernel-modules udev-rules fs-lib shutdown usrmount "
compress="cat"
S
