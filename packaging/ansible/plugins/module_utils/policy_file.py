# SPDX-License-Identifier: Apache-2.0
"""A policy of agentprep, as the dictionary that a play holds and as the file that agentprep reads."""

import json

HEADER = "# Written by Ansible's agentprep.guest.agentprep: the next play writes it anew.\n"


def policy_file(policy):
    """The text of a policy file that says what the dictionary says; ValueError names what it cannot say."""
    text = HEADER
    for section, keys in sorted(policy.items()):
        if not isinstance(keys, dict):
            raise ValueError("%s stands outside a section" % section)
        text += "\n[%s]\n" % section
        scopes = {name: value for name, value in keys.items() if isinstance(value, dict)}
        text += "".join(_line(section, key, keys[key]) for key in sorted(set(keys) - set(scopes)))
        for scope in sorted(scopes):
            text += "[[%s]]\n" % scope + "".join(_line(section, *pair) for pair in sorted(scopes[scope].items()))
    return text


def _line(section, key, value):
    if isinstance(value, bool):
        return "%s = %s\n" % (key, "yes" if value else "no")
    if isinstance(value, list):
        words = [_quoted(section, key, word) for word in value]
        return "%s = %s\n" % (key, ", ".join(words) + ("," if len(words) < 2 else ""))
    return "%s = %s\n" % (key, _quoted(section, key, value))


def _quoted(section, key, value):
    """One word as ConfigObj reads it: it knows no escapes, and a quote of one kind protects the other."""
    if value is None or isinstance(value, (list, dict)):
        raise ValueError("%s.%s is %s, which is no single value" % (section, key, json.dumps(value)))
    word = str(value)
    if "\n" in word or ('"' in word and "'" in word):
        raise ValueError("%s.%s holds a line break or both kinds of quotes" % (section, key))
    mark = "'" if '"' in word else '"'
    return mark + word + mark if word != word.strip() or set(word) & set(",#\"'") or not word else word
