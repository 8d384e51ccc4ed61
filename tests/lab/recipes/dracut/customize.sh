#!/bin/sh
set -eu

# What such a machine has for the images that it builds itself: few modules and no compression, so that an emulated
# processor builds one in minutes.
cat >"$1/etc/dracut.conf.d/source-vm.conf" <<'S'
hostonly="yes"
hostonly_cmdline="no"
dracutmodules=" systemd-initrd dracut-systemd base rootfs-block kernel-modules udev-rules fs-lib shutdown usrmount "
compress="cat"
S
