#!/bin/sh
set -eu
echo 'kdump-tools kdump-tools/use_kdump boolean false' | chroot "$1" debconf-set-selections
