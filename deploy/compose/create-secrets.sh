#!/bin/sh
# Makes the files that docker-compose.yml reads from secrets/: random keys, passwords, the database's
# URL and, with --self-signed NAME, a certificate for trials. What is there already stays as it is.
#
#     deploy/compose/create-secrets.sh [--self-signed NAME] [DIRECTORY]
set -eu

self_signed=
if [ "${1:-}" = --self-signed ]; then
    self_signed=${2:?--self-signed needs the name of the host}
    shift 2
fi
case "${1:-}" in
-*)
    echo "usage: $0 [--self-signed NAME] [DIRECTORY]" >&2
    exit 2
    ;;
esac
directory=${1:-$(dirname "$0")/../../secrets}

mkdir -p "$directory/tls"
# Compose mounts each file as it is, and the containers' users are not yours: the files are readable
# by all, in a directory that nobody but you can enter.
chmod 0700 "$directory"
umask 022

random() {
    head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

# The file appears whole or not at all.
keep() {
    if [ -e "$directory/$1" ]; then
        echo "kept     $directory/$1"
        return
    fi
    printf '%s\n' "$2" >"$directory/$1.new"
    mv "$directory/$1.new" "$directory/$1"
    echo "created  $directory/$1"
}

keep hydrant_access_keys "$(random)"
keep hydrant_read_tokens "$(random)"
keep postgresql_superuser_password "$(random)"
keep postgresql_hydrant_password "$(random)"
password=$(cat "$directory/postgresql_hydrant_password")
keep hydrant_database "postgresql://hydrant:$password@postgresql:5432/hydrant"

if [ -n "$self_signed" ] && [ ! -e "$directory/tls/privkey.pem" ]; then
    openssl req -x509 -newkey rsa:2048 -sha256 -nodes -days 90 -subj "/CN=$self_signed" \
        -addext "subjectAltName=DNS:$self_signed" \
        -keyout "$directory/tls/privkey.pem" -out "$directory/tls/fullchain.pem" 2>/dev/null
    # openssl keeps keys from others, and NGINX runs as a user of its own.
    chmod 0644 "$directory/tls/privkey.pem"
    echo "created  $directory/tls: self-signed for $self_signed; Firehose wants one of a public CA"
fi
if [ ! -e "$directory/tls/fullchain.pem" ]; then
    echo "missing  $directory/tls/fullchain.pem and privkey.pem: the certificate of your host name"
fi
