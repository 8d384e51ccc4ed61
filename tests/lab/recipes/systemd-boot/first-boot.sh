bootctl install
printf 'timeout 1\n' >/boot/efi/loader/loader.conf
for version in $(ls /lib/modules); do
    kernel-install --verbose add "$version" "/boot/vmlinuz-$version" "/boot/initrd.img-$version"
done
find /boot/efi -type f -exec ls -l {} +
cat /boot/efi/loader/entries/*
