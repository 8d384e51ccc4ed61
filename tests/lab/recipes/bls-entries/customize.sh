#!/bin/sh
# grub.cfg names no kernel: RHEL's 10_linux, with GRUB_ENABLE_BLSCFG=true, writes these commands (its module is blscfg).
set -eu
root=$1
sed -i 's|^GRUB_DEFAULT=.*|GRUB_DEFAULT=saved|' "$root/etc/default/grub"
echo 'GRUB_ENABLE_BLSCFG=true' >>"$root/etc/default/grub"
cat >"$root/etc/grub.d/10_linux" <<'S'
#!/bin/sh
set -e
. "$pkgdatadir/grub-mkconfig_lib"
prepare_grub_to_access_device "$(grub-probe --target=device /boot)"
cat <<'EOF'
insmod blsuki
blscfg
EOF
S
mkdir -p "$root/etc/kernel"
echo "root=UUID=$LAB_ROOT_UUID ro net.ifnames=0 resume=UUID=$LAB_SWAP_UUID quiet" >"$root/etc/kernel/cmdline"
