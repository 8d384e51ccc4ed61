"""The guest's disk, outside the guest: what Azure takes is a fixed VHD whose size is a whole number of MiB."""
