# packaging/debian.sh - what Posthouse needs of Debian 12, and how to get it.
# Sourced by ./run and ./test; defines lists and functions, does nothing.

packages_build="build-essential meson ninja-build pkg-config libuv1-dev libssl-dev
	libsqlite3-dev libzstd-dev libxxhash-dev libsodium-dev libseccomp-dev libjansson-dev
	libidn2-dev libcrypt-dev libldns-dev libunbound-dev libmicrohttpd-dev
	libutf8proc-dev libcurl4-openssl-dev zlib1g-dev libpng-dev libjpeg62-turbo-dev libgif-dev"
packages_test="libcmocka-dev libgmime-3.0-dev clang-14 libclang-rt-14-dev llvm-14 lld python3 binutils git
	e2fsprogs mount git-email libmailtools-perl swaks msmtp gsasl curl ncat fetchmail getmail6 libnet-ssleay-perl
	libio-socket-ssl-perl dnsutils nsd ldnsutils openjdk-17-jdk-headless libmail-java
	chromium-headless-shell nodejs mutt neomutt isync offlineimap3 thunderbird
	libmail-imapclient-perl ruby php-cli php-imap php-mbstring php-horde-imap-client python3-imap-tools imapfilter mailutils interimap"
# Debian's node comes without npm, others' with it.
command -v npm >/dev/null || packages_test="$packages_test npm"

# missing_packages NAME...: print those that are not installed.
missing_packages() {
	for name in "$@"; do
		status=$(dpkg-query -W -f '${Status}' "$name" 2>/dev/null) || status=
		[ "$status" = "install ok installed" ] || printf '%s ' "$name"
	done
}

# boot_services: print what starts at boot, a name a line: "nsd.service" of
# systemd, "nsd" of System V.
boot_services() {
	for link in /etc/systemd/system/*.wants/* /etc/rc[2-5].d/S*; do
		[ -L "$link" ] || continue
		case $link in
		*/rc?.d/S[0-9][0-9]*) echo "${link##*/S[0-9][0-9]}" ;;
		*) echo "${link##*/}" ;;
		esac
	done | sort -u
}

# keep_off FILE: what starts at boot by now, and did not when boot_services wrote
# FILE, does not.
keep_off() {
	boot_services | comm -13 "$1" - | while read -r name; do
		case $name in
		*.*) $as_root systemctl --quiet disable "$name" ;;
		*) $as_root update-rc.d "$name" disable ;;
		esac
	done
}

policy=/usr/sbin/policy-rc.d

# need_packages NAME...: install what is missing, as root or by sudo. Services
# that come along are not started, neither now, when policy-rc.d says no, nor at
# the next boot; those that were there before stay as they are.
need_packages() {
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" = 0 ]; then
		as_root=
	elif command -v sudo >/dev/null; then
		as_root=sudo
	else
		echo "posthouse needs these Debian packages, and this is neither root nor is sudo here:" >&2
		echo "  apt-get install $missing" >&2
		return 1
	fi
	command -v apt-get >/dev/null || {
		echo "posthouse builds on Debian 12; here is no apt-get. It needs: $missing" >&2
		return 1
	}
	echo "Installing Debian packages: $missing" >&2
	if [ -e "$policy" ]; then
		ours=no
	else
		ours=yes
		printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
		$as_root chmod 755 "$policy"
	fi
	log=$(mktemp)
	before=$(mktemp)
	boot_services >"$before"
	done=yes
	{ $as_root apt-get update -qq &&
		$as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1 </dev/null ||
		done=no
	keep_off "$before" >>"$log" 2>&1 </dev/null || true
	[ $ours = no ] || $as_root rm -f "$policy"
	if [ $done = no ]; then
		tail -n 20 "$log" >&2
		echo "posthouse: could not install the packages above" >&2
	fi
	rm -f "$log" "$before"
	[ $done = yes ]
}

# build FOLDER MESON-OPTION...: set up once, then build what changed. Quiet
# unless it fails.
build() {
	folder=$1
	shift
	# A checkout that was moved has a build folder that thinks of the old place.
	if [ -f "$folder/build.ninja" ] &&
		! grep -qsF "\"$root\"" "$folder/meson-info/meson-info.json"; then
		rm -rf "$folder"
	fi
	log=$(mktemp)
	[ -f "$folder/build.ninja" ] || echo "Building $folder (the first time takes a minute or two)" >&2
	if { [ -f "$folder/build.ninja" ] || meson setup "$folder" "$root" "$@"; } >"$log" 2>&1 &&
		ninja -C "$folder" >"$log" 2>&1; then
		rm -f "$log"
	else
		cat "$log" >&2
		rm -f "$log"
		echo "posthouse: the build in $folder failed" >&2
		return 1
	fi
}
