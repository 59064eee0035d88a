/* os/confine_landlock.c - Landlock by raw calls: what the running kernel knows
 * counts, not what the headers we were built with knew.
 *
 * Each version of the kernel's interface adds rights that can be taken away;
 * asking an older kernel for newer ones is an error. Debian 12's own kernel has
 * version 2: files, but no ports, for which seccomp stands. */
#include "os/confine_impl.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/landlock.h of version 7, in our own words. */
enum {
	CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446,
	ASK_VERSION = 1,
	RULE_PATH_BENEATH = 1,

	FS_EXECUTE = 1 << 0, FS_WRITE_FILE = 1 << 1, FS_READ_FILE = 1 << 2, FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4, FS_REMOVE_FILE = 1 << 5, FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7, FS_MAKE_REG = 1 << 8, FS_MAKE_SOCK = 1 << 9, FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11, FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,             /* version 2 */
	FS_TRUNCATE = 1 << 14,          /* 3 */
	FS_IOCTL_DEV = 1 << 15,         /* 5 */
	FS_VERSION_1 = FS_REFER - 1,

	NET_BIND_TCP = 1 << 0,          /* 4 */
	NET_CONNECT_TCP = 1 << 1,

	SCOPE_ABSTRACT_SOCKET = 1 << 0, /* 6 */
	SCOPE_SIGNAL = 1 << 1,
};

struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct path_beneath {
	uint64_t allowed;
	int32_t folder;
} __attribute__((packed));

/* All that this version can deny, but what the role may; sizes as it knows them. */
static size_t fill_ruleset(const struct os_confinement *may, long version,
    struct ruleset *ret_rules)
{
	ret_rules->fs = FS_VERSION_1;
	if (version >= 2)
		ret_rules->fs |= FS_REFER;
	if (version >= 3)
		ret_rules->fs |= FS_TRUNCATE;
	if (version >= 5)
		ret_rules->fs |= FS_IOCTL_DEV;
	if (version < 4)
		return sizeof ret_rules->fs;
	ret_rules->net = may->network_connect ? NET_BIND_TCP : NET_BIND_TCP | NET_CONNECT_TCP;
	if (version < 6)
		return sizeof ret_rules->fs + sizeof ret_rules->net;
	ret_rules->scoped = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
	return sizeof *ret_rules;
}

static int allow_below(int rules_fd, int root, bool write, uint64_t handled)
{
	struct path_beneath rule = {
		.allowed = FS_READ_FILE | FS_READ_DIR,
		.folder = root,
	};

	if (write)
		rule.allowed |= FS_WRITE_FILE | FS_TRUNCATE | FS_MAKE_REG | FS_MAKE_DIR |
		    FS_REMOVE_FILE | FS_REMOVE_DIR;
	rule.allowed &= handled;
	if (syscall(ADD_RULE, rules_fd, RULE_PATH_BENEATH, &rule, 0) < 0)
		return -errno;
	return 0;
}

int confine_landlock(const struct os_confinement *may, int root)
{
	long version = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
	struct ruleset rules = { 0 };
	int error = 0, fd;
	size_t size;

	if (version < 0)
		return -errno;
	size = fill_ruleset(may, version, &rules);
	fd = (int)syscall(CREATE_RULESET, &rules, size, 0);
	if (fd < 0)
		return -errno;
	if (may->files && root >= 0)
		error = allow_below(fd, root, may->files_write, rules.fs);
	if (error == 0 && may->files && may->beside > 0)
		error = allow_below(fd, may->beside, false, rules.fs);
	if (error == 0 && syscall(RESTRICT_SELF, fd, 0) < 0)
		error = -errno;
	close(fd);
	return error;
}
