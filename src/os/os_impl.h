/* os/os_impl.h - what an implementation of os.h provides. For os_*.c only.
 *
 * struct os begins with the table of its implementation; os.c forwards. A test
 * that wants a failing disk wraps a table (os_faulty.c). */
#ifndef OS_OS_IMPL_H
#define OS_OS_IMPL_H

#include "os/os.h"

struct os_ops {
	uint64_t (*now_ms)(struct os *);
	uint64_t (*now_us)(struct os *);
	int64_t (*wall_us)(struct os *);
	void (*random)(struct os *, void *, size_t);
	void (*timer_start)(struct os *, struct os_timer *, uint64_t);
	void (*timer_stop)(struct os *, struct os_timer *);
	void (*defer)(struct os *, struct os_defer *);
	void (*defer_cancel)(struct os *, struct os_defer *);
	void (*watch_start)(struct os *, struct os_watch *, int, int);
	void (*watch_stop)(struct os *, struct os_watch *);
	void (*work_start)(struct os *, struct os_work *);
	void (*stop)(struct os *, int);
	void (*signal_start)(struct os *, struct os_signal *, int);
	void (*signal_stop)(struct os *, struct os_signal *);

	/* Paths arrive judged: not empty, within their maximum, no "..". */
	int (*open)(struct os *, int, const char *, int);
	int (*mkdir)(struct os *, int, const char *);
	int (*unlink)(struct os *, int, const char *);
	int (*rmdir)(struct os *, int, const char *);
	int (*list)(struct os *, int, const char *, bool (*)(void *, const char *), void *);
	int64_t (*size)(struct os *, int);
	ssize_t (*pread)(struct os *, int, void *, size_t, uint64_t);
	int (*pwritev)(struct os *, int, const slice *, size_t, uint64_t);
	int (*sync)(struct os *, int);
	int (*sync_folder)(struct os *, int);
	int (*sync_system)(struct os *, int);
	int (*free_space)(struct os *, int, uint64_t *, uint64_t *);
	void (*close)(struct os *, int);
	int (*duplicate)(struct os *, int);
	int (*has_writer)(struct os *, int);
	int (*memory_file)(struct os *);        /* NULL: there are none */
	size_t (*descriptors_max)(struct os *);

	int (*listen)(struct os *, const struct os_address *, int);
	int (*local_address)(struct os *, int, struct os_address *);
	int (*accept)(struct os *, int, struct os_address *);
	int (*connect)(struct os *, const struct os_address *);
	int (*connected)(struct os *, int);
	ssize_t (*read)(struct os *, int, void *, size_t);
	ssize_t (*write)(struct os *, int, const slice *, size_t);
	ssize_t (*write_last)(struct os *, int, slice);         /* NULL: write */
	int (*shutdown)(struct os *, int);
	void (*acknowledge)(struct os *, int);  /* NULL: nothing is ever delayed */
	int (*stream_pair)(struct os *, int[2]);
	int (*datagram_open)(struct os *, const struct os_address *);
	ssize_t (*datagram_receive)(struct os *, int, void *, size_t, struct os_address *);
	int (*datagram_send)(struct os *, int, slice, const struct os_address *);
	int (*channel_pair)(struct os *, int[2]);
	int (*channel_send)(struct os *, int, slice, const int *, size_t);
	ssize_t (*channel_receive)(struct os *, int, void *, size_t, int[], size_t *);
	int64_t (*peer_uid)(struct os *, int);

	int (*dns_start)(struct os *, const struct os_dns_options *);
	void (*dns_ask)(struct os *, struct os_dns_query *, const char *, unsigned);
	void (*dns_cancel)(struct os *, struct os_dns_query *);

	int (*spawn)(struct os *, struct os_child *, const struct os_program *, unsigned, int);
	void (*kill)(struct os *, struct os_child *);
	int (*confine)(struct os *, const struct os_confinement *, int, int64_t, int64_t,
	    const char **);
	bool (*planted)(struct os *, enum os_plant);    /* NULL in the real world: none */
	/* One whole line with its time, role, level and line feed. */
	void (*log)(struct os *, enum os_level, slice line);
	void (*log_to)(struct os *, int);
	void (*event)(struct os *, slice line);
	void (*event_to)(struct os *, int);
};

enum { OS_NAME_MAX = 32 };

struct os {
	const struct os_ops *ops;
	struct heap *heap;
	bool events;                    /* somebody wants them */
	char name[OS_NAME_MAX];         /* who speaks in the log: "edge.0"; "" for a tool */
	void *scratch;                  /* os_scratch(), from heap; NULL until first asked for */
};

#endif
