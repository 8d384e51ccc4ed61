import os
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats.versions import dpkg, dpkg_key, numbers, rpm, rpm_key, rpmvercmp

PATH = os.defpath + ":/usr/sbin:/sbin"


@pytest.mark.parametrize(
    "release,found",
    [
        ("6.1.0-28-amd64", (6, 1, 0, 28)),
        ("6.1.0-0.deb11.21-cloud-amd64", (6, 1, 0, 0)),
        ("2.6.32-754.el6.x86_64", (2, 6, 32, 754)),
        ("3.10.0-1160.119.1.el7.x86_64", (3, 10, 0, 1160, 119, 1)),
        ("2.6.39-400.17.1.el6uek.x86_64", (2, 6, 39, 400, 17, 1)),
        ("5.3.18-150300.59.106-default", (5, 3, 18, 150300, 59, 106)),
        ("6.8.0-31-generic", (6, 8, 0, 31)),
        ("6.12.0-rc3+", (6, 12, 0)),
        ("6.18", (6, 18)),
    ],
)
def test_the_numbers_of_a_kernel_release(release, found):
    assert numbers(release) == found


@pytest.mark.parametrize("release", ["", "kdump", "-1", "v6.1", "\u0663.1"])
def test_other_names_are_no_releases(release):
    with pytest.raises(Malformed, match="no kernel release"):
        numbers(release)


# From rpm's own tests/rpmvercmp.at.
RPMVERCMP = """
1.0 1.0 0
1.0 2.0 -1
2.0.1 2.0.1 0
2.0 2.0.1 -1
2.0.1a 2.0.1 1
5.5p1 5.5p2 -1
5.5p10 5.5p1 1
10xyz 10.1xyz -1
xyz10 xyz10.1 -1
xyz.4 8 -1
xyz.4 2 -1
5.5p2 5.6p1 -1
5.6p1 6.5p1 -1
6.0.rc1 6.0 1
10b2 10a1 1
1.0aa 1.0a 1
10.0001 10.1 0
10.0001 10.0039 -1
4.999.9 5.0 -1
20101121 20101122 -1
2_0 2.0 0
a+ a_ 0
+a _a 0
+ _ 0
1.0~rc1 1.0 -1
1.0~rc1 1.0~rc2 -1
1.0~rc1~git123 1.0~rc1 -1
1.0^ 1.0 1
1.0^git1 1.0^git2 -1
1.0^git1 1.01 -1
1.0^20160101 1.0.1 -1
1.0^20160101^git1 1.0^20160102 -1
1.0~rc1^git1 1.0~rc1 1
1.0^git1~pre 1.0^git1 -1
"""

RPM = """
1.0 1:1.0 -1
0:1.0-1 1.0-1 0
2:1.0-1 10:0.1-1 -1
4.18.0-553.el8 4.18.0-80.el8 1
2.6.32-754.el6 2.6.32-754.35.1.el6 -1
4.3.4-6.el7 4.3.4-6.el7_9 -1
1.0 1.0-1 -1
a:1.0 1.0 -1
"""

DPKG = """
1.0 1.0 0
1.0 1.0-0 0
1.0 1.0-1 -1
1.0~rc1 1.0 -1
1.0~~ 1.0~ -1
1.0 1.0+b1 -1
6.1.140-1 6.1.140-1+deb12u1 -1
6.1.99-1 6.1.140-1 -1
1:0.1 99 1
2.06-13+deb12u1 2.06-13 1
1.2a 1.2+ -1
1.2a 1.2B 1
1.0-1-1 1.0-1 1
00 0 0
a a0 0
"""


def rows(table):
    return [(one, other, int(order)) for one, other, order in (line.split() for line in table.split("\n") if line)]


@pytest.mark.parametrize("one,other,order", rows(RPMVERCMP))
def test_rpmvercmp(one, other, order):
    assert (rpmvercmp(one, other), rpmvercmp(other, one)) == (order, -order)


@pytest.mark.parametrize("one,other,order", rows(RPM))
def test_rpm(one, other, order):
    assert (rpm(one, other), rpm(other, one)) == (order, -order)


@pytest.mark.parametrize("one,other,order", rows(DPKG))
def test_dpkg(one, other, order):
    assert (dpkg(one, other), dpkg(other, one)) == (order, -order)


def test_the_newest_is_found_by_key():
    assert max(["6.1.0-9", "6.1.0-28", "6.1.0-28~bpo1"], key=dpkg_key) == "6.1.0-28"
    assert max(["4.18.0-80.el8", "4.18.0-553.el8", "4.18.0-553~1.el8"], key=rpm_key) == "4.18.0-553.el8"


def test_an_epoch_that_is_no_number():
    for version in ("a:1", ":1", "-1:1", "\u0661:1"):
        with pytest.raises(Malformed, match="epoch"):
            dpkg(version, "1")


part = st.text("0019aZ.+~", max_size=6).map(lambda text: "1" + text)
debian = st.tuples(st.sampled_from(["", "0:", "2:"]), part, st.sampled_from(["", "-0", "-1", "-1-"]), part).map("".join)
red_hat = st.tuples(st.sampled_from(["", "0:", "2:"]), st.text("0019aZ.+_~^", min_size=1, max_size=7)).map("".join)


@pytest.mark.skipif(not shutil.which("dpkg", path=PATH), reason="there is no dpkg to compare with")
@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(debian, debian), min_size=20, max_size=40))
def test_dpkg_says_so_too(pairs):
    script = "while read a b; do for o in lt eq gt; do dpkg --compare-versions $a $o $b && echo $o; done; done"
    given_pairs = "".join(f"{one} {other}\n" for one, other in pairs).encode()
    said = subprocess.run(["sh", "-c", script], input=given_pairs, stdout=subprocess.PIPE, env={"PATH": PATH}).stdout
    assert said.decode().split() == [("eq", "gt", "lt")[dpkg(one, other)] for one, other in pairs]


@pytest.mark.skipif(not shutil.which("rpm"), reason="there is no rpm to compare with")
@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(red_hat, red_hat), min_size=20, max_size=40))
def test_rpm_says_so_too(pairs):
    calls = "".join('print(rpm.vercmp("%s", "%s"), ";")' % pair for pair in pairs)
    said = subprocess.run(["rpm", "--eval", "%{lua:" + calls + "}"], stdout=subprocess.PIPE).stdout
    assert [int(line) for line in said.split(b";")[:-1]] == [rpm(one, other) for one, other in pairs]


@given(st.text(), st.text(), st.text())
def test_any_text_has_its_place_or_is_malformed(one, two, three):
    for key in (rpm_key, dpkg_key):
        try:
            keys = [key(text) for text in (one, two, three)]
        except Malformed:
            continue
        assert sorted(sorted(keys, reverse=True)) == sorted(keys)
    try:
        numbers(one)
    except Malformed:
        pass
