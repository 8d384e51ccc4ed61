fallocate -l 64M /swapfile
chmod 0600 /swapfile
mkswap /swapfile
