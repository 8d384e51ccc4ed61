#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Ansible's view of agentprep: its plan is the check mode, its report the result.  Runs on Python 3.6 and later."""

import json
import os
import signal
import tempfile

from ansible.module_utils import basic
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.agentprep.guest.plugins.module_utils.policy_file import policy_file

CONF = "/etc/agentprep.conf"
# The findings that somebody must read; the others are ok or changed.
BAD = ("failed", "blocked", "would-change", "skipped", "person", "warning")
# systemd's own command; elsewhere that of SysV init and upstart. In a session of its own it outlives the connection's.
OFF = "sleep %d; if [ -d /run/systemd/system ]; then systemctl poweroff; else shutdown -P now; fi"
LATER = "setsid sh -c '%s' </dev/null >/dev/null 2>&1 &"


class Target:
    """agentprep on the target, with the options that all of its commands get."""

    def __init__(self, module):
        self.module, self.conf = module, None
        self.command = module.get_bin_path(module.params["executable"])
        if self.command is None:
            module.fail_json(
                msg="agentprep is not installed here: there is no command %s. What to do: install its package, for "
                "example with the role's agentprep_source and agentprep_package." % module.params["executable"]
            )

    def ask(self, *words):
        """The JSON document of a command; fails where there is none."""
        code, out, err = self.module.run_command([self.command] + list(words) + ["--json"] + self.options())
        try:
            return json.loads(out)
        except ValueError:
            said = (err or out).strip()[-2000:] or "nothing was printed"
            self.module.fail_json(msg="agentprep %s ended with exit code %d: %s" % (" ".join(words), code, said))

    def options(self):
        root, policy = self.module.params["root"], self.conf or self.module.params["base_policy"]
        return (["--root", root] if root else []) + (["--policy", policy] if policy else [])

    def chosen(self):
        params = self.module.params
        return [word for name in ("skip", "only") if params[name] for word in ("--" + name, ",".join(params[name]))]

    def text(self, kind):
        """What `agentprep check` prints in one of its forms."""
        words = [self.command, "check", "--format", kind] + self.chosen() + self.options()
        code, out, err = self.module.run_command(words)
        if code not in (0, 1):
            self.module.fail_json(msg="agentprep check --format %s: %s" % (kind, err.strip() or "exit code %d" % code))
        return out

    def configure(self, looks):
        """The policy file holds the policy, or commands that only look read a copy of it; returns its diff or None."""
        if self.module.params["policy"] is None:
            return None
        try:
            wanted = policy_file(self.module.params["policy"])
        except ValueError as error:
            self.module.fail_json(msg="policy: %s. What to do: see `agentprep policy` for what it may hold." % error)
        present = ""
        if os.path.exists(CONF):
            with open(CONF, "rb") as stream:
                present = stream.read().decode("utf-8", "replace")
        if present == wanted:
            return None
        handle, self.conf = tempfile.mkstemp(dir=self.module.tmpdir)
        with os.fdopen(handle, "wb") as stream:
            stream.write(wanted.encode("utf-8"))
        told = self.ask("policy")["result"]
        if told["exit_code"]:
            self.module.fail_json(msg=sentence(told).replace(self.conf, "the policy for " + CONF))
        if not looks:
            os.chmod(self.conf, 0o644)
            self.module.atomic_move(self.conf, CONF)
        elif self.module.params["base_policy"]:
            self.module.warn("%s is another, and this is told by it as it is: base_policy is given." % CONF)
        if not looks or self.module.params["base_policy"]:
            self.conf = None
        return {"before_header": CONF, "after_header": CONF, "before": present, "after": wanted}


def sentence(result):
    """The message and what to do, in a line."""
    return result["message"] + (" What to do: %s." % result["hint"].rstrip(".") if result["hint"] else "")


def finding(one):
    """A line of a requirement: its verdict, the evidence, what a person can do."""
    words = "%s: %s: %s" % (one["status"], one["id"], "; ".join(one["evidence"]) or one["title"])
    return words + "".join(" -> " + remedy for remedy in one["remedy"])


def shown(document):
    """Ansible's diffs of all changes; they are left in the document only where somebody looks at them."""
    return [
        {
            "prepared": "%s: %s%s\n%s"
            % (one["id"], one["why"], ", for good" if one["one_way"] else "", one.get("diff", ""))
        }
        for one in document["changes"]
    ]


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"choices": ["checked", "prepared", "deprovisioned", "rolled_back"], "default": "checked"},
            "policy": {"type": "dict"},
            "base_policy": {"type": "str"},
            "skip": {"type": "list", "elements": "str", "default": []},
            "only": {"type": "list", "elements": "str", "default": []},
            "root": {"type": "path"},
            "poweroff": {"type": "bool", "default": False},
            "poweroff_delay": {"type": "int", "default": 10},
            "formats": {
                "type": "list", "elements": "str", "choices": ["junit", "markdown", "html"], "default": [],
            },
            "force": {"type": "bool", "default": False},
            "executable": {"type": "str", "default": "agentprep"},
        },
        supports_check_mode=True,
    )  # fmt: skip
    state, looks = module.params["state"], module.check_mode or module.params["state"] == "checked"
    if not looks and os.geteuid():
        module.fail_json(msg="agentprep changes a guest only as root. What to do: become: true.")
    if module.params["poweroff"] and not live(module):
        module.fail_json(msg="poweroff is for a live machine, not for a chroot or root. What to do: leave it out.")
    if state == "deprovisioned" and not looks and doomed():
        module.fail_json(
            msg="Deprovisioning empties /tmp, where Ansible has put this module: it could not answer any more. "
            "What to do: give the task an environment of TMPDIR: /run."
        )
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # agentprep inherits it: a lost connection does not stop a run
    target = Target(module)
    conf = None
    if state == "rolled_back":
        document, changed = rolled_back(target, looks)
    else:
        conf = target.configure(looks)
        conf = conf if state != "checked" else None
        document, changed = brought_about(target, state, looks)
    result = document["result"]
    answer = {
        "changed": changed or conf is not None,
        "report": document,
        "verdict": result["verdict"],
        "person": result["person"],
        "findings": [finding(one) for one in document["findings"] if one["status"] in BAD],
        "msg": sentence(result),
        "diff": ([conf] if conf else []) + shown(document),
    }
    if not module._diff:
        del answer["diff"]
        for one in document["changes"]:
            one.pop("diff", None)
    if result["exit_code"] and not (state == "checked" and result["verdict"] == "not-ready"):
        module.fail_json(**answer)
    answer["documents"] = {kind: target.text(kind) for kind in module.params["formats"]}
    if module.params["poweroff"] and state == "deprovisioned" and not module.check_mode:
        power_off(module)
    module.exit_json(**answer)


def brought_about(target, state, looks):
    """The report of a check, a plan or a run, and whether something changed or would."""
    words = ["check"] if state == "checked" else ["plan"] if looks else ["run", "--yes"]
    words += ["--no-deprovision"] if state == "prepared" else []
    document = target.ask(*(words + target.chosen()))
    return document, state != "checked" and bool(document["changes"])


def rolled_back(target, looks):
    """The report of a rollback of all runs on record, or, where none is due or in check mode, the record."""
    document = target.ask("history")
    left = [run["number"] for run in document.get("runs", []) if run["changes"] and run["state"] != "taken back"]
    if looks or not left:
        return document, bool(left)
    force = ["--force"] if target.module.params["force"] else []
    return target.ask("rollback", min(left, key=int), *force), True


def live(module):
    """The target is the machine itself: its / is that of init."""
    return not module.params["root"] and os.path.samestat(os.stat("/"), os.stat("/proc/1/root/."))


def doomed():
    """What this process is loaded from will be removed by agentprep, and Python loads modules until its end."""
    archive = getattr(basic.__loader__, "archive", "")  # of zipimport.zipimporter, as Ansible starts modules
    return os.path.realpath(archive).startswith(("/tmp/", "/var/tmp/"))


def power_off(module):
    """The machine goes off after a delay in which the answer gets out; this process ends at once."""
    module.run_command(["sh", "-c", LATER % (OFF % module.params["poweroff_delay"])], check_rc=True)


if __name__ == "__main__":
    main()
