"""The table of distributions: every row is complete, found by its own IDs, and of a kind that others know."""

import pytest

from agentprep.distros import FAMILIES, OTHER, ROWS, row

IDS = sorted({name for one in ROWS for name in one.ids})


@pytest.mark.parametrize("one", ROWS, ids=["%s-%s" % (one.ids[0], one.since) for one in ROWS])
def test_a_row_is_complete_and_found_by_its_ids(one):
    for name in one.ids:
        assert row(name, (), one.since) is one
        assert row("descendant", ("nobody", name), one.since) is one
    assert one.agent_packages and one.agent_services and one.ssh_package and one.ssh_services and one.repository
    assert one.esp_folders and one.hyperv_packages and one.family in FAMILIES
    assert one.network in ("sysconfig-el", "sysconfig-suse", "none")
    assert bool(one.agent_conflicts) == bool(one.network_packages), "what goes is replaced"


@pytest.mark.parametrize("name", IDS)
def test_the_releases_of_an_id_do_not_overlap(name):
    since = [one.since for one in ROWS if name in one.ids]
    assert len(since) == len(set(since))


def test_a_release_gets_the_row_that_it_belongs_to():
    def since(name, release, *like):
        return row(name, like, release).since

    assert [since("rhel", release) for release in ("6.0", "6.10", "7", "7.9", "8.10", "9.7", "10.1", "11")] == [
        "6", "6", "7", "7", "8", "9", "10", "10",
    ]  # fmt: skip
    assert since("rhel", "5.11") == "6", "the oldest is nearest"
    assert since("sles", "") == "16" and since("x", "1.0", "suse") == "16", "the newest where nothing tells"
    assert since("centos", "10") == "8" and since("sles", "15.6") == "12" and since("sles", "11.4") == "11"
    assert row("unknown", ("also", "unknown"), "1") is OTHER


def test_the_id_comes_before_what_it_is_like():
    assert row("almalinux", ("rhel", "centos", "fedora"), "9.3").esp_folders == ("almalinux",)
    assert row("amzn", ("centos", "rhel", "fedora"), "2").family == "amazon"
    assert row("new", ("rocky", "rhel"), "9").esp_folders == ("rocky",), "the first that has a row"


def test_names_that_matter():
    assert row("rhel", (), "6.5").agent_conflicts == ("NetworkManager",)
    assert row("rhel", (), "7.9").agent_conflicts == () and row("rhel", (), "7.9").agent_needs == ("python-pyasn1",)
    assert "rhel-6-server-extras-rpms" in row("rhel", (), "6.5").repository
    assert "rhel-9-for-" in row("rhel", (), "9.4").repository
    assert "ol7_addons" in row("ol", (), "7.9").repository
    assert "sle-module-public-cloud" in row("sles", (), "15.6").repository
    assert row("sles", (), "15.6").agent_packages[0] == "python-azure-agent"
    assert row("fedora", (), "43").network == row("sles", (), "16.0").network == "none"
    assert row("debian", (), "12").agent_packages[0] == "waagent"
