#!/bin/sh
set -eu
sed -i -e 's|^GRUB_CMDLINE_LINUX_DEFAULT=.*|GRUB_CMDLINE_LINUX_DEFAULT="quiet"|' \
    -e "s|^GRUB_CMDLINE_LINUX=.*|GRUB_CMDLINE_LINUX=\"net.ifnames=0 resume=UUID=$LAB_SWAP_UUID\"|" \
    -e 's|^GRUB_TIMEOUT=.*|GRUB_TIMEOUT=1|' "$1/etc/default/grub"
