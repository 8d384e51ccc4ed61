# The sequence of "Information for non-endorsed distributions" (2017) as a person does it on Debian, for the same end.
set -eu
sed -i -e 's/^GRUB_CMDLINE_LINUX=.*/GRUB_CMDLINE_LINUX="rootdelay=300 console=ttyS0,115200n8 earlyprintk=ttyS0,115200"/' \
    -e 's/^GRUB_CMDLINE_LINUX_DEFAULT=.*/GRUB_CMDLINE_LINUX_DEFAULT=""/' /etc/default/grub
printf '%s\n' hv_vmbus hv_storvsc hv_netvsc hid_hyperv hyperv_keyboard sd_mod >>/etc/initramfs-tools/modules
cd /boot
for image in initrd.img-*; do cp "$image" "$image.bak"; done
update-initramfs -u -k all
update-grub
sed -i -e 's/^ResourceDisk.Format=.*/ResourceDisk.Format=y/' \
    -e 's/^ResourceDisk.Filesystem=.*/ResourceDisk.Filesystem=ext4/' \
    -e 's/^ResourceDisk.MountPoint=.*/ResourceDisk.MountPoint=\/mnt\/resource/' \
    -e 's/^ResourceDisk.EnableSwap=.*/ResourceDisk.EnableSwap=y/' \
    -e 's/^ResourceDisk.SwapSizeMB=.*/ResourceDisk.SwapSizeMB=2048/' /etc/waagent.conf
