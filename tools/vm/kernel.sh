# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Kernels the guest can boot. Two steps each: kbuild-NAME holds what a package
# or our own build gives,
#   release          its "uname -r"
#   vmlinux          the uncompressed image QEMU boots, or bzImage: a kernel
#                    with KASAN does not survive QEMU's way into a vmlinux
#   image/           its modules, below usr/lib/modules
#   tree/            what building a module against it needs; kdir says where
# and kernel-NAME what the runner needs,
#   modules.squashfs usr/lib/modules/RELEASE, a second lower layer of the root
#   early/           modules the initramfs inserts, in the order of early.list
#   index/           all modules again, for depmod
#   kbuild           the link to the first step

kernel_check() {
	case $1 in
	stock|test|lean) ;;
	*) die "unknown kernel '$1': it is 'stock', 'test' or 'lean'" ;;
	esac
}

# Modules that reach the root file system, and parts of the kernel's tree that
# no test needs.
EARLY_MODULES="virtio_blk squashfs overlay"
MODULE_DIRS="arch crypto lib net fs/9p fs/netfs fs/squashfs fs/overlayfs fs/fuse
	fs/erofs drivers/block/virtio_blk.ko drivers/virtio drivers/vfio drivers/vhost
	drivers/iommu drivers/ptp drivers/pps drivers/dca drivers/i2c/algos
	drivers/char/hw_random drivers/net/ethernet/intel/igb
	drivers/net/ethernet/intel/igbvf drivers/net/ethernet/intel/e1000e
	drivers/net/ethernet/rocker drivers/net/netdevsim drivers/net/vxlan
	drivers/net/geneve.ko drivers/net/bonding drivers/net/team
	drivers/net/ipvlan drivers/net/dummy.ko drivers/net/veth.ko
	drivers/net/gtp.ko drivers/net/bareudp.ko drivers/net/ifb.ko
	drivers/net/macvlan.ko drivers/net/macvtap.ko drivers/net/macsec.ko
	drivers/net/tun.ko drivers/net/tap.ko drivers/net/vrf.ko
	drivers/net/nlmon.ko drivers/net/netconsole.ko drivers/net/netkit.ko
	drivers/net/virtio_net.ko drivers/net/net_failover.ko drivers/net/mdio
	drivers/net/phy/libphy.ko drivers/net/dsa/dsa_loop.ko"

# The second step; KBUILD is the directory of the first.
kernel_pack_step() {
	local out=$1 rel dir keep m p
	need_packages squashfs-tools kmod xz-utils zstd
	rel=$(cat "$KBUILD/release")
	dir=$KBUILD/image/usr/lib/modules/$rel
	keep=$out/pack/usr/lib/modules/$rel
	mkdir -p "$keep/kernel" "$out/early"
	ln -s "$KBUILD" "$out/kbuild"
	cp "$dir"/modules.{order,builtin,builtin.modinfo} "$keep/"
	for p in $MODULE_DIRS; do
		for m in "$dir/kernel/$p" "$dir/kernel/$p".*; do
			[ -e "$m" ] || continue
			mkdir -p "$(dirname "$keep/kernel/$p")"
			cp -a "$m" "$(dirname "$keep/kernel/$p")/"
		done
	done
	# Plain modules load faster than packed ones, and lz4 packs them all.
	find "$keep" -name '*.ko.xz' -exec xz -d {} +
	find "$keep" -name '*.ko.zst' -exec zstd -q -d --rm {} +
	ln -s usr/lib "$out/pack/lib"
	depmod -b "$out/pack" "$rel"
	rm "$out/pack/lib"
	for m in $EARLY_MODULES; do
		modprobe -d "$out/pack/usr" -S "$rel" --show-depends "$m" 2>/dev/null || :
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r p; do
			cp "$p" "$out/early/"
			basename "$p"
		done > "$out/early.list"
	mksquashfs "$out/pack" "$out/modules.squashfs" -comp lz4 -noappend -quiet -no-progress
	mkdir -p "$out/index/lib"
	mv "$out/pack/usr/lib/modules" "$out/index/lib/modules"
	rm -r "$out/pack"
}

kernel_stock_step() {
	local out=$1 rel deb p vmlinuz
	need_space "$SLUICE_CACHE" 1500
	need_packages zstd xz-utils binutils
	private_apt_update
	rel=$(private_apt apt-cache depends -t $GUEST_SUITE linux-image-amd64 |
		sed -n 's/^ *Depends: linux-image-//p' | head -n 1)
	[ -n "$rel" ] || die "cannot find the kernel of Debian $GUEST_SUITE in the package lists"
	say "stock kernel: Debian $GUEST_SUITE's $rel"
	mkdir -p "$out/tree" "$out/image"
	deb=$(apt_fetch $GUEST_SUITE "linux-image-$rel")
	dpkg-deb -x "$deb" "$out/image"
	# The headers of this very version, whatever else the archive has now.
	for p in "linux-headers-$rel" \
		$(private_apt apt-cache depends "linux-headers-$rel" |
		  sed -n 's/^ *Depends: \(linux-headers-.*-common\|linux-kbuild-[^ ]*\)$/\1/p'); do
		deb=$(apt_fetch $GUEST_SUITE "$p")
		dpkg-deb -x "$deb" "$out/tree"
	done
	[ -d "$out/image/usr/lib/modules" ] || {
		mkdir -p "$out/image/usr/lib"
		mv "$out/image/lib/modules" "$out/image/usr/lib/modules"
	}
	echo "$rel" > "$out/release"
	vmlinuz=$(find "$out/image" -name "vmlinuz*" -type f | head -n 1)
	extract_vmlinux "$vmlinuz" "$out/vmlinux"
	echo "/usr/src/linux-headers-$rel" > "$out/kdir"
}

# extract_vmlinux VMLINUZ OUT: the ELF image inside a bzImage. Its payload is
# found by the compressor's magic number; only xz and zstd are in use.
extract_vmlinux() {
	local magic tool pos
	for tool in 'zstd -q -dc' 'xz -q -dc --single-stream' 'lz4 -q -dc' 'gzip -q -dc'; do
		case $tool in
		zstd*) magic='\x28\xb5\x2f\xfd' ;;
		xz*) magic='\xfd7zXZ\x00' ;;
		lz4*) magic='\x02\x21\x4c\x18' ;;
		*) magic='\x1f\x8b\x08' ;;
		esac
		for pos in $(LC_ALL=C grep -abPo "$magic" "$1" | cut -d: -f1); do
			tail -c "+$((pos + 1))" "$1" | $tool > "$2" 2>/dev/null || :
			readelf -h "$2" > /dev/null 2>&1 && return 0
		done
	done
	die "no ELF kernel found inside $1"
}

# --- the kernels built here --------------------------------------------------

# own_config NAME: print the configuration asked for. The lean kernel is the
# test kernel but for what lean-kernel.config says.
own_config() {
	local dir=$SLUICE_TOP/tools/vm
	if [ "$1" = lean ]; then
		awk -F= '/^CONFIG_/ { if (NR == FNR) mine[$1]; else if (!($1 in mine)) print }' \
			"$dir/lean-kernel.config" "$dir/test-kernel.config"
		grep '^CONFIG_' "$dir/lean-kernel.config"
	else
		grep '^CONFIG_' "$dir/test-kernel.config"
	fi
}

# The first step of the kernel named OWN.
kernel_own_step() {
	local out=$1 work chroot deb rel
	need_space "$SLUICE_CACHE" 6000
	chroot=$(build_chroot)
	# Kept until the kernel is complete, so that an interrupted build goes on.
	work=$SLUICE_CACHE/work/$(basename "$out" .tmp)
	mkdir -p "$work" "$out"/{tree,image}
	if [ ! -e "$work/unpacked" ]; then
		rm -rf "$work/src"
		mkdir -p "$work/src"
		deb=$(apt_fetch $NEXT_SUITE linux-source-7.2)
		say "unpacking $(basename "$deb")"
		dpkg-deb --fsys-tarfile "$deb" |
			tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
			tar -xJ --strip-components=1 -C "$work/src"
		touch "$work/unpacked"
	fi
	own_config "$OWN" > "$work/src/sluice.allconfig"
	say "building the $OWN kernel (about 12 minutes on 2 cores, once); log: $work/log"
	# shellcheck disable=SC2016 # expands in the chroot
	in_chroot "$chroot" "$work/src:/src" "$out:/out" -- nice bash -euc '
		cd /src
		jobs=$1
		export LOCALVERSION=-sluice-$2
		# Hardly anything is compiled twice, and looking takes time.
		export CCACHE_DISABLE=1
		export KBUILD_BUILD_TIMESTAMP=1970-01-01 KBUILD_BUILD_USER=sluice KBUILD_BUILD_HOST=sluice
		[ -e .config ] && cmp -s sluice.allconfig sluice.allconfig.done ||
			make -s KCONFIG_ALLCONFIG=sluice.allconfig allnoconfig 2>&1
		cp sluice.allconfig sluice.allconfig.done
		touch .config
		bad=
		while IFS= read -r line; do
			case $line in
			*=n) grep -q "^${line%=n}=" .config && bad="$bad $line" ;;
			*=m) grep -q "^${line%=m}=[my]" .config || bad="$bad $line" ;;
			*) grep -qxF "$line" .config || bad="$bad $line" ;;
			esac
		done < sluice.allconfig
		[ -z "$bad" ] || { echo "not as asked in $2-kernel.config:$bad"; exit 1; }
		[ "${CONFIG_ONLY:-}" ] && exit 0
		# UBSAN is for the driver, which is built in this tree later.
		make -s -j"$jobs" UBSAN_SANITIZE=n bzImage modules 2>&1
		make -s INSTALL_MOD_PATH=/out/image/usr INSTALL_MOD_STRIP=1 modules_install
		cp arch/x86/boot/bzImage /out/bzImage
		make -s kernelrelease > /out/release
		make -s run-command \
			KBUILD_RUN_COMMAND="/src/scripts/package/install-extmod-build /out/tree/usr/src/linux-$2"
		cp .config /out/config
	' bash "$SLUICE_JOBS" "$OWN" > "$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; return 1; }
	rel=$(cat "$out/release")
	rm -f "$out/image/usr/lib/modules/$rel"/{build,source}
	echo "/usr/src/linux-$OWN" > "$out/kdir"
	rm -rf "$work"
}

# kbuild NAME: print the directory of that kernel's first step.
kbuild() {
	local OWN=$1 dir=$SLUICE_TOP/tools/vm
	case $1 in
	stock) cached kbuild-stock "$(hash_of $GUEST_SUITE "$(declare -f kernel_stock_step)")" kernel_stock_step ;;
	test|lean) cached "kbuild-$1" "$(hash_of "$(own_config "$1")" "@$dir/build.packages" "$(declare -f kernel_own_step)")" kernel_own_step ;;
	esac
}

# kernel NAME: print the directory of that kernel.
kernel() {
	KBUILD=$(kbuild "$1")
	cached "kernel-$1" "$(hash_of "$KBUILD" "$(declare -f kernel_pack_step) $EARLY_MODULES $MODULE_DIRS")" kernel_pack_step
}
