"""The commands of a tree of tests/roots as programs in that tree: each hands its words to this process and waits.

    with serving(tree, root):
        ...     # what runs in a chroot to `root` finds dracut, rpm and the like, which behave as in tests/test_roots.py

What runs there is a script of a static busybox; the tree's own handler does the work here, and its output and exit code
go back as files in /.commands of the tree.
"""

import os
import posixpath
import shutil
import threading
from contextlib import contextmanager

BUSYBOX = "/bin/busybox"
FOLDER = "/.commands"
PROXY = (
    """#!/usr/bin/busybox sh
mine=%s/$$
for word in "$0" "$@"; do printf '%%s\\0' "$word"; done >$mine.asked
mv $mine.asked $mine.ask
until [ -e $mine.code ]; do busybox sleep 0.02; done
busybox cat $mine.out
code=$(busybox cat $mine.code)
busybox rm -f $mine.out $mine.code
exit $code
"""
    % FOLDER
)


class Answers(threading.Thread):
    """Does what the programs of the tree ask for, one after the other, until it is told to stop."""

    def __init__(self, root, handlers):
        super().__init__(daemon=True)
        self.root, self.handlers = root, handlers
        self.ran, self.failed = [], None
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.wait(0.01):
            for name in sorted(os.listdir(self.root + FOLDER)):
                if name.endswith(".ask"):
                    self.answer(self.root + FOLDER + "/" + name)

    def answer(self, path):
        with open(path, encoding="utf-8") as stream:
            argv = tuple(stream.read().split("\0")[:-1])
        os.unlink(path)
        argv = (posixpath.basename(argv[0]),) + argv[1:]
        self.ran.append(argv)
        try:
            result = self.handlers[argv[0]](self.root, argv)
        except Exception as error:  # noqa: BLE001  the test fails with it when the serving ends
            self.failed, result = error, 99
        code, output = result if isinstance(result, tuple) else (result or 0, "")
        for suffix, content in ((".out", output), (".code", str(code))):
            with open(path[: -len(".ask")] + suffix + ".new", "w", encoding="utf-8") as stream:
                stream.write(content)
            os.rename(path[: -len(".ask")] + suffix + ".new", path[: -len(".ask")] + suffix)


@contextmanager
def serving(tree, root):
    """The tree's commands answer in `root`; yields what has run, as a list that grows."""
    os.makedirs(root + FOLDER, exist_ok=True)
    shutil.copy(BUSYBOX, root + "/usr/bin/busybox")
    for folder in ("/bin", "/sbin", "/usr/bin", "/usr/sbin"):
        for name in os.listdir(root + folder):
            path = "%s%s/%s" % (root, folder, name)
            if name in tree.commands and os.path.isfile(path) and not os.path.islink(path):
                os.unlink(path)
                with open(path, "w", encoding="utf-8") as stream:
                    stream.write(PROXY)
                os.chmod(path, 0o755)
    answers = Answers(root, tree.commands)
    answers.start()
    try:
        yield answers.ran
    finally:
        answers.stopped.set()
        answers.join()
        shutil.rmtree(root + FOLDER)
    if answers.failed:
        raise answers.failed
