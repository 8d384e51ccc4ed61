# The entries that kernel-install and dracut make on RHEL 9 as a kernel is installed, the rescue one among them.
id=$(cat /etc/machine-id)
mkdir -p /boot/loader/entries
for version in $(ls /lib/modules); do
    cp "/boot/vmlinuz-$version" "/boot/vmlinuz-0-rescue-$id"
    cp "/boot/initrd.img-$version" "/boot/initrd.img-0-rescue-$id"
    for name in "$version" "0-rescue-$id"; do
        entry=/boot/loader/entries/$id-${name%"-$id"}.conf
        cat >"$entry" <<S
title Debian GNU/Linux ($name) forky/sid
version $name
linux /vmlinuz-$name
initrd /initrd.img-$name
options $(cat /etc/kernel/cmdline)
grub_users \$grub_users
grub_arg --unrestricted
grub_class debian
S
    done
    grub-editenv - set "saved_entry=$id-$version"
done
update-grub
grep blscfg /boot/grub/grub.cfg
