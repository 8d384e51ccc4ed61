# As Debian's installer does by default: an entry in the firmware's memory, and no loader in EFI/BOOT.
grub-install --target=x86_64-efi
update-grub
efibootmgr
test ! -e /boot/efi/EFI/BOOT
