grub-install --target=i386-pc "$DISK"
update-grub
