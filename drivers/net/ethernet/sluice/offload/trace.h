/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trace event of a filter that is not in hardware:
 *
 *	echo 1 > /sys/kernel/tracing/events/sluice/enable
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM sluice

#if !defined(_SLUICE_OFFLOAD_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _SLUICE_OFFLOAD_TRACE_H

#include <linux/tracepoint.h>

/* What the macros make of a va_format looks to gcc like printf. */
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wsuggest-attribute=format"
#endif

TRACE_EVENT(sluice_reject,
	    TP_PROTO(const char *dev, unsigned long cookie, u32 chain, u32 prio,
		     const char *reason, struct va_format *vaf),
	    TP_ARGS(dev, cookie, chain, prio, reason, vaf),
	    TP_STRUCT__entry(__string(dev, dev)
			     __field(unsigned long, cookie)
			     __field(u32, chain)
			     __field(u32, prio)
			     __string(reason, reason)
			     __vstring(msg, vaf->fmt, vaf->va)
	    ),
	    TP_fast_assign(__assign_str(dev);
			   __entry->cookie = cookie;
			   __entry->chain = chain;
			   __entry->prio = prio;
			   __assign_str(reason);
			   __assign_vstr(msg, vaf->fmt, vaf->va);
	    ),
	    TP_printk("%s cookie %p chain %u prio %u %s: %s", __get_str(dev),
		      (void *)__entry->cookie, __entry->chain, __entry->prio,
		      __get_str(reason), __get_str(msg))
);

#pragma GCC diagnostic pop

#endif /* _SLUICE_OFFLOAD_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH offload
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
