# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Shared by every build step of tools/vm and tools/device/qemu: messages, the
# cache, locks, and an apt of our own that leaves the machine's alone.
#
# A build step is a function that fills a directory. cached() runs it once for
# each distinct set of inputs, in a temporary directory that is renamed when
# it is complete: a step that was interrupted leaves nothing behind that looks
# finished, and the next run starts that step again.

SLUICE_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SLUICE_CACHE=${SLUICE_CACHE:-$HOME/.cache/sluice}
SLUICE_MIRROR=${SLUICE_MIRROR:-http://deb.debian.org/debian}
SLUICE_JOBS=${SLUICE_JOBS:-$(nproc)}
export SLUICE_TOP SLUICE_CACHE SLUICE_MIRROR SLUICE_JOBS

# The suite of the guest and of the build chroot, and where newer source
# packages come from.
export GUEST_SUITE=trixie NEXT_SUITE=sid

say() { printf '==> %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

need_root() {
	[ "$(id -u)" -eq 0 ] || die "this needs root (it makes chroots); run it again as root"
}

# need_space DIR MIB: stop when the file system of DIR has less than MIB free.
need_space() {
	local free
	mkdir -p "$1" || die "cannot create $1"
	free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$2" ] ||
		die "only $free MiB free under $1, $2 MiB needed: free some space or set SLUICE_CACHE to a bigger disk, then run the same command again"
}

# Install the Debian packages in "$@" that the machine lacks.
need_packages() {
	local p missing=()
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
			grep -q 'ok installed' || missing+=("$p")
	done
	[ ${#missing[@]} -eq 0 ] && return 0
	[ "$(id -u)" -eq 0 ] ||
		die "missing packages; as root run: apt-get install ${missing[*]}"
	say "installing on this machine: ${missing[*]}"
	mkdir -p "$SLUICE_CACHE/lock"
	(
		exec 9>"$SLUICE_CACHE/lock/machine-apt"
		flock 9
		export DEBIAN_FRONTEND=noninteractive
		apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
		"${apt[@]}" install -y --no-install-recommends "${missing[@]}" ||
		{ "${apt[@]}" update &&
		  "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; }
	) > "$SLUICE_CACHE/apt-install.log" 2>&1 || {
		tail -n 5 "$SLUICE_CACHE/apt-install.log" >&2
		die "could not install ${missing[*]}: check the network and apt-get's message above, then run the same command again"
	}
}

# hash_of ARG...: a key from literal strings and, as @PATH, files' contents.
hash_of() {
	local a
	for a in "$@"; do
		case $a in
		@*) sha256sum < "${a#@}" ;;
		*) printf '%s\n' "$a" ;;
		esac
	done | sha256sum | cut -c1-12
}

# heartbeat NAME: while a long step runs, say so once a minute.
heartbeat() {
	local start=$SECONDS nap=''
	trap 'kill $nap 2>/dev/null; exit 0' TERM
	while kill -0 $$ 2>/dev/null; do
		sleep 60 &
		nap=$!
		wait "$nap"
		say "still building $1, $((SECONDS - start)) s"
	done
}

# cached NAME KEY FUNCTION: print the path of $SLUICE_CACHE/NAME-KEY, made by
# "FUNCTION DIR" if it isn't there yet. Two callers at once: one builds, the
# other waits for it.
cached() {
	local name=$1 key=$2 fn=$3 out tmp lock
	out=$SLUICE_CACHE/$name-$key
	if [ ! -e "$out" ]; then
		mkdir -p "$SLUICE_CACHE/lock" ||
			die "cannot create $SLUICE_CACHE: set SLUICE_CACHE to a writable directory"
		exec {lock}>"$SLUICE_CACHE/lock/$name"
		flock -n "$lock" || { say "waiting for another run that builds $name"; flock "$lock"; }
		if [ ! -e "$out" ]; then
			tmp=$out.tmp
			remove_tree "$tmp"
			mkdir -p "$tmp"
			( exec {lock}>&-; heartbeat "$name" ) >&2 &
			local rc beat=$!
			# Not "if ( ... )": set -e must hold inside the step.
			set +e
			( set -e; exec {lock}>&-; "$fn" "$tmp" ) >&2
			rc=$?
			kill "$beat" 2>/dev/null
			wait "$beat" 2>/dev/null
			set -e
			if [ $rc -ne 0 ]; then
				df -Pm "$SLUICE_CACHE" | awk 'NR == 2 && $4 < 64 { exit 1 }' ||
					die "the disk under $SLUICE_CACHE is full: free some space, then run the same command again"
				die "building $name failed (see above); run the same command again to continue"
			fi
			mv "$tmp" "$out"
		fi
		exec {lock}>&-
	fi
	# What was used last is kept by "tools/vm/build prune".
	touch -c "$out"
	printf '%s\n' "$out"
}

# Remove a tree that may be a chroot with something still mounted in it.
remove_tree() {
	local m
	[ -e "$1" ] || return 0
	while read -r m; do
		umount -l "$m" || die "cannot unmount $m"
	done < <(awk -v d="$1/" 'index($2, d) == 1 { print $2 }' /proc/self/mounts | sort -r)
	rm -rf --one-file-system "$1"
}

# --- apt -------------------------------------------------------------------

# Write the private apt's configuration once; export APT_CONFIG for "$@" only.
private_apt() {
	local d=$SLUICE_CACHE/apt s key=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -r "$key" ] || need_packages debian-archive-keyring
	mkdir -p "$d"/etc/{apt.conf.d,preferences.d,sources.list.d,trusted.gpg.d} \
		"$d"/state/lists/partial "$d"/cache/archives/partial
	: > "$d/state/status"
	{
		for s in "$GUEST_SUITE" "$GUEST_SUITE-updates" "$NEXT_SUITE"; do
			printf 'deb [signed-by=%s] %s %s main\n' "$key" "$SLUICE_MIRROR" "$s"
		done
		printf 'deb-src [signed-by=%s] %s %s main\n' "$key" "$SLUICE_MIRROR" "$GUEST_SUITE"
	} > "$d/etc/sources.list.new"
	cmp -s "$d/etc/sources.list.new" "$d/etc/sources.list" 2>/dev/null ||
		mv "$d/etc/sources.list.new" "$d/etc/sources.list"
	cat > "$d/apt.conf" <<EOF
Dir::Etc "$d/etc";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "$d/etc/apt.conf.d";
Dir::State "$d/state";
Dir::State::status "$d/state/status";
Dir::Cache "$d/cache";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
Acquire::Check-Valid-Until "false";
Acquire::Check-Date "false";
Acquire::Languages "none";
Acquire::Retries "3";
EOF
	APT_CONFIG=$d/apt.conf "$@"
}

# Refresh the private apt's lists, at most once a day or when asked.
private_apt_update() {
	local d=$SLUICE_CACHE/apt lock
	mkdir -p "$SLUICE_CACHE/lock"
	exec {lock}>"$SLUICE_CACHE/lock/apt"
	flock "$lock"
	if [ "${1:-}" = force ] || [ -z "$(find "$d/stamp" -mtime -1 2>/dev/null)" ] ||
	   [ "$d/etc/sources.list" -nt "$d/stamp" ]; then
		say "reading package lists from $SLUICE_MIRROR"
		private_apt apt-get -qq update --error-on=any >&2 ||
			die "cannot reach $SLUICE_MIRROR: check the network (or set SLUICE_MIRROR), then run the same command again"
		touch "$d/stamp"
	fi
	exec {lock}>&-
}

# apt_fetch SUITE PACKAGE: print the path of the .deb, downloaded if need be.
apt_fetch() {
	local suite=$1 pkg=$2 d=$SLUICE_CACHE/debs ver file
	mkdir -p "$d"
	private_apt_update
	ver=$(apt_version "$suite" "$pkg")
	[ -n "$ver" ] || { private_apt_update force; ver=$(apt_version "$suite" "$pkg"); }
	[ -n "$ver" ] || die "package $pkg is not in Debian $suite on $SLUICE_MIRROR"
	file=$(find "$d" -name "${pkg}_${ver//:/%3a}_*.deb" | head -n 1)
	if [ -z "$file" ]; then
		say "downloading $pkg $ver"
		(cd "$d" && private_apt apt-get -qq download "$pkg=$ver") >&2 ||
			die "cannot download $pkg from $SLUICE_MIRROR: check the network, then run the same command again"
		file=$(find "$d" -name "${pkg}_${ver//:/%3a}_*.deb" | head -n 1)
	fi
	printf '%s\n' "$file"
}

apt_version() {
	private_apt apt-cache madison "$2" |
		awk -F'|' -v s="$1/main" 'index($3, " " s " ") && !/Sources/ { gsub(/ /, "", $2); print $2; exit }'
}
