#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The other machine of a test with two, see pair_lib.sh: runs, one after the
# other, the commands it finds in the directory that is its argument.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/net/sluice/lib.sh
. "$here/lib.sh"
# shellcheck source=selftests/net/sluice/ovs_lib.sh
. "$here/ovs_lib.sh"
HOST=2
# shellcheck source=selftests/net/sluice/pair_lib.sh
. "$here/pair_lib.sh"

[ -d "${1:-}" ] || { echo "usage: peer.sh DIRECTORY" >&2; exit 2; }
SLUICE_PEER=$1
touch "$SLUICE_PEER/ready"
until [ -e "$SLUICE_PEER/end" ]; do
	if [ ! -e "$SLUICE_PEER/order" ]; then
		peer_nap
		continue
	fi
	eval "$(cat "$SLUICE_PEER/order")" > "$SLUICE_PEER/output" 2>&1 < /dev/null
	echo $? > "$SLUICE_PEER/status.new"
	rm "$SLUICE_PEER/order"
	mv "$SLUICE_PEER/status.new" "$SLUICE_PEER/status"
done
rm -rf "$SLUICE_TMP"
