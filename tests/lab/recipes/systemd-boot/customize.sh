#!/bin/sh
set -eu
mkdir -p "$1/etc/kernel"
echo "root=UUID=$LAB_ROOT_UUID ro net.ifnames=0 resume=UUID=$LAB_SWAP_UUID quiet" >"$1/etc/kernel/cmdline"
echo 'layout=bls' >"$1/etc/kernel/install.conf"
