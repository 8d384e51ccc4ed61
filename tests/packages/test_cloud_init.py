"""cloud-init takes the example of a user-data, and agentprep begins only when cloud-init has ended.

The cloud-init, the systemd and the apt are Debian 12's, in a container that boots; there agentprep finds no kernel and
stops before it changes anything.
"""

import re
import time

import pytest
import yaml

from tests.packages import installed, installers


def schema(folder, text):
    """(exit code, output) of `cloud-init schema` for the text."""
    return installed.run(
        folder, "cloud-init schema --config-file /tmp/user-data 2>&1", {"/tmp/user-data": text.encode()}
    )


def test_cloud_init_takes_the_user_data(tmp_path):
    code, told = schema(tmp_path, installers.CLOUD_INIT.read_text())
    assert (code, told) == (0, "Valid cloud-config: /tmp/user-data\n")
    # The schema lets pass what it does not know.
    assert set(yaml.safe_load(installers.CLOUD_INIT.read_text())) == {
        "timezone",
        "package_update",
        "packages",
        "runcmd",
    }


def test_cloud_init_refuses_a_user_data_that_is_wrong(tmp_path):
    text = installers.CLOUD_INIT.read_text().replace("package_update: true", "package_update: [yes]")
    code, told = schema(tmp_path, text)
    assert code == 1 and "package_update" in told


@pytest.fixture(scope="module")
def booted(tmp_path_factory):
    """What the console of a machine says that boots with this user-data: cloud-init, then agentprep to its end."""
    site, folder = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("machine")
    installed.built(site)
    with installed.served(site) as address:
        # The packages are there; fetching lists of others takes a minute and proves nothing.
        text = installers.CLOUD_INIT.read_text().replace("package_update: true", "package_update: false")
        seed = {"user-data": text.replace("https://example.com", address), "meta-data": "instance-id: azure-1\n"}
        files = {"/var/lib/cloud/seed/nocloud/" + name: content.encode() for name, content in seed.items()}
        with installed.booting(folder, files) as console:
            until = time.monotonic() + 300
            while not re.search(r"stays on|agentprep-firstboot.*not found|Failed to run module", console()):
                assert time.monotonic() < until, console()
                time.sleep(1)
            time.sleep(2)
            return console()


def test_cloud_init_installs_agentprep_and_has_ended_when_it_begins(booted):
    steps = ["Setting up agentprep", "Created symlink", r"Cloud-init v\. \S+ finished", "Finished .*cloud-final.serv",
             r"agentprep\[\d+\]: Unattended: ", r"agentprep\[\d+\]: architecture: no kernel is installed"]  # fmt: skip
    places = [re.search(step, booted) for step in steps]
    assert all(places), booted
    assert sorted(places, key=lambda found: found.start()) == places, booted
