# GRUB 0.97 calls every disk (hdN), but its own grub-install does not know /dev/vda.
mkdir -p /boot/grub
cp /usr/lib/grub/x86_64-pc/*stage* /boot/grub/
echo "(hd0) $DISK" >/boot/grub/device.map
printf 'device (hd0) %s\nroot (hd0,0)\nsetup (hd0)\nquit\n' "$DISK" | grub --batch --no-floppy --device-map=/dev/null
# Debian's update-grub makes the menu, then makes it again of the options in its comments.
update-grub -y
sed -i -e "s|^# kopt=.*|# kopt=root=UUID=$LAB_ROOT_UUID ro net.ifnames=0 resume=UUID=$LAB_SWAP_UUID|" \
    -e 's|^# defoptions=.*|# defoptions=quiet|' -e 's|^timeout.*|timeout\t\t1|' /boot/grub/menu.lst
update-grub
cat /boot/grub/menu.lst
