#!/bin/sh
# $1 holds the essential packages and nothing else yet.
set -eu
root=$1

# Small initrds while packages are installed; they serve the setup boot only.
mkdir -p "$root/etc/initramfs-tools/conf.d"
printf 'MODULES=list\nCOMPRESSLEVEL=1\nRESUME=none\n' >"$root/etc/initramfs-tools/conf.d/source-vm"
printf 'virtio_pci\nvirtio_blk\next4\n' >"$root/etc/initramfs-tools/modules"
