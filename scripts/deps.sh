#!/bin/sh
# Installs what the tests need and the machine lacks, from Debian's packages: a PostgreSQL server
# (15 or later), npm, Chromium, rsyslog, an SMTP server, SoftHSM and a C compiler for it. Needs root or sudo only when something is missing.
set -eu
missing=
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql postgresql-client"
command -v npm >/dev/null 2>&1 || missing="$missing npm"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v softhsm2-util >/dev/null 2>&1 || missing="$missing softhsm2"
{ [ -x /usr/sbin/rsyslogd ] && [ -e /usr/lib/*/rsyslog/lmnsd_ossl.so ]; } 2>/dev/null || missing="$missing rsyslog rsyslog-openssl"
command -v aiosmtpd >/dev/null 2>&1 || missing="$missing python3-aiosmtpd"
command -v cc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
[ -n "$missing" ] || exit 0
sudo=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null 2>&1 || { echo "deps: install these as root:$missing" >&2; exit 1; }
	sudo=sudo
fi
echo "deps: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of packages
$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
