"""A whole tree as data, metadata included, without agentprep's own state."""

import os
import stat


def snapshot(root, own=False):
    """Path -> type, mode, owner, time of change, attributes and content of everything below root."""
    found = {}
    for folder, folders, names in os.walk(root):
        if not own and folder == root + "/var/lib/agentprep":
            folders[:] = []
            continue
        for name in folders + names:
            path = os.path.join(folder, name)
            told = os.lstat(path)
            if not own and path == root + "/var/lib/agentprep":
                continue
            if stat.S_ISLNK(told.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(told.st_mode):
                with open(path, "rb") as stream:
                    content = stream.read()
            else:
                content = None
            time = told.st_mtime_ns if content is not None and not stat.S_ISLNK(told.st_mode) else 0
            attributes = sorted((one, os.getxattr(path, one, follow_symlinks=False))
                                for one in os.listxattr(path, follow_symlinks=False))  # fmt: skip
            found[path[len(root) :]] = (told.st_mode, told.st_uid, told.st_gid, time, attributes, content)
    return found
