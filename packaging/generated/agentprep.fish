# Completion of agentprep(8) in fish.
# Made by packaging/generate.py (make generated): edit packaging/templates or the records.

function __agentprep_words --description 'Print the command on the command line and its arguments, without options'
    set -l before (commandline -opc)
    set -e before[1]
    set -l value no
    for word in $before
        if test $value = yes
            set value no
            continue
        end
        switch $word
            case --root --policy --set --color --format --skip --only --generation --limit
                set value yes
            case '-*'
            case '*'
                printf '%s\n' $word
        end
    end
end

function __agentprep_on --description 'Whether it is this command, and stands there with that many arguments'
    set -l words (__agentprep_words)
    test "$words[1]" = $argv[1]; or return 1
    test (count $argv) = 1; or test (count $words) = (math $argv[2] + 1)
end

function __agentprep_free --description 'Whether there is no command yet'
    test (count (__agentprep_words)) = 0
end

function __agentprep_ids --description 'Print every requirement that the list on the command line has not'
    set -l given (string split , -- (string replace -r '^--[a-z]+=' '' -- (commandline -ct)))
    __agentprep_all_ids | while read -d \t -l id title
        contains -- $id $given[1..-2]; or printf '%s\t%s\n' $id $title
    end
end

function __agentprep_all_ids
    printf '%s\t%s\n' architecture 'The guest is 64-bit Linux with a kernel that can run on Azure'
    printf '%s\t%s\n' agent-package 'The Azure Linux agent is installed and starts at boot'
    printf '%s\t%s\n' ssh-server 'sshd starts at boot and notices when a client is gone'
    printf '%s\t%s\n' kernel-hyperv 'Every installed kernel has the Hyper-V drivers'
    printf '%s\t%s\n' kernel-udf 'UDF, ISO 9660, vfat and the CD drive are usable'
    printf '%s\t%s\n' disk-size 'The OS disk is a whole number of MiB and not too large'
    printf '%s\t%s\n' disk-layout '/ is on a plain partition that leaves the first MiB free'
    printf '%s\t%s\n' fstab 'File systems and the kernel\'s root= are named by UUID'
    printf '%s\t%s\n' os-swap 'No swap is on the OS disk, and nothing waits for it at boot'
    printf '%s\t%s\n' numa 'Kernels below 2.6.37 are booted with numa=off'
    printf '%s\t%s\n' kernel-cmdline 'Every boot entry, and every later kernel\'s, has Azure\'s kernel arguments'
    printf '%s\t%s\n' grub-serial 'GRUB shows its menu on the serial port too'
    printf '%s\t%s\n' floppy 'The floppy driver is not loaded'
    printf '%s\t%s\n' initrd-hyperv 'The initrd of every installed kernel holds the Hyper-V modules'
    printf '%s\t%s\n' efi-fallback 'The EFI system partition boots without the firmware\'s own entries'
    printf '%s\t%s\n' agent-conf 'waagent.conf names the provisioner and who prepares the resource disk'
    printf '%s\t%s\n' cloud-init 'Where cloud-init provisions, it runs and looks for Azure'
    printf '%s\t%s\n' network 'The first network card gets its address by DHCP'
    printf '%s\t%s\n' sudo 'sudo asks for the user\'s own password'
    printf '%s\t%s\n' time 'chrony takes the time from the Azure host\'s clock'
    printf '%s\t%s\n' selinux-labels 'Where SELinux is enforced, every file has its label'
    printf '%s\t%s\n' certification 'Azure\'s Marketplace certification finds nothing to reject'
    printf '%s\t%s\n' deprovision-hostname 'The host name is localhost.localdomain until Azure gives a new one'
    printf '%s\t%s\n' deprovision-agent 'waagent has deprovisioned the machine'
    printf '%s\t%s\n' deprovision-cloud-init 'cloud-init knows nothing of this machine'
    printf '%s\t%s\n' deprovision-identity 'Nothing tells this machine from another: keys, ids, leases, seeds, registrations'
    printf '%s\t%s\n' deprovision-logs 'Logs, mail, caches and temporary files are gone'
    printf '%s\t%s\n' deprovision-histories 'No user\'s shell history is left'
    printf '%s\t%s\n' deprovision-last-shell 'The history of the shell that is at work now is removed at power-off'
    printf '%s\t%s\n' deprovision 'Nothing of this machine is left on the disk but what is named here'
    printf '%s\t%s\n' deprovision-own-units 'agentprep does not start at boot any more'
end

function __agentprep_settings
    set -l word (string replace -r '^--set=' '' -- (commandline -ct))
    if not string match -q '*=*' -- $word
        printf '%s\t%s\n' mechanisms.boot= 'What boots the guest'
        printf '%s\t%s\n' mechanisms.initrd= 'What builds initrds'
        printf '%s\t%s\n' mechanisms.packages= 'What installs packages'
        printf '%s\t%s\n' mechanisms.init= 'What starts services'
        printf '%s\t%s\n' kernel-cmdline.add= 'Arguments that every boot entry and every future kernel gets'
        printf '%s\t%s\n' kernel-cmdline.remove= 'Arguments that none gets'
        printf '%s\t%s\n' kernel-cmdline.keep= 'Names or arguments taken off the list above, for example crashkernel'
        printf '%s\t%s\n' kernel-cmdline.longest_sleep= 'Seconds of rootdelay= where the guest\'s initrd sleeps them at every boot, ready or not, as initramfs-tools does'
        printf '%s\t%s\n' grub-serial.enabled= 'GRUB\'s own menu on the serial port as well, so that another kernel can be chosen in Azure\'s serial console'
        printf '%s\t%s\n' grub-serial.speed= 'Bits per second'
        printf '%s\t%s\n' initrd-hyperv.modules= 'Modules that the initrd of every installed kernel holds unless they are built in'
        printf '%s\t%s\n' initrd-hyperv.builds= 'Initrds built at the same time'
        printf '%s\t%s\n' agent-conf.provisioner= 'Who makes a VM out of the disk on Azure'
        printf '%s\t%s\n' agent-conf.format= 'waagent formats and mounts the resource disk, which comes empty'
        printf '%s\t%s\n' agent-conf.filesystem= 'The file system that the resource disk gets'
        printf '%s\t%s\n' agent-conf.mount_point= 'Where the resource disk is mounted'
        printf '%s\t%s\n' agent-conf.enable_swap= 'waagent makes a swap file on the resource disk'
        printf '%s\t%s\n' agent-conf.swap_size_mb= 'MiB of swap on the resource disk'
        printf '%s\t%s\n' cloud-init.swap= 'cloud-init makes the swap on the resource disk where cloud-init provisions, since waagent keeps its hands off that disk then'
        printf '%s\t%s\n' ssh-server.client_alive_interval= 'Seconds after which sshd asks a silent client whether it is there'
        printf '%s\t%s\n' fstab.rewrite= 'Device names that change with the hypervisor become UUID=, in fstab and in the kernel\'s root='
        printf '%s\t%s\n' os-swap.remove= 'Swap on the OS disk goes, with all that waits for it at boot'
        printf '%s\t%s\n' network.nm_controlled= 'NM_CONTROLLED in Red Hat\'s ifcfg-eth0'
        printf '%s\t%s\n' deprovision.enabled= 'The last, one-way part of a run'
        printf '%s\t%s\n' deprovision.user= 'waagent also deletes the user that it provisioned last, and that user\'s home'
        printf '%s\t%s\n' service.run= 'agentprep.service may prepare, deprovision and power off this machine at its next boot'
        printf '%s\t%s\n' limits.command= 'Seconds that one command may take'
        printf '%s\t%s\n' limits.lock= 'Seconds to wait for a package manager that is at work, as unattended upgrades are soon after a boot'
        printf '%s\t%s\n' limits.reserve= 'MiB that stay free on every file system that is written to'
        return
    end
    switch (string replace -r '=.*' '' -- $word)
        case grub-serial.enabled
            printf '%s\n' grub-serial.enabled=yes grub-serial.enabled=no
        case agent-conf.provisioner
            printf '%s\n' agent-conf.provisioner=auto agent-conf.provisioner=waagent agent-conf.provisioner=cloud-init
        case agent-conf.format
            printf '%s\n' agent-conf.format=yes agent-conf.format=no
        case agent-conf.filesystem
            printf '%s\n' agent-conf.filesystem=ext3 agent-conf.filesystem=ext4 agent-conf.filesystem=xfs agent-conf.filesystem=btrfs
        case agent-conf.enable_swap
            printf '%s\n' agent-conf.enable_swap=yes agent-conf.enable_swap=no
        case cloud-init.swap
            printf '%s\n' cloud-init.swap=yes cloud-init.swap=no
        case fstab.rewrite
            printf '%s\n' fstab.rewrite=yes fstab.rewrite=no
        case os-swap.remove
            printf '%s\n' os-swap.remove=yes os-swap.remove=no
        case network.nm_controlled
            printf '%s\n' network.nm_controlled=auto network.nm_controlled=yes network.nm_controlled=no
        case deprovision.enabled
            printf '%s\n' deprovision.enabled=yes deprovision.enabled=no
        case deprovision.user
            printf '%s\n' deprovision.user=yes deprovision.user=no
        case service.run
            printf '%s\n' service.run=yes service.run=no
    end
end

function __agentprep_runs
    set -l before (commandline -opc)
    set -l root (string match -- '--root=*' $before)
    if set -l at (contains -i -- --root $before)
        set root --root $before[(math $at + 1)]
    end
    agentprep history $root 2>/dev/null | string match -r '^[0-9].*' | string replace -r '^(\S+)\s+' '$1\t'
end

complete -c agentprep -f
complete -c agentprep -l root -x -a '(__fish_complete_directories (commandline -ct))' -d 'the guest is the tree mounted at DIR'
complete -c agentprep -l policy -r -F -a 'default current' -d 'a policy file, or a shipped one: default, current'
complete -c agentprep -l set -x -a '(__agentprep_settings)' -d 'one value of the policy'
complete -c agentprep -l json -d 'one JSON document on standard output'
complete -c agentprep -l quiet -d 'only what is wrong, and how it ended'
complete -c agentprep -l verbose -d 'more: titles, sources, the output of commands'
complete -c agentprep -l color -x -a 'auto always never' -d 'colours (default: on a terminal)'
complete -c agentprep -s h -l help -d 'show this help message and exit'
complete -c agentprep -n '__agentprep_free' -l version -d 'show program\'s version number and exit'
complete -c agentprep -n '__agentprep_free' -a check -d 'say of every requirement whether it holds; changes nothing'
complete -c agentprep -n '__agentprep_free' -a plan -d 'show every change that a run would make, as diffs; changes nothing'
complete -c agentprep -n '__agentprep_free' -a run -d 'bring everything about, verify it, then deprovision'
complete -c agentprep -n '__agentprep_free' -a rollback -d 'take back what the last run changed'
complete -c agentprep -n '__agentprep_free' -a history -d 'list the runs that are on record'
complete -c agentprep -n '__agentprep_free' -a explain -d 'say what a requirement is, why, and how to do it by hand'
complete -c agentprep -n '__agentprep_free' -a policy -d 'print the effective policy and where each value came from'
complete -c agentprep -n '__agentprep_free' -a vhd -d 'check a disk image outside the guest, or make it the fixed VHD that Azure takes'
complete -c agentprep -n '__agentprep_on check' -l format -x -a 'text json junit markdown html' -d 'text, or one document of this kind on standard output'
complete -c agentprep -n '__agentprep_on check' -l skip -x -a '(__fish_complete_list , __agentprep_ids)' -d 'leave a requirement out; several with commas'
complete -c agentprep -n '__agentprep_on check' -l only -x -a '(__fish_complete_list , __agentprep_ids)' -d 'only this requirement; several with commas'
complete -c agentprep -n '__agentprep_on plan' -l format -x -a 'text json junit markdown html' -d 'text, or one document of this kind on standard output'
complete -c agentprep -n '__agentprep_on plan' -l skip -x -a '(__fish_complete_list , __agentprep_ids)' -d 'leave a requirement out; several with commas'
complete -c agentprep -n '__agentprep_on plan' -l only -x -a '(__fish_complete_list , __agentprep_ids)' -d 'only this requirement; several with commas'
complete -c agentprep -n '__agentprep_on plan' -l no-deprovision -d 'leave out the part that cannot be undone'
complete -c agentprep -n '__agentprep_on run' -l format -x -a 'text json junit markdown html' -d 'text, or one document of this kind on standard output'
complete -c agentprep -n '__agentprep_on run' -l skip -x -a '(__fish_complete_list , __agentprep_ids)' -d 'leave a requirement out; several with commas'
complete -c agentprep -n '__agentprep_on run' -l only -x -a '(__fish_complete_list , __agentprep_ids)' -d 'only this requirement; several with commas'
complete -c agentprep -n '__agentprep_on run' -l no-deprovision -d 'leave out the part that cannot be undone'
complete -c agentprep -n '__agentprep_on run' -l yes -d 'do not ask before the part that cannot be undone'
complete -c agentprep -n '__agentprep_on run' -l poweroff -d 'power the machine off as the last act'
complete -c agentprep -n '__agentprep_on run' -l unattended -d 'as the systemd units do: ask nothing, and only where service.run or agentprep.run= allows it'
complete -c agentprep -n '__agentprep_on rollback' -l force -d 'leave files that somebody edited since as they are'
complete -c agentprep -n '__agentprep_on rollback 0' -a '(__agentprep_runs)'
complete -c agentprep -n '__agentprep_on explain 0' -a '(__agentprep_ids)'
complete -c agentprep -n '__agentprep_on vhd' -l format -x -a 'text json junit markdown html' -d 'text, or one document of this kind on standard output'
complete -c agentprep -n '__agentprep_on vhd' -l force -d 'convert: replace a VHD that is there already'
complete -c agentprep -n '__agentprep_on vhd' -l generation -x -a '1 2' -d 'the disk is for a VM of this generation'
complete -c agentprep -n '__agentprep_on vhd' -l limit -x -a 'document gen1 gen2 upload' -d 'the largest size that is right (default: by generation)'
complete -c agentprep -n '__agentprep_on vhd 0' -a 'check convert finish unfinish'
complete -c agentprep -n '__agentprep_on vhd 1' -F
complete -c agentprep -n '__agentprep_on vhd 2' -F
