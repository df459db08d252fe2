#!/bin/sh
# Run once by PostgreSQL's image, on an empty volume: a role that owns one database and is nobody else.
set -eu

# The password goes by the environment: in arguments it would be seen in the process list.
HYDRANT_PASSWORD=$(cat "${HYDRANT_PASSWORD_FILE:-/run/secrets/postgresql_hydrant_password}")
export HYDRANT_PASSWORD

psql --no-psqlrc --set=ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv password HYDRANT_PASSWORD
CREATE ROLE hydrant LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE DATABASE hydrant OWNER hydrant TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';
REVOKE ALL ON DATABASE hydrant FROM PUBLIC;
SQL
