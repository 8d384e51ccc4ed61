"""waagent.conf is read as the agents read it, and written so that all of them read the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats import keyvalue

RESOURCE_DISK = {
    "ResourceDisk.Format": "y",
    "ResourceDisk.Filesystem": "ext4",
    "ResourceDisk.MountPoint": "/mnt/resource",
    "ResourceDisk.EnableSwap": "y",
    "ResourceDisk.SwapSizeMB": "2048",
}

# /etc/waagent.conf of Debian 12's waagent 2.7.3.0-4.1
DEBIAN_12 = """\
#
# Microsoft Azure Linux Agent Configuration
#

# Enable extension handling. Do not disable this unless you do not need password reset,
# backup, monitoring, or any extension handling whatsoever.
Extensions.Enabled=y

# Which provisioning agent to use. Supported values are "auto" (default), "waagent",
# "cloud-init", or "disabled".
Provisioning.Agent=cloud-init

# Password authentication for root account will be unavailable.
Provisioning.DeleteRootPassword=y

# Generate fresh host key pair.
Provisioning.RegenerateSshHostKeyPair=y

# Supported values are "rsa", "dsa", "ecdsa", "ed25519", and "auto".
# The "auto" option is supported on OpenSSH 5.9 (2011) and later.
Provisioning.SshHostKeyPairType=auto

# Monitor host name changes and publish changes via DHCP requests.
Provisioning.MonitorHostName=y

# Decode CustomData from Base64.
Provisioning.DecodeCustomData=n

# Execute CustomData after provisioning.
Provisioning.ExecuteCustomData=n

# Algorithm used by crypt when generating password hash.
#Provisioning.PasswordCryptId=6

# Length of random salt used when generating password hash.
#Provisioning.PasswordCryptSaltLength=10

# Allow reset password of sys user
Provisioning.AllowResetSysUser=n

# Format if unformatted. If 'n', resource disk will not be mounted.
ResourceDisk.Format=y

# File system on the resource disk
# Typically ext3 or ext4. FreeBSD images should use 'ufs2' here.
ResourceDisk.Filesystem=ext4

# Mount point for the resource disk
ResourceDisk.MountPoint=/mnt/resource

# Create and use swapfile on resource disk.
ResourceDisk.EnableSwap=n

# Size of the swapfile.
ResourceDisk.SwapSizeMB=0

# Comma-separated list of mount options. See mount(8) for valid options.
ResourceDisk.MountOptions=None

# Enable verbose logging (y|n)
Logs.Verbose=n

# Enable Console logging, default is y
# Logs.Console=y

# Enable periodic log collection, default is n
Logs.Collect=y

# How frequently to collect logs, default is each hour
Logs.CollectPeriod=3600

# Is FIPS enabled
OS.EnableFIPS=n

# Root device timeout in seconds.
OS.RootDeviceScsiTimeout=300

# If "None", the system default version is used.
OS.OpensslPath=None

# Set the SSH ClientAliveInterval
# OS.SshClientAliveInterval=180

# Set the path to SSH keys and configuration files
OS.SshDir=/etc/ssh

# If set, agent will use proxy server to access internet
#HttpProxy.Host=None
#HttpProxy.Port=None

# Detect Scvmm environment, default is n
# DetectScvmmEnv=n

#
# Lib.Dir=/var/lib/waagent

#
# DVD.MountPoint=/mnt/cdrom/secure

#
# Pid.File=/var/run/waagent.pid

#
# Extension.LogDir=/var/log/azure

#
# Home.Dir=/home

# Enable RDMA management and set up, should only be used in HPC images
# OS.EnableRDMA=y

# Enable or disable goal state processing auto-update, default is enabled
AutoUpdate.Enabled=n

# Determine the update family, this should not be changed
# AutoUpdate.GAFamily=Prod

# Determine if the overprovisioning feature is enabled. If yes, hold extension
# handling until inVMArtifactsProfile.OnHold is false.
# Default is enabled
# EnableOverProvisioning=y

# Allow fallback to HTTP if HTTPS is unavailable
# Note: Allowing HTTP (vs. HTTPS) may cause security risks
# OS.AllowHTTP=n

# Add firewall rules to protect access to Azure host node services
# Note:
# - The default is false to protect the state of existing VMs
OS.EnableFirewall=n

"""


def agent(text):
    """ConfigurationProvider.load() of WALinuxAgent 2.7.3, azurelinuxagent/common/conf.py, word for word."""
    values = {}
    for line in text.split("\n"):
        if not line.startswith("#") and "=" in line:
            parts = line.split("=", 1)
            if len(parts) < 2:
                continue
            key = parts[0].strip()
            value = parts[1].split("#")[0].strip('" ').strip()
            values[key] = value if value != "None" else None
    return values


def agent_2_0(text):
    """WALinuxAgent 2.0.x to 2.2.11."""
    values = {}
    for line in text.split("\n"):
        if not line.startswith("#") and "=" in line:
            parts = line.split()[0].split("=")
            value = parts[1].strip('" ')
            values[parts[0]] = value if value != "None" else None
    return values


def agent_2_2_12(text):
    """WALinuxAgent 2.2.12 and 2.2.13."""
    values = {}
    for line in text.split("\n"):
        if not line.startswith("#") and "=" in line:
            parts = line.split("=")
            value = parts[1].strip('" ')
            values[parts[0]] = value if value != "None" else None
    return values


def test_debian_12_as_shipped():
    values = keyvalue.values(DEBIAN_12)
    assert values == {key: value for key, value in agent(DEBIAN_12).items() if value is not None}
    assert values["Provisioning.Agent"] == "cloud-init"
    assert "OS.OpensslPath" not in values  # None: the default
    assert keyvalue.get(DEBIAN_12, "Logs.Console") is None  # commented out


def test_debian_12_edited():
    edited = keyvalue.set_values(DEBIAN_12, RESOURCE_DISK)
    expected = DEBIAN_12.replace("EnableSwap=n", "EnableSwap=y").replace("SwapSizeMB=0", "SwapSizeMB=2048")
    assert edited == expected
    assert keyvalue.set_values(edited, RESOURCE_DISK) == edited


def test_a_missing_key_follows_its_template():
    edited = keyvalue.set_values(DEBIAN_12, {"Logs.Console": "n", "HttpProxy.Port": "3128", "New.Key": "1"})
    assert (
        edited
        == DEBIAN_12.replace("# Logs.Console=y\n", "# Logs.Console=y\nLogs.Console=n\n").replace(
            "#HttpProxy.Port=None\n", "#HttpProxy.Port=None\nHttpProxy.Port=3128\n"
        )
        + "New.Key=1\n"
    )


@pytest.mark.parametrize(
    "text, value",
    [
        ("K=v", "v"),
        ("K = v", "v"),
        (" \tK=v", "v"),
        ("K=v # why", "v"),
        ('K="v w"', "v w"),
        ('K="a#b"', "a"),
        ("K='v'", "'v'"),
        ('K="v"\r\n', 'v"'),
        ("K=v\r\n", "v"),
        ("K=a=b", "a=b"),
        ("K=a\nK=b", "b"),
        ("K=a\nK=None", None),
        ("K=None\nK=b", "b"),
        ("#K=v", None),
        ("K.L=v", None),
        ("k=v", None),
        ("K=", ""),
    ],
)
def test_get(text, value):
    assert keyvalue.get(text, "K") == value == agent(text).get("K")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "K=1\n"),
        ("A=b", "A=b\nK=1\n"),
        ("A=b\r\n", "A=b\r\nK=1\n"),
        ("K=1", "K=1"),
        (" K = 0 # why\r\nA=b\r\n", "K=1\nA=b\r\n"),
        ("K=0\nA = b\n\nK=0\nB=\udce9", "A = b\n\nK=1\nB=\udce9"),
        ("# K=0", "# K=0\nK=1\n"),
        ("#K=0\n\n# K=2\nKK=1\n", "#K=0\nK=1\n\n# K=2\nKK=1\n"),
        ("#\tK =0\n", "#\tK =0\nK=1\n"),
        ("# use K=0\nK2=1", "# use K=0\nK2=1\nK=1\n"),
    ],
)
def test_set_values(text, expected):
    assert keyvalue.set_values(text, {"K": "1"}) == expected


@pytest.mark.parametrize("value", ["a b", "a=b", "a#b", '"a"', "'a'", "a\nB=c", " a"])
def test_a_value_that_some_agent_misreads_is_refused(value):
    with pytest.raises(Malformed):
        keyvalue.set_values("K=1\n", {"K": value})


LINE = st.sampled_from(
    ["A=1", "A = 2", " A=3 # x", "#A=4", "# A=5", "B=", 'B="x"', "junk", "", "C=a=b", "\udce9\u2028=1", "A.B=1"]
    + ["\tB=\x0b"]
)
TEXTS = st.tuples(st.lists(st.tuples(LINE, st.sampled_from(["\n", "\r\n"]))), LINE).map(
    lambda t: "".join(line + end for line, end in t[0]) + t[1]
)
SETTINGS = st.dictionaries(st.sampled_from(["A", "B", "A.B", "New"]), st.sampled_from(["1", "", "None", "/mnt", "a,b"]))


@given(TEXTS, SETTINGS)
def test_properties(text, settings):
    edited = keyvalue.set_values(text, settings)
    assert keyvalue.set_values(edited, settings) == edited
    before, after = keyvalue.values(text), keyvalue.values(edited)
    for key in set(before) | set(after) | set(settings):
        wanted = settings.get(key, before.get(key))
        assert after.get(key) == (None if wanted == "None" else wanted)
    for name in settings:
        assert sum(line.split("=")[0].strip() == name for line in edited.split("\n") if "=" in line) == 1
    unrelated = [line for line in text.split("\n") if line.split("=")[0].strip() not in settings]
    kept = [line for line in edited.split("\n") if line.split("=")[0].strip() not in settings]
    assert [line.rstrip("\r") for line in kept if line] == [line.rstrip("\r") for line in unrelated if line]


@given(SETTINGS)
def test_every_agent_reads_what_was_written(settings):
    text = keyvalue.set_values(DEBIAN_12, settings)
    assert agent(text) == agent_2_0(text) == agent_2_2_12(text)
    for key, value in settings.items():
        assert agent(text)[key] == (None if value == "None" else value)


@given(st.text(alphabet=st.sampled_from("AB=# \"'\r\n\x0b\udce9"), max_size=40))
def test_any_text(text):
    assert keyvalue.values(text) == {k: v for k, v in agent(text).items() if v is not None and k}
    assert keyvalue.get(keyvalue.set_values(text, {"A": "x"}), "A") == "x"


def test_os_release():
    text = (
        "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID='12'\r\nID=debian\n# ID=x\n"
        'BUG="a \\"b\\" \\$c"\nEMPTY=\nnothing\nVARIANT=""'
    )
    assert keyvalue.parse_os_release(text) == {
        "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)",
        "VERSION_ID": "12",
        "ID": "debian",
        "BUG": 'a "b" $c',
        "EMPTY": "",
        "VARIANT": "",
    }
