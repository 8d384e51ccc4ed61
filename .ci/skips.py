"""Every skipped test of the runs is one that may be skipped; prints them and the sum of all runs.

usage: skips.py ALLOWED JUNIT.xml...     exit code 1 when a test was skipped whose reason is not among the allowed

A line of ALLOWED is a regular expression that a reason must match from its beginning, then " # " and why that is right.
"""

import re
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Tuple
from xml.etree import ElementTree


def allowed(path: Path) -> Dict[str, str]:
    lines = [line.strip() for line in path.read_text().splitlines()]
    parts = [line.partition(" # ") for line in lines if line and not line.startswith("#")]
    return {pattern.strip(): why.strip() for pattern, _, why in parts}


def skipped(path: Path) -> Iterator[Tuple[str, str]]:
    """The name and the reason of every test that was skipped or is expected to fail."""
    for case in ElementTree.parse(str(path)).iter("testcase"):
        for one in case.iter("skipped"):
            yield "%s::%s" % (case.get("classname"), case.get("name")), one.get("message", "")


def main(argv: List[str]) -> int:
    reasons = allowed(Path(argv[0]))
    wrong = passed = failed = left_out = 0
    for path in map(Path, argv[1:]):
        there = list(skipped(path))
        for name, reason in there:
            why = next((why for pattern, why in reasons.items() if re.match(pattern, reason)), None)
            wrong += why is None
            verdict = "MUST RUN HERE" if why is None else "fine: " + why
            print("%s: skipped %s: %s (%s)" % (path.stem, name, reason, verdict))
        for suite in ElementTree.parse(str(path)).iter("testsuite"):
            bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            failed += bad
            passed += int(suite.get("tests", 0)) - bad - len(there)
        left_out += len(there)
    if wrong:
        print("%d tests were skipped that must run here; .ci/skips.txt lists what may be skipped, and why" % wrong)
    print("%d passed, %d failed, %d skipped" % (passed, failed + wrong, left_out - wrong))
    return 1 if wrong or failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
