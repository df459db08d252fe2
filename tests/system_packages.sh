#!/usr/bin/env bash
# Makes sure that the programs the tests start are on this machine: `need PACKAGE PROGRAM` for each.
# As root on Debian it installs what is missing; elsewhere it says what to install and fails.
set -euo pipefail

missing=()

need() {
    local package=$1 program=$2
    # Debian keeps PostgreSQL's server programs out of PATH, one directory per version.
    if command -v "$program" >/dev/null || compgen -G "/usr/lib/postgresql/*/bin/$program" >/dev/null || [ -x "/usr/sbin/$program" ]; then
        return
    fi
    missing+=("$package")
}

install() {
    apt-get install -y --no-install-recommends "$@"
}

need postgresql initdb
# Debian has it in /usr/sbin.
need nginx-light nginx
# The oracle of our PromQL, and promtool, which asks as its users do.
need prometheus promtool
# Looks at the pages.
need chromium chromium

if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests need system packages that are missing here (Debian's names): ${missing[*]}" >&2
    echo "On Debian or Ubuntu: sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
echo "Installing for the tests: ${missing[*]}"
apt-get update
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
    # Installing the server would also make and start a cluster of the system's. The tests start
    # their own, so the package that holds this switch comes first and the switch is turned off.
    install postgresql-common
    echo "create_main_cluster = false" >>/etc/postgresql-common/createcluster.conf
fi
install "${missing[@]}"
