# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest's root file system and the build chroot, both made by mmdebstrap.

# package_list FILE: its packages, comma separated, comments removed.
package_list() {
	sed 's/#.*//' "$1" | xargs | tr ' ' ','
}

# debootstrap_into DIR PACKAGES [OPTION...]: a Debian system in DIR.
debootstrap_into() {
	local dir=$1 packages=$2 debs=$SLUICE_CACHE/debs-$GUEST_SUITE
	shift 2
	need_root
	need_packages mmdebstrap debian-archive-keyring
	need_space "$SLUICE_CACHE" 3000
	mkdir -p "$debs"
	# Downloaded packages are kept; INITRD=No keeps kernel hooks quiet.
	INITRD=No mmdebstrap --quiet --mode=root --variant=apt \
		--aptopt='Acquire::Check-Valid-Until "false"' \
		--aptopt='Acquire::Check-Date "false"' \
		--aptopt='Acquire::Retries "3"' \
		--aptopt='Acquire::Languages "none"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--skip=cleanup/apt \
		--setup-hook="mkdir -p \"\$1\"/var/cache/apt/archives" \
		--setup-hook="find '$debs' -name '*.deb' -exec ln -t \"\$1\"/var/cache/apt/archives {} + 2>/dev/null || cp -n '$debs'/*.deb \"\$1\"/var/cache/apt/archives/ 2>/dev/null || :" \
		--customize-hook="cp -n \"\$1\"/var/cache/apt/archives/*.deb '$debs'/ 2>/dev/null || :" \
		--customize-hook="rm -rf \"\$1\"/var/cache/apt/* \"\$1\"/var/lib/apt/lists/*" \
		--include="$packages" "$@" \
		"$GUEST_SUITE" "$dir" "$SLUICE_MIRROR" ||
		die "mmdebstrap failed: see above; if the network was unreachable, check it (or set SLUICE_MIRROR), then run the same command again"
}

build_chroot_step() {
	debootstrap_into "$1" "$(package_list "$SLUICE_TOP/tools/vm/build.packages")"
}

build_chroot() {
	cached chroot "$(hash_of "@$SLUICE_TOP/tools/vm/build.packages" $GUEST_SUITE "$(declare -f debootstrap_into)")" \
		build_chroot_step
}

bench_chroot_step() {
	debootstrap_into "$1" "$(package_list "$SLUICE_TOP/tools/bench/packages")"
}

# What benchmarks compare with, and what draws their plots.
bench_chroot() {
	cached chroot "$(hash_of "@$SLUICE_TOP/tools/bench/packages" $GUEST_SUITE "$(declare -f debootstrap_into)")" \
		bench_chroot_step
}

# in_chroot CHROOT [HOST:GUEST...] -- COMMAND...: run a command in a chroot
# with the given directories bound into it. The mounts live in a mount
# namespace of their own and vanish with the command.
in_chroot() {
	local root=$1 binds=()
	shift
	while [ "$1" != -- ]; do
		binds+=("$1")
		shift
	done
	shift
	# shellcheck disable=SC2016 # expands in the inner shell
	unshare --mount --fork --kill-child bash -euc '
		root=$1 n=$2; shift 2
		mount --make-rprivate /
		mount -t proc proc "$root/proc"
		mount --bind /dev "$root/dev"
		mount -t tmpfs tmpfs "$root/tmp"
		while [ "$n" -gt 0 ]; do
			mkdir -p "$root/${1#*:}"
			mount --bind "${1%%:*}" "$root/${1#*:}"
			n=$((n - 1)); shift
		done
		exec chroot "$root" env -i HOME=/tmp LC_ALL=C TERM=dumb \
			PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin \
			CCACHE_DIR=/ccache CCACHE_NOHASHDIR=1 "$@"
	' bash "$root" $((${#binds[@]} + 1)) "${binds[@]}" \
		"$(ccache_dir):/ccache" "$@"
}

ccache_dir() {
	mkdir -p "$SLUICE_CACHE/ccache"
	printf '%s\n' "$SLUICE_CACHE/ccache"
}

guest_image_step() {
	local root=$1/root
	debootstrap_into "$root" "$(package_list "$SLUICE_TOP/tools/vm/guest.packages")"
	need_packages squashfs-tools
	cp "$root/usr/bin/busybox" "$1/busybox"
	# Nothing that would tell one boot's machine from another's, and names
	# for what the runner mounts.
	rm -f "$root/etc/machine-id" "$root/var/lib/dbus/machine-id" "$root/etc/hostname"
	echo sluice > "$root/etc/hostname"
	printf '127.0.0.1 localhost sluice\n::1 localhost sluice\n' > "$root/etc/hosts"
	: > "$root/etc/resolv.conf"
	mkdir -p "$root"/mnt/{share,sluice,kselftests}
	rm -rf "${root:?}"/dev/* "$root"/usr/share/{info,lintian,perl5/Debian}
	mksquashfs "$root" "$1/root.squashfs" -comp lz4 -noappend -quiet -no-progress
	remove_tree "$root"
}

# The guest's root file system: root.squashfs and a static busybox.
guest_image() {
	cached image "$(hash_of "@$SLUICE_TOP/tools/vm/guest.packages" $GUEST_SUITE "$(declare -f debootstrap_into guest_image_step)")" \
		guest_image_step
}
