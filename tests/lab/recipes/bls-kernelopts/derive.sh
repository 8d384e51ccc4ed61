# RHEL 8: every entry says $kernelopts, grubenv says what that is, and grub.cfg says it where grubenv does not.
set -eu
grub-editenv - set "kernelopts=$(cat /etc/kernel/cmdline) "
rm /etc/kernel/cmdline
for entry in /boot/loader/entries/*.conf; do
    case $entry in
    *-0-rescue.conf) ;;
    *) sed -i 's|^options .*|options $kernelopts|' "$entry" ;;
    esac
done
cat >/etc/grub.d/10_linux <<'S'
#!/bin/sh
set -e
. "$pkgdatadir/grub-mkconfig_lib"
prepare_grub_to_access_device "$(grub-probe --target=device /boot)"
cat <<EOF
if [ -z "\${kernelopts}" ]; then
  set kernelopts="root=UUID=$GRUB_DEVICE_UUID ro $GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT"
fi
insmod blsuki
blscfg
EOF
S
update-grub
sync
