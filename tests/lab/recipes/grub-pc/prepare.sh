#!/bin/sh
set -eu

# grub-pc may not ask for a disk: there is none in a chroot.
echo 'grub-pc grub-pc/install_devices_empty boolean true' | chroot "$1" debconf-set-selections
