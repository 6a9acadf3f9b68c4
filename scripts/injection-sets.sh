#!/bin/sh
# Fetches labelled sets of attacks and clean lines into .cache/injection-sets, unless they are there, and prints the
# folder. They are for measuring detect/rules alone and never part of the project:
#   wfuzz         Debian package wfuzz (GPL-2): payload lists
#   wapiti        Debian package wapiti (GPL-2): payload lists
#   sqlmap        Debian package sqlmap (GPL-2+): templates of payloads
#   crs           Go module coraza-coreruleset (Apache-2.0): regression tests of the OWASP Core Rule Set
#   naughty       npm big-list-of-naughty-strings (MIT)
#   fail2ban      Debian package fail2ban (GPL-2+): lines of some 80 programs' logs
#   postgresql    Debian package postgresql-15 (PostgreSQL licence): statements of SQL
#   faq           Debian package debian-faq (GPL-2+): prose about computers
set -eu
cd "$(dirname "$0")/.."
dir=.cache/injection-sets
if [ ! -d "$dir/all" ]; then
	mkdir -p "$dir"
	tmp=$(mktemp -d "$dir/fetch.XXXXXX")
	trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
	(
		cd "$tmp"
		apt-get download wfuzz wapiti sqlmap fail2ban postgresql-15 debian-faq >/dev/null 2>&1
		for deb in *.deb; do dpkg-deb -x "$deb" "${deb%%_*}"; done
		npm pack --silent big-list-of-naughty-strings@1.0.0 >/dev/null 2>&1
		tar xzf ./*.tgz
		mkdir module && cd module
		printf 'module sets\n\ngo 1.26\n' >go.mod
		crs=$(go mod download -json github.com/corazawaf/coraza-coreruleset/v4@v4.25.0 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
		cd ..
		mkdir all all/crs
		cp -r wfuzz/usr/share/wfuzz/wordlist/Injections all/wfuzz
		cp -r wapiti/usr/lib/python3/dist-packages/wapitiCore/data/attacks all/wapiti
		cp -r sqlmap/usr/share/sqlmap/data/xml/payloads all/sqlmap
		cp -r "$crs/tests/." all/crs/
		cp -r "$crs/rules" all/crs-rules
		cp -r fail2ban/usr/lib/python3/dist-packages/fail2ban/tests/files/logs all/fail2ban
		mkdir all/postgresql all/naughty all/faq
		find postgresql-15 -name '*.sql' -exec cp {} all/postgresql/ \;
		cp package/blns.txt package/*.json all/naughty/ 2>/dev/null || cp package/* all/naughty/
		cp debian-faq/usr/share/doc/debian/FAQ/debian-faq.en.txt.gz all/faq/ 2>/dev/null || find debian-faq -name '*.en.txt.gz' -exec cp {} all/faq/ \;
		chmod -R u+w all
	)
	mv "$tmp/all" "$dir/all" 2>/dev/null || [ -d "$dir/all" ]
fi
echo "$PWD/$dir/all"
