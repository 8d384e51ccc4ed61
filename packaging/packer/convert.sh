#!/bin/sh
# usage: convert.sh FOLDER ... VHD      the one disk in the folders becomes a VHD of fixed size and of whole MiB, for Azure
set -eu
disk=
while [ $# -gt 1 ]; do
    for found in "$1"/*.qcow2 "$1"/*.vmdk; do
        case $found in
            *-flat.vmdk | *-s[0-9][0-9][0-9].vmdk | *-f[0-9][0-9][0-9].vmdk) continue ;; # parts of a disk
        esac
        [ -e "$found" ] || continue
        [ -z "$disk" ] || {
            echo "convert.sh: there are two disks, $disk and $found; the data disks of a machine become VHDs of their own" >&2
            exit 1
        }
        disk=$found
    done
    shift
done
[ -n "$disk" ] || {
    echo "convert.sh: there is no .qcow2 or .vmdk; see what the build left in output" >&2
    exit 1
}
raw=${1%.vhd}.raw
trap 'rm -f "$raw"' EXIT
qemu-img convert -O raw "$disk" "$raw"
# Azure takes whole MiB only; nothing is lost, since it is rounded up.
truncate --size=%1M "$raw"
qemu-img convert -f raw -O vpc -o subformat=fixed,force_size "$raw" "$1"
