#!/usr/bin/python3
"""Everything that can be seen of the files under some folders, one JSON document; runs in the guest.

usage: manifest.py PATH...
"""

import hashlib
import json
import os
import stat
import sys


def seen(path):
    """Type and mode, owner, group, size, mtime in ns, extended attributes, and content (its SHA-256)."""
    status = os.lstat(path)
    names = sorted(os.listxattr(path, follow_symlinks=False))
    found = {
        "mode": stat.filemode(status.st_mode),
        "owner": (status.st_uid, status.st_gid),
        "xattrs": [(name, os.getxattr(path, name, follow_symlinks=False).hex()) for name in names],
    }
    if not stat.S_ISDIR(status.st_mode):  # what is made and removed in a folder changes its mtime
        found["mtime"] = status.st_mtime_ns
    if stat.S_ISLNK(status.st_mode):
        found["content"] = os.readlink(path)
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            found["content"] = hashlib.sha256(file.read()).hexdigest()
    return found


def below(top):
    yield top
    if os.path.isdir(top) and not os.path.islink(top):
        for folder, folders, files in os.walk(top):
            for name in sorted(folders + files):
                yield os.path.join(folder, name)


json.dump({path: seen(path) for top in sys.argv[1:] for path in below(top)}, sys.stdout)
