#!/bin/sh
set -eu
root=$1

# A fresh Debian has this template in place of the list above.
cp "$root/usr/share/initramfs-tools/modules" "$root/etc/initramfs-tools/modules"
printf 'MODULES=dep\nCOMPRESSLEVEL=1\n' >"$root/etc/initramfs-tools/conf.d/source-vm"
echo "RESUME=UUID=$LAB_SWAP_UUID" >"$root/etc/initramfs-tools/conf.d/resume"

# initramfs-tools sleeps rootdelay= to its end at every boot (its init: sleep "$ROOTDELAY").  That stays as it is: agentprep
# cuts the delay to 30 seconds on such a guest (policy kernel-cmdline.longest_sleep), and the boots here prove it.
