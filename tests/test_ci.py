"""What CI says of skipped tests."""

import subprocess
import sys
from pathlib import Path

import pytest

SKIPS = Path(__file__).resolve().parents[1] / ".ci" / "skips.py"
RUN = """<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" errors="{errors}" failures="0"
 skipped="1" tests="3"><testcase classname="tests.test_a" name="test_one" />
<testcase classname="tests.test_a" name="test_two"><skipped type="pytest.skip" message="{reason}">a</skipped></testcase>
<testcase classname="tests.test_a" name="test_three" /></testsuite></testsuites>"""
ALLOWED = "# a comment\nneeds a (GPU|QPU) # no such machine has one\n"


@pytest.mark.parametrize(
    "reason, errors, code, said",
    [
        ("needs a GPU to run", 0, 0, "2 passed, 0 failed, 1 skipped"),
        ("needs a GPU to run", 1, 1, "1 passed, 1 failed, 1 skipped"),
        ("it needs a GPU", 0, 1, "2 passed, 1 failed, 0 skipped"),
        ("there is no cpio", 0, 1, "1 tests were skipped that must run here"),
    ],
)
def test_a_skip_that_is_not_allowed_fails_the_run(tmp_path, reason, errors, code, said):
    (tmp_path / "allowed").write_text(ALLOWED)
    (tmp_path / "suite.xml").write_text(RUN.format(reason=reason, errors=errors))
    argv = [sys.executable, str(SKIPS), str(tmp_path / "allowed"), str(tmp_path / "suite.xml")]
    done = subprocess.run(argv, stdout=subprocess.PIPE)
    assert done.returncode == code
    assert said in done.stdout.decode()
    assert "tests.test_a::test_two: " + reason in done.stdout.decode()


def test_a_run_that_left_no_result_fails(tmp_path):
    (tmp_path / "allowed").write_text(ALLOWED)
    argv = [sys.executable, str(SKIPS), str(tmp_path / "allowed"), str(tmp_path / "none.xml")]
    assert subprocess.run(argv, stderr=subprocess.PIPE).returncode != 0
