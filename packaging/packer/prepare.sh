#!/bin/sh
# Installs the package $PACKAGE of agentprep, tells in $REPORT what the machine lacked, and prepares it but for the part
# that cannot be undone.  As root.  It fails where one of these fails, but not because the machine was not ready before.
set -eu
case $PACKAGE in
    *.deb)
        apt-get --quiet update
        DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes install "$PACKAGE"
        ;;
    *.rpm)
        if command -v zypper >/dev/null; then
            zypper --non-interactive install --allow-unsigned-rpm "$PACKAGE"
        elif command -v dnf >/dev/null; then
            dnf --assumeyes install "$PACKAGE"
        else
            yum --assumeyes install "$PACKAGE"
        fi
        ;;
    *)
        echo "PACKAGE=$PACKAGE is neither a .deb nor a .rpm; give Packer the one for this machine" >&2
        exit 2
        ;;
esac
rm "$PACKAGE"
agentprep check --format junit >"$REPORT" || [ $? = 1 ]
chmod 0644 "$REPORT"
agentprep run --yes --no-deprovision
