"""Users, passwords, keys, homes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentprep.accounts import homes, keys, passwords, users
from agentprep.guest import Guest
from agentprep.mounts import Mount, below, over, parsed
from tests.deprovision.machine import used
from tests.trees import make_tree

STUB = (
    'no-port-forwarding,command="echo \'Please login as the user \\"debian\\" rather than the user \\"root\\".\';echo;'
    'sleep 10;exit 142" ssh-ed25519 AAAA\n'
)


def guest_of(folder: Any, **more: Any) -> Guest:
    return Guest(make_tree(folder, {**used(), **more}))


def test_users_and_their_shells(tmp_path: Any) -> None:
    found = {user.name: user for user in users(guest_of(tmp_path))}
    assert list(found)[:3] == ["root", "daemon", "sync"]
    assert (found["bob"].uid, found["bob"].home, found["bob"].shell) == (1001, "/home/bob", "/usr/bin/zsh")
    assert [name for name, user in found.items() if user.logs_in] == ["root", "postgres", "alice", "bob"]


def test_lines_that_are_no_users_are_left_out(tmp_path: Any) -> None:
    text = "+::::::\n# x:x:1:1::/:/bin/sh\nshort:x:1\n\nbad:x:one:1::/home/bad:/bin/sh\nok:x:1:1::/home/ok:\n"
    found = users(guest_of(tmp_path, **{"/etc/passwd": text}))
    assert [(user.name, user.shell) for user in found] == [("ok", "/bin/sh")]  # an empty shell is /bin/sh: passwd(5)


def test_passwords_as_lisa_reads_them(tmp_path: Any) -> None:
    shadow = used()["/etc/shadow"] + "ghost:$6$x$y:1::::::\n"  # type: ignore[operator]
    guest = guest_of(tmp_path, **{"/etc/shadow": shadow.replace("postgres:!:", "postgres::")})
    assert passwords(guest) == (["root", "alice"], ["postgres"])


def test_a_hash_in_passwd_itself_counts(tmp_path: Any) -> None:
    guest = guest_of(tmp_path, **{"/etc/passwd": "old:$1$x$y:5:5::/home/old:/bin/sh\n", "/etc/shadow": ""})
    assert passwords(guest).usable == ["old"]


def test_keys_that_let_somebody_in(tmp_path: Any) -> None:
    guest = guest_of(tmp_path, **{
        "/root/.ssh/authorized_keys": STUB, "/home/bob/.ssh/authorized_keys": "# nothing\n\n",
        "/var/www/.ssh/authorized_keys": "ssh-ed25519 AAAA\n", "/home/bob/.ssh/authorized_keys2": "ssh-rsa AAAA\n",
    })  # fmt: skip
    assert keys(guest) == [("alice", "/home/alice/.ssh/authorized_keys"), ("bob", "/home/bob/.ssh/authorized_keys2")]


def test_homes_of_the_system_are_shallow_and_those_elsewhere_are_told(tmp_path: Any) -> None:
    guest = guest_of(tmp_path, **{"/usr/sbin/x": "", "/bin/x": ""})
    found = homes(guest, [Mount("/home", "ext4", False), Mount("/home/bob", "nfs4", True)])
    assert found.deep == ["/home/alice", "/home/left-over", "/root", "/var/lib/postgresql"]
    assert found.elsewhere == ["/home/bob"]
    assert {"/", "/usr/sbin", "/bin"} <= set(found.shallow)


MOUNTS = (
    "/dev/vda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\n/dev/vda2 /mnt/guest ext4 rw 0 0\n"
    "/dev/vda3 /mnt/guest/home ext4 rw 0 0\nserver:/x /mnt/guest/home/my\\040files nfs4 rw 0 0\n"
    "/dev/sr0 /mnt/guest/media iso9660 ro 0 0\ntank/srv /mnt/guest/srv zfs rw 0 0\n/dev/vda4 /mnt/guests ext4 rw 0 0\n"
)


def test_mounts_are_told_by_the_guests_own_paths() -> None:
    assert parsed(MOUNTS, "/mnt/guest") == [
        Mount("/home", "ext4", False), Mount("/home/my files", "nfs4", True), Mount("/media", "iso9660", True),
        Mount("/srv", "zfs", False),
    ]  # fmt: skip
    points = [mount.point for mount in parsed(MOUNTS, "/")]
    assert "/" not in points and "/mnt/guest/home" in points


def test_below_and_over() -> None:
    mounts = parsed(MOUNTS, "/mnt/guest")
    assert [mount.point for mount in below(mounts, "/home")] == ["/home", "/home/my files"]
    assert below(mounts, "/hom") == [] and below(mounts, "/home/other") == []
    assert [mount.point for mount in over(mounts, "/home/my files/x")] == ["/home", "/home/my files"]
    assert over(mounts, "/homes") == []


@given(st.text(alphabet="ab:x/\n +#0", max_size=60))
def test_no_passwd_is_too_odd(text: str) -> None:
    class Odd(Guest):
        def read(self, path: str, limit: int = 0) -> Any:
            return text.encode()

    for user in users(Odd("/nonexistent")):
        assert user.name and user.home and user.shell
