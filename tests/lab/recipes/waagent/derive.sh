apt-get --quiet update && DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes install waagent
