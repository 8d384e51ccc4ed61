# Runs once as root in the guest, on its own disk; $DISK is that disk.
fallocate -l 64M /swapfile
chmod 0600 /swapfile
mkswap /swapfile
mkswap --uuid "$LAB_SWAP_UUID" "${DISK}2"
update-initramfs -u -k all
grub-install --target=i386-pc "$DISK"
update-grub
