"""The manual page: made from the records, and right for groff."""

import os
import shutil
import subprocess
import sys

from agentprep import session

SCRIPT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "packaging", "manpage.py")


def test_the_page_has_every_requirement_and_groff_has_no_complaint(tmp_path):
    done = subprocess.run([sys.executable, SCRIPT], stdout=subprocess.PIPE)
    page = done.stdout.decode()
    assert done.returncode == 0
    for name in session.known_ids():
        assert "\n\\fB%s\\fR\n" % name.replace("-", "\\-") in page
    assert shutil.which("groff"), "install groff"
    groff = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=done.stdout, stderr=subprocess.PIPE)
    assert groff.returncode == 0 and groff.stderr == b"", groff.stderr.decode()
