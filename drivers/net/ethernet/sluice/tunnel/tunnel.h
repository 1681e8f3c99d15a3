/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tunnels in hardware.
 *
 * A rule that redirects to a tunnel device names a struct sluice_encap, the
 * outer header from the IP header on, shared by all rules that ask for the
 * same.  An encap names a struct sluice_next_hop, one neighbour on one
 * underlay device, shared by all encaps routed over it.  So a neighbour's
 * change is one command to the device, and a route's one for each encap it
 * concerns, whatever the number of rules.
 *
 * A block at the ingress of a tunnel device is a struct sluice_block with a
 * struct sluice_tunnel_dev.  The device reaches its table from a struct
 * sluice_endpoint: a tunnel device, a local address, and the underlay device
 * the address is on.
 *
 * Everything is protected by struct sluice_offload.lock.  Notifiers in atomic
 * context queue a struct sluice_tunnel_event; work looks up afresh what the
 * event is about.  The work that reads routes holds RTNL, so that who sent the
 * event has finished.
 */
#ifndef _SLUICE_TUNNEL_H
#define _SLUICE_TUNNEL_H

#include <linux/in6.h>
#include <linux/rbtree.h>
#include <net/ip_tunnels.h>

#include "../offload/offload.h"

struct fib_notifier_info;

/* Events that wait, before everything is looked up afresh instead. */
#define SLUICE_TUNNEL_EVENTS	4096

/* Buckets for the MAC addresses of neighbours behind bridges. */
#define SLUICE_BRIDGE_MACS_BITS	8

/* Buckets for the source addresses of outer headers. */
#define SLUICE_ENCAP_SOURCES_BITS	8

/* Buckets for what outer headers are routed by. */
#define SLUICE_ENCAP_VIAS_BITS		10

/* Shortest interval at which neighbours in use are told so. */
#define SLUICE_KEEPALIVE_MIN	(HZ / 10)

/**
 * struct sluice_addr - an address of either family
 * @a: IPv6 address, or IPv4 address in the first four bytes
 * @family: AF_INET or AF_INET6
 */
struct sluice_addr {
	struct in6_addr a;
	u32 family;
};

/**
 * enum sluice_place - what kind of underlay
 * @SLUICE_PLACE_WIRE: an uplink's netdev or a VLAN on it
 * @SLUICE_PLACE_BRIDGE: a bridge, which wires may be ports of, or a VLAN on one
 * @SLUICE_PLACE_INTERNAL: an internal port of Open vSwitch
 */
enum sluice_place {
	SLUICE_PLACE_WIRE,
	SLUICE_PLACE_BRIDGE,
	SLUICE_PLACE_INTERNAL,
};

/**
 * struct sluice_underlay - a netdev whose packets may be those of our wires
 * @node: in struct sluice_tunnels.underlays
 * @dev: the netdev
 * @place: enum sluice_place
 * @vport: wire: the uplink
 * @tpid: ethertype of the VLAN's tag, zero without
 * @tci: the tag of packets sent
 * @next_hops: struct sluice_next_hop of its neighbours
 * @blocks: tc blocks at a VLAN's ingress and egress, whose filters the device
 *	does not run
 * @up: packets can be sent
 * @ours: what arrives is for the host itself, not for a bridge or the like
 * @bridge: wire: the bridge it is a port of; VLAN on a bridge: that bridge; or NULL
 * @br_tx: with @bridge: that sends by it
 * @br_rx: with @bridge: frames for the bridge's address are for the host
 * @br_tpid: with @br_rx: ethertype of the tag they have, zero without
 * @br_vid: with @br_tpid: its VLAN id
 * @group: internal port: what rules call it by, never used again
 * @egress: internal port: block at its egress, or NULL
 * @ingress: internal port: block at its ingress, or NULL
 * @ingress_replay: that block, while tc has not told of its filters, or NULL
 * @ingress_filters: filters there; with any, software receives
 */
struct sluice_underlay {
	struct list_head node;
	struct net_device *dev;
	u8 place;
	u16 vport;
	__be16 tpid;
	u16 tci;
	struct list_head next_hops;
	unsigned int blocks;
	bool up;
	bool ours;
	struct sluice_underlay *bridge;
	bool br_tx;
	bool br_rx;
	__be16 br_tpid;
	u16 br_vid;
	u32 group;
	struct sluice_block *egress;
	struct sluice_egress *ingress;
	struct tcf_block *ingress_replay;
	int ingress_filters;
};

/**
 * struct sluice_tunnel_dev - a tunnel netdev
 * @node: in struct sluice_tunnels.devs
 * @dev: the netdev
 * @type: enum sluice_tunnel
 * @family: the only family of its outer headers, or AF_UNSPEC
 * @refuse: why nothing of it can be in hardware, or NULL
 * @no_rx: why it cannot receive in hardware, or NULL
 * @up: it is up
 * @gbp: VXLAN with group policy
 * @zero_csum6: takes UDP over IPv6 without checksum
 * @port: its UDP port
 * @sport_min: lowest UDP source port it uses
 * @sport_range: how many it uses
 * @mtu: MTU of the netdev
 * @vrf: device the routing lookup is bound to, or 0
 * @block: block at its ingress, or NULL
 * @egress: block at its egress, or NULL
 * @egress_replay: that block, while tc has not told of its filters, or NULL
 * @egress_filters: filters there; with any, software sends
 * @encaps: struct sluice_encap by way of it
 */
struct sluice_tunnel_dev {
	struct list_head node;
	struct net_device *dev;
	u8 type;
	u8 family;
	const char *refuse;
	const char *no_rx;
	bool up;
	bool gbp;
	bool zero_csum6;
	__be16 port;
	u16 sport_min;
	u32 sport_range;
	u32 mtu;
	int vrf;
	struct sluice_block *block;
	struct sluice_egress *egress;
	struct tcf_block *egress_replay;
	int egress_filters;
	struct list_head encaps;
};

/**
 * struct sluice_next_hop_key - what names a next hop
 * @addr: neighbour
 * @ifindex: of the underlay device
 */
struct sluice_next_hop_key {
	struct sluice_addr addr;
	u32 ifindex;
};

/**
 * struct sluice_next_hop - a neighbour on one of our wires
 * @hash: in struct sluice_tunnels.next_hops
 * @key: its name
 * @node: in struct sluice_underlay.next_hops
 * @underlay: where it is, NULL when that is gone
 * @encaps: struct sluice_encap routed over it
 * @mac_node: in struct sluice_tunnels.macs, if @underlay is a bridge and the
 *	neighbour is resolved
 * @mac: its MAC address then
 * @why: why it is not valid, for people, or NULL
 * @id: device object
 * @refs: encaps
 * @counter: counter id or SLUICE_ID_NONE
 * @slot: host memory of the counter, or NULL
 * @packets: packets at the last keep-alive
 * @asked: when the neighbour was last asked for the sake of a bridge, jiffies
 * @sets: commands it has cost
 * @cmd: last command
 * @rcu: for the neighbour notifier
 */
struct sluice_next_hop {
	struct rhash_head hash;
	struct sluice_next_hop_key key;
	struct list_head node;
	struct sluice_underlay *underlay;
	struct list_head encaps;
	struct hlist_node mac_node;
	u8 mac[ETH_ALEN];
	const char *why;
	u32 id;
	unsigned int refs;
	u32 counter;
	const struct sluice_counter *slot;
	u64 packets;
	unsigned long asked;
	u64 sets;
	struct sluice_cmd_next_hop cmd;
	struct rcu_head rcu;
};

/* Longest GENEVE options of an outer header. */
#define SLUICE_ENCAP_OPTS_MAX	252

/* Longest command for an encap. */
#define SLUICE_ENCAP_CMD_MAX						\
	(sizeof(struct sluice_cmd_encap) + ALIGN(SLUICE_ENCAP_HDR_MAX, 8))

/* What a tunnel_key action asks for, as far as we know it. */
#define SLUICE_ENCAP_CSUM	0x01
#define SLUICE_ENCAP_DF		0x02
#define SLUICE_ENCAP_KEY	0x04
#define SLUICE_ENCAP_OAM	0x08
#define SLUICE_ENCAP_CRIT	0x10
#define SLUICE_ENCAP_GENEVE	0x20
#define SLUICE_ENCAP_GBP	0x40

/**
 * struct sluice_encap_key - what a rule asks of a tunnel device
 * @ifindex: the tunnel device
 * @family: AF_INET or AF_INET6
 * @flags: SLUICE_ENCAP_*
 * @src: source address or zero
 * @dst: remote
 * @tun_id: VNI or GRE key
 * @label: flow label
 * @port: UDP port or zero
 * @tos: TOS
 * @ttl: TTL or zero
 * @flow_flags: of the route lookup
 * @opts_len: length of @opts
 * @reserved: zero
 * @opts: GENEVE options, or &struct vxlan_metadata
 */
struct sluice_encap_key {
	u32 ifindex;
	u16 family;
	u16 flags;
	struct in6_addr src;
	struct in6_addr dst;
	__be32 tun_id;
	__be32 label;
	__be16 port;
	u8 tos;
	u8 ttl;
	u8 flow_flags;
	u8 opts_len;
	u8 reserved[2];
	u8 opts[SLUICE_ENCAP_OPTS_MAX];
};

/**
 * struct sluice_encap - an outer header
 * @hash: in struct sluice_tunnels.encaps
 * @key: what rules ask for
 * @remote: in struct sluice_tunnels.remotes
 * @dev_node: in struct sluice_tunnel_dev.encaps
 * @nh_node: in struct sluice_next_hop.encaps, or struct sluice_tunnels.lost
 * @source_node: in struct sluice_tunnels.sources
 * @via_node: in struct sluice_tunnels.vias
 * @spread_node: in struct sluice_tunnels.spread, or empty
 * @dev: tunnel device, NULL when it is gone
 * @nh: next hop, or NULL
 * @why: why it has none, for people, or NULL
 * @saddr: source address in use
 * @via: see struct sluice_route, 0 if there is no route
 * @rules: struct sluice_out of rules
 * @refs: rules
 * @id: device object
 * @sets: commands it has cost
 * @lookups: route lookups it has cost
 * @cmd: last command, with room for %SLUICE_ENCAP_CMD_MAX bytes
 */
struct sluice_encap {
	struct rhash_head hash;
	struct sluice_encap_key key;
	struct rb_node remote;
	struct list_head dev_node;
	struct list_head nh_node;
	struct hlist_node source_node;
	struct hlist_node via_node;
	struct list_head spread_node;
	struct sluice_tunnel_dev *dev;
	struct sluice_next_hop *nh;
	const char *why;
	struct in6_addr saddr;
	unsigned long via;
	struct list_head rules;
	unsigned int refs;
	u32 id;
	u64 sets;
	u64 lookups;
	/* Last: it has a flexible part. */
	struct sluice_cmd_encap cmd;
};

/**
 * struct sluice_local - a local address, as the routing table has it
 * @node: in struct sluice_tunnels.locals
 * @addr: address
 * @table: routing table
 * @ifindex: device it is on
 */
struct sluice_local {
	struct list_head node;
	struct sluice_addr addr;
	u32 table;
	u32 ifindex;
};

/**
 * struct sluice_endpoint - where tunnel packets are accepted
 * @node: in struct sluice_tunnels.endpoints
 * @dev: the tunnel device
 * @underlay: where they arrive
 * @id: device object
 * @seen: still wanted
 * @cmd: the command that made it
 */
struct sluice_endpoint {
	struct list_head node;
	struct sluice_tunnel_dev *dev;
	struct sluice_underlay *underlay;
	u32 id;
	bool seen;
	struct sluice_cmd_endpoint cmd;
};

/**
 * enum sluice_tunnel_event_kind - what an event in the queue is about
 * @SLUICE_TUNNEL_NEIGH: a neighbour
 * @SLUICE_TUNNEL_PROBE_TIME: a delay_first_probe_time
 * @SLUICE_TUNNEL_ROUTE: routes to a prefix
 * @SLUICE_TUNNEL_LOCAL_ADD: a local address came
 * @SLUICE_TUNNEL_LOCAL_DEL: it went
 * @SLUICE_TUNNEL_POLICY: a policy rule
 * @SLUICE_TUNNEL_VIA: what routes go by
 * @SLUICE_TUNNEL_LINK: whether a netdev can be used
 * @SLUICE_TUNNEL_UPPER: what a netdev is enslaved to, and how, or its MTU
 * @SLUICE_TUNNEL_FDB: where a bridge finds a MAC address
 */
enum sluice_tunnel_event_kind {
	SLUICE_TUNNEL_NEIGH,
	SLUICE_TUNNEL_PROBE_TIME,
	SLUICE_TUNNEL_ROUTE,
	SLUICE_TUNNEL_LOCAL_ADD,
	SLUICE_TUNNEL_LOCAL_DEL,
	SLUICE_TUNNEL_POLICY,
	SLUICE_TUNNEL_VIA,
	SLUICE_TUNNEL_LINK,
	SLUICE_TUNNEL_UPPER,
	SLUICE_TUNNEL_FDB,
};

/**
 * struct sluice_tunnel_event - an event from atomic context
 * @node: in a queue
 * @kind: what it is about
 * @addr: address
 * @plen: length of the prefix in bits
 * @ifindex: device
 * @table: routing table
 * @mac: MAC address
 * @src: policy rule: prefix of source addresses
 * @src_plen: policy rule: its length in bits
 * @vrf: policy rule: it is for headers that are routed in a VRF
 * @via: see struct sluice_route
 */
struct sluice_tunnel_event {
	struct list_head node;
	enum sluice_tunnel_event_kind kind;
	struct sluice_addr addr;
	u32 plen;
	u32 ifindex;
	u32 table;
	u8 mac[ETH_ALEN];
	struct in6_addr src;
	u32 src_plen;
	bool vrf;
	unsigned long via;
};

/**
 * struct sluice_tunnels - tunnels of a PF in switchdev mode
 * @off: the offload it belongs to
 * @net: namespace of uplinks, tunnel devices and routes
 * @devs: struct sluice_tunnel_dev
 * @underlays: struct sluice_underlay
 * @locals: struct sluice_local
 * @endpoints: struct sluice_endpoint
 * @encaps: struct sluice_encap by content
 * @next_hops: struct sluice_next_hop by neighbour
 * @remotes: struct sluice_encap by remote, IPv4 and IPv6
 * @lost: struct sluice_encap without next hop
 * @sources: struct sluice_encap by the source address in use
 * @vias: struct sluice_encap by what their route goes by
 * @spread: struct sluice_encap whose IPv6 route has several ways
 * @encap_ids: encap ids
 * @next_hop_ids: next hop ids
 * @endpoint_ids: endpoint ids
 * @wq: ordered work, NULL once stopped; offload lock
 * @work: handles @routes and @neighs
 * @keepalive: tells neighbours that are in use
 * @queue_lock: protects the queues
 * @neighs: events that need no RTNL
 * @routes: events about routes
 * @num_events: events in both
 * @num_remotes: encaps
 * @macs_lock: protects @macs, together with the offload lock for changes
 * @macs: struct sluice_next_hop by way of bridges, by MAC address
 * @resync: an event was lost
 * @redump: and with it a local address
 * @netdev_nb: netdevice notifier
 * @netevent_nb: neighbour notifier
 * @fib_nb: route notifier
 * @nexthop_nb: nexthop object notifier
 * @switchdev_nb: notifier for forwarding tables of bridges
 * @switchdev_blocking_nb: notifier for ports and VLANs of bridges
 * @commands: commands for next hops, encaps and endpoints
 * @handled: events handled
 * @busy_ns: time that took
 * @last_group: last of struct sluice_underlay.group
 * @stopping: the kernel is not followed any more
 * @custom_rules: there are or were policy rules for IPv4
 * @rx_df: metadata of received packets has their DF bit
 * @scratch: an encap command in the making
 */
struct sluice_tunnels {
	struct sluice_offload *off;
	struct net *net;
	struct list_head devs;
	struct list_head underlays;
	struct list_head locals;
	struct list_head endpoints;
	struct rhashtable encaps;
	struct rhashtable next_hops;
	struct rb_root remotes[2];
	struct list_head lost;
	struct hlist_head sources[1 << SLUICE_ENCAP_SOURCES_BITS];
	struct hlist_head vias[1 << SLUICE_ENCAP_VIAS_BITS];
	struct list_head spread;
	struct ida encap_ids;
	struct ida next_hop_ids;
	struct ida endpoint_ids;
	struct workqueue_struct *wq;
	struct work_struct work;
	struct delayed_work keepalive;
	/* Protects the queues. */
	spinlock_t queue_lock;
	struct list_head neighs;
	struct list_head routes;
	unsigned int num_events;
	atomic_t num_remotes;
	/* Taken by a notifier in atomic context. */
	spinlock_t macs_lock;
	struct hlist_head macs[1 << SLUICE_BRIDGE_MACS_BITS];
	bool resync;
	bool redump;
	struct notifier_block netdev_nb;
	struct notifier_block netevent_nb;
	struct notifier_block fib_nb;
	struct notifier_block nexthop_nb;
	struct notifier_block switchdev_nb;
	struct notifier_block switchdev_blocking_nb;
	u64 commands;
	u64 handled;
	u64 busy_ns;
	u32 last_group;
	bool stopping;
	bool custom_rules;
	bool rx_df;
	u8 scratch[SLUICE_ENCAP_CMD_MAX] __aligned(8);
};

static inline int sluice_addr_len(u32 family)
{
	return family == AF_INET ? sizeof(struct in_addr) :
				   sizeof(struct in6_addr);
}

static inline struct rb_root *sluice_remotes(struct sluice_tunnels *tun,
					     u32 family)
{
	return &tun->remotes[family == AF_INET6];
}

/* ---- tunnel.c ---- */

int sluice_tunnels_init(struct sluice_offload *off);
int sluice_tunnels_start(struct sluice_offload *off);
void sluice_tunnels_stop(struct sluice_offload *off);
void sluice_tunnels_fini(struct sluice_offload *off);
void sluice_tunnels_replay(struct sluice_tunnels *tun);
int sluice_tunnels_post(struct sluice_tunnels *tun, struct sluice_cmd_hdr *cmd);
void sluice_tunnels_post_u32(struct sluice_tunnels *tun, u8 opcode, u32 value);

/* ---- device.c ---- */

struct sluice_tunnel_dev *sluice_tunnel_dev_find(struct sluice_tunnels *tun,
						 const struct net_device *dev);
void sluice_tunnel_dev_update(struct sluice_tunnels *tun,
			      struct net_device *dev);
void sluice_tunnel_dev_egress(struct sluice_tunnels *tun,
			      struct sluice_tunnel_dev *td, int change);
void sluice_tunnel_dev_remove(struct sluice_tunnels *tun,
			      struct sluice_tunnel_dev *td);

/* ---- header.c ---- */

const char *sluice_encap_key(struct sluice_encap_key *key,
			     const struct sluice_tunnel_dev *td,
			     const struct ip_tunnel_info *info);
void sluice_encap_header(const struct sluice_tunnels *tun,
			 const struct sluice_encap *encap,
			 struct sluice_cmd_encap *cmd, u8 hoplimit, u32 mtu);

/* ---- encap.c ---- */

extern const struct rhashtable_params sluice_encap_params;

struct sluice_encap *sluice_encap_get(struct sluice_tunnels *tun,
				      struct sluice_tunnel_dev *td,
				      const struct ip_tunnel_info *info,
				      struct netlink_ext_ack *extack);
void sluice_encap_hold(struct sluice_encap *encap);
void sluice_encap_put(struct sluice_tunnels *tun, struct sluice_encap *encap);
void sluice_encap_update(struct sluice_tunnels *tun,
			 struct sluice_encap *encap);
void sluice_encaps_update_dev(struct sluice_tunnels *tun,
			      struct sluice_tunnel_dev *td);
void sluice_encaps_update_all(struct sluice_tunnels *tun, u32 family);
void sluice_encaps_update_next_hop(struct sluice_tunnels *tun,
				   struct sluice_next_hop *nh, u32 family);
void sluice_encaps_update_lost(struct sluice_tunnels *tun);
void sluice_encaps_update_source(struct sluice_tunnels *tun,
				 const struct sluice_addr *addr, u32 ifindex);
void sluice_encaps_update_via(struct sluice_tunnels *tun, unsigned long via);
void sluice_encaps_update_spread(struct sluice_tunnels *tun);
void sluice_encaps_update_policy(struct sluice_tunnels *tun,
				 const struct sluice_tunnel_event *ev);

/* ---- route.c ---- */

/**
 * struct sluice_route - result of a route lookup
 * @underlay: device it leaves by
 * @gateway: next hop
 * @saddr: source address
 * @mtu: longest outer packet
 * @hoplimit: default TTL
 * @via: nexthop object by its id, or the kernel's structure of an IPv4 route's
 *	ways by its address, which is only compared; 0 if it is neither
 * @spread: an IPv6 route with several ways
 */
struct sluice_route {
	struct sluice_underlay *underlay;
	struct sluice_addr gateway;
	struct in6_addr saddr;
	u32 mtu;
	u8 hoplimit;
	unsigned long via;
	bool spread;
};

const char *sluice_route_lookup(struct sluice_tunnels *tun,
				const struct sluice_encap *encap,
				struct sluice_route *route);
void sluice_remote_insert(struct sluice_tunnels *tun,
			  struct sluice_encap *encap);
void sluice_remote_erase(struct sluice_tunnels *tun,
			 struct sluice_encap *encap);
void sluice_remotes_visit(struct sluice_tunnels *tun,
			  const struct sluice_tunnel_event *ev);

/* ---- policy.c ---- */

bool sluice_policy_event(struct sluice_tunnels *tun,
			 const struct fib_notifier_info *info,
			 struct sluice_tunnel_event *ev);
bool sluice_policy_concerns(const struct sluice_encap *encap,
			    const struct sluice_tunnel_event *ev);
void sluice_policy_visit(struct sluice_tunnels *tun,
			 const struct sluice_tunnel_event *ev);

/* The bridge of an underlay that is one, or a VLAN on one. */
static inline const struct sluice_underlay *
sluice_bridge_of(const struct sluice_underlay *underlay)
{
	return underlay->bridge ?: underlay;
}

/* ---- underlay.c ---- */

struct sluice_underlay *sluice_underlay_find(struct sluice_tunnels *tun,
					     const struct net_device *dev);
void sluice_underlay_update(struct sluice_tunnels *tun,
			    struct net_device *dev, bool gone);
void sluice_underlay_ingress(struct sluice_tunnels *tun,
			     struct sluice_underlay *underlay, int change);
void sluice_underlay_egress(struct sluice_tunnels *tun,
			    struct sluice_underlay *underlay);
void sluice_underlay_routes(struct sluice_tunnels *tun, u32 ifindex,
			    u32 family);
u32 sluice_underlay_mtu(struct sluice_tunnels *tun,
			const struct sluice_underlay *underlay, u32 mtu);

/* ---- bridge.c ---- */

bool sluice_bridge_possible(const struct net_device *dev);
void sluice_bridge_read(struct sluice_tunnels *tun,
			struct sluice_underlay *wire);
bool sluice_bridge_receives(const struct sluice_underlay *underlay,
			    const struct sluice_underlay *wire, __be16 *tpid,
			    u16 *vid);
struct sluice_underlay *sluice_bridge_path(struct sluice_tunnels *tun,
					   const struct sluice_underlay *underlay,
					   const u8 *mac, __be16 *tpid,
					   u16 *tci);
void sluice_bridge_watch(struct sluice_tunnels *tun, struct sluice_next_hop *nh,
			 const u8 *mac);
void sluice_bridge_event(struct sluice_tunnels *tun,
			 const struct sluice_tunnel_event *ev);
int sluice_switchdev_event(struct notifier_block *nb, unsigned long event,
			   void *ptr);
int sluice_switchdev_blocking_event(struct notifier_block *nb,
				    unsigned long event, void *ptr);

/* ---- next_hop.c ---- */

extern const struct rhashtable_params sluice_next_hop_params;

struct sluice_next_hop *sluice_next_hop_get(struct sluice_tunnels *tun,
					    struct sluice_underlay *underlay,
					    const struct sluice_addr *addr);
void sluice_next_hop_put(struct sluice_tunnels *tun,
			 struct sluice_next_hop *nh);
void sluice_next_hop_update(struct sluice_tunnels *tun,
			    struct sluice_next_hop *nh);
const char *sluice_next_hop_state(const struct sluice_next_hop *nh);

/* ---- neigh.c ---- */

struct neighbour *sluice_neigh_lookup(struct sluice_tunnels *tun,
				      const struct sluice_next_hop *nh,
				      bool create);
bool sluice_neigh_key(const struct neighbour *n, struct sluice_next_hop_key *key);
int sluice_netevent(struct notifier_block *nb, unsigned long event, void *ptr);
void sluice_neigh_event(struct sluice_tunnels *tun,
			const struct sluice_tunnel_event *ev);
void sluice_neigh_find(struct sluice_tunnels *tun, struct sluice_next_hop *nh);
void sluice_keepalive_work(struct work_struct *work);
void sluice_keepalive_arm(struct sluice_tunnels *tun, bool anew);

/* ---- endpoint.c ---- */

void sluice_local_add(struct sluice_tunnels *tun,
		      const struct sluice_addr *addr, u32 table, u32 ifindex);
void sluice_local_del(struct sluice_tunnels *tun,
		      const struct sluice_addr *addr, u32 table);
void sluice_locals_clear(struct sluice_tunnels *tun);
void sluice_endpoints_sync(struct sluice_tunnels *tun);
void sluice_endpoints_replay(struct sluice_tunnels *tun);

/* ---- event.c ---- */

void sluice_tunnel_queue(struct sluice_tunnels *tun,
			 const struct sluice_tunnel_event *ev);
void sluice_tunnel_work(struct work_struct *work);
void sluice_tunnel_queue_free(struct sluice_tunnels *tun);
int sluice_fib_event(struct notifier_block *nb, unsigned long event, void *ptr);
int sluice_nexthop_event(struct notifier_block *nb, unsigned long event,
			 void *ptr);
int sluice_netdev_event(struct notifier_block *nb, unsigned long event,
			void *ptr);

/* ---- indr.c ---- */

int sluice_indr_register(struct sluice_offload *off);
void sluice_indr_unregister(struct sluice_offload *off);
void sluice_indr_replay(struct sluice_offload *off);

/* ---- debugfs.c ---- */

void sluice_tunnels_debugfs_add(struct sluice_offload *off);

#endif /* _SLUICE_TUNNEL_H */
