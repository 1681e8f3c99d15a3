# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the runner puts on top of a kernel: the initramfs with our own guest
# programs, the sluice module built for it, and pieces of the kernel's source.

agent_step() {
	need_packages gcc libc6-dev
	gcc -O2 -Wall -Wextra -static -o "$1/agent" "$SLUICE_TOP/tools/vm/guest/agent.c" -lutil
}

initrd_step() {
	local out=$1 root=$1/root f
	need_packages cpio
	mkdir -p "$root"/{bin,early,sluice/bin}
	cp "$IMAGE/busybox" "$root/bin/busybox"
	cp "$KERNEL/early"/* "$root/early/" 2>/dev/null || :
	cp "$KERNEL/early.list" "$root/early.list"
	cp "$SLUICE_TOP/tools/vm/guest/init" "$root/init"
	cp "$AGENT/agent" "$SLUICE_TOP/tools/vm/guest/setup" "$root/sluice/"
	for f in "$SLUICE_TOP"/tools/vm/guest/bin/*; do
		cp "$f" "$root/sluice/bin/"
	done
	chmod -R 755 "$root/sluice" "$root/init"
	(cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc) > "$out/initrd.cpio"
	rm -r "$root"
}

# initrd NAME: print the directory with initrd.cpio for that kernel.
initrd() {
	IMAGE=$(guest_image)
	KERNEL=$(kernel "$1")
	AGENT=$(cached agent "$(hash_of "@$SLUICE_TOP/tools/vm/guest/agent.c")" agent_step)
	cached "initrd-$1" "$(hash_of "$IMAGE" "$KERNEL" "$AGENT" "@$SLUICE_TOP/tools/vm/guest/init" \
		"@$SLUICE_TOP/tools/vm/guest/setup" "$(cat "$SLUICE_TOP"/tools/vm/guest/bin/*)" \
		"$(declare -f initrd_step)")" initrd_step
}

# in_kernel_tree KERNEL WORK -- COMMAND...: run a command in the build chroot,
# where WORK is /work and the kernel's build tree is in its place.
in_kernel_tree() {
	local tree=$1/kbuild/tree work=$2 binds d
	shift 3
	binds=("$work:/work" "$tree/usr/src:/usr/src")
	for d in "$tree"/usr/lib/linux-kbuild-*; do
		[ -d "$d" ] && binds+=("$d:/usr/lib/${d##*/}")
	done
	in_chroot "$(build_chroot)" "${binds[@]}" -- "$@"
}

# module_sources DIR: bring DIR/src up to date with the driver's sources.
module_sources() {
	mkdir -p "$1/src/include/linux" "$1/src/drivers/net/ethernet"
	rsync -a --delete --exclude '*.o' --exclude '*.ko' --exclude '*.mod*' --exclude '.*' \
		--exclude Module.symvers --exclude modules.order \
		"$SLUICE_TOP/drivers/net/ethernet/sluice" "$1/src/drivers/net/ethernet/"
	rsync -a --delete "$SLUICE_TOP/include/linux/sluice" "$1/src/include/linux/"
}

# modules NAME [MAKE-ARGUMENT...]: build sluice.ko for that kernel and print
# the directory with sluice.ko and module.cpio, what the guest needs of it.
modules() {
	local name=$1 kern out rel lock log
	shift
	[ -e "$SLUICE_TOP/drivers/net/ethernet/sluice/Makefile" ] ||
		die "there is no driver source in drivers/net/ethernet/sluice"
	need_root
	need_packages rsync kmod cpio binutils
	kern=$(kernel "$name")
	out=$SLUICE_TOP/build/modules/$name
	mkdir -p "$out"
	exec {lock}>"$out/lock"
	flock "$lock"
	# Another kernel tree: what is there was built against the old one.
	if [ "$(cat "$out/kernel" 2>/dev/null)" != "$kern" ]; then
		rm -rf "$out/src"
		echo "$kern" > "$out/kernel"
	fi
	module_sources "$out"
	log=$out/log
	in_kernel_tree "$kern" "$out/src" -- make -s -j"$SLUICE_JOBS" \
		-C "$(cat "$kern/kbuild/kdir")" M=/work/drivers/net/ethernet/sluice "$@" modules \
		> "$log" 2>&1 || {
			grep -vE '^make' "$log" | head -n 60 >&2
			die "the module does not build for the $name kernel; the whole log is $log"
		}
	grep -E 'warning|WARNING' "$log" >&2 || :
	if [ ! -e "$out/module.cpio" ] || ! cmp -s "$out/src/drivers/net/ethernet/sluice/sluice.ko" "$out/sluice.ko"; then
		pack_module "$kern" "$out" "$(cat "$kern/kbuild/release")"
	fi
	exec {lock}>&-
	printf '%s\n' "$out"
}

# The module and the module indexes that know it, as /module of an initramfs.
pack_module() {
	local kern=$1 out=$2 rel=$3 t=$2/pack
	rm -rf "$t"
	mkdir -p "$t/base/lib/modules" "$t/cpio/module/updates"
	cp -al "$kern/index/lib/modules/$rel" "$t/base/lib/modules/$rel"
	rm -f "$t/base/lib/modules/$rel"/modules.{alias,dep,symbols,softdep,devname,builtin.bin,builtin.alias.bin,alias.bin,dep.bin,symbols.bin,weakdep}
	mkdir -p "$t/base/lib/modules/$rel/updates"
	strip --strip-debug -o "$t/base/lib/modules/$rel/updates/sluice.ko" \
		"$out/src/drivers/net/ethernet/sluice/sluice.ko"
	depmod -b "$t/base" "$rel"
	cp "$t/base/lib/modules/$rel"/modules.* "$t/cpio/module/"
	cp "$t/base/lib/modules/$rel/updates/sluice.ko" "$t/cpio/module/updates/"
	(cd "$t/cpio" && find . | LC_ALL=C sort | cpio --quiet -o -H newc) > "$out/module.cpio.new"
	mv "$out/module.cpio.new" "$out/module.cpio"
	cp "$out/src/drivers/net/ethernet/sluice/sluice.ko" "$out/sluice.ko.new"
	mv "$out/sluice.ko.new" "$out/sluice.ko"
	rm -rf "$t"
}

ksource_step() {
	local deb
	deb=$(apt_fetch "$KSUITE" "$KPACKAGE")
	need_packages xz-utils
	say "unpacking scripts and selftests of $(basename "$deb")"
	dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -xJ --strip-components=1 -C "$1" --wildcards \
			'linux-source-*/scripts' 'linux-source-*/tools/testing/selftests' \
			'linux-source-*/tools/lib/python' 'linux-source-*/tools/docs' \
			'linux-source-*/tools/net' 'linux-source-*/Documentation/netlink' \
			'linux-source-*/.clang-format' \
			2>&1 | grep -v 'Not found in archive\|Exiting with failure' || :
	[ -e "$1/scripts/checkpatch.pl" ] && [ -d "$1/tools/testing/selftests/net/forwarding" ] ||
		die "unpacking $(basename "$deb") failed"
}

# ksource NAME: print the directory with that kernel's scripts and selftests.
ksource() {
	case $1 in
	stock) KSUITE=$GUEST_SUITE KPACKAGE=linux-source-6.12 ;;
	test|lean) KSUITE=$NEXT_SUITE KPACKAGE=linux-source-7.2 ;;
	esac
	cached "ksource-${1/lean/test}" "$(hash_of "$KSUITE" "$KPACKAGE" "$(declare -f ksource_step)")" ksource_step
}
