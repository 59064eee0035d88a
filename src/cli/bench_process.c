/* cli/bench_process.c - a tree of processes, found by the parent that each names. Of a living
 * thread the kernel tells the time to the nanosecond, of what has ended in clock ticks. */
#include "cli/bench_process.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"

enum { PATH = 64, LINE = 1024 };

struct process {
	unsigned long pid, parent;
	double ended_s;                 /* of children that it waited for */
	bool ours;
};

static bool read_line(const char *path, char line[LINE])
{
	FILE *file = fopen(path, "re");
	bool ok = file != NULL && fgets(line, LINE, file) != NULL;

	if (file != NULL)
		fclose(file);
	return ok;
}

/* proc(5): the name in parentheses may hold anything; state and parent come behind it, and
 * the times of waited-for children are fields 16 and 17 of all. */
static bool read_process(unsigned long pid, struct process *ret)
{
	char path[PATH], line[LINE], *at;
	unsigned long user, system;

	snprintf(path, sizeof path, "/proc/%lu/stat", pid);
	if (!read_line(path, line) || (at = strrchr(line, ')')) == NULL)
		return false;
	*ret = (struct process){ .pid = pid };
	if (sscanf(at + 1, " %*c %lu %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu", &ret->parent,
	    &user, &system) != 3)
		return false;
	ret->ended_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
	return true;
}

/* ---- living threads ---- */

static double thread_s(unsigned long pid, const char *thread)
{
	char path[PATH], line[LINE];
	unsigned long long ns = 0;

	snprintf(path, sizeof path, "/proc/%lu/task/%.20s/schedstat", pid, thread);
	return read_line(path, line) && sscanf(line, "%llu", &ns) == 1 ? (double)ns / 1e9 : 0;
}

static double living_s(unsigned long pid)
{
	char path[PATH];
	struct dirent *entry;
	double sum = 0;
	DIR *folder;

	snprintf(path, sizeof path, "/proc/%lu/task", pid);
	folder = opendir(path);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (isdigit((unsigned char)entry->d_name[0]))
			sum += thread_s(pid, entry->d_name);
	}
	if (folder != NULL)
		closedir(folder);
	return sum;
}

static double memory_kb(unsigned long pid)
{
	char path[PATH], line[LINE];
	unsigned long kb = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%lu/smaps_rollup", pid);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, "Pss: %lu", &kb) == 1)
			break;
	}
	if (file != NULL)
		fclose(file);
	return (double)kb;
}

/* ---- the tree ---- */

static size_t read_all(struct process *all)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	size_t n = 0;

	while (folder != NULL && n < BENCH_PROCESSES_MAX && (entry = readdir(folder)) != NULL) {
		unsigned long pid = strtoul(entry->d_name, NULL, 10);

		if (pid > 0 && read_process(pid, &all[n]))
			n++;
	}
	if (folder != NULL)
		closedir(folder);
	return n;
}

/* Whether one more was found to be a child of ours. */
static bool adopt(struct process *all, size_t n)
{
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; !all[i].ours && k < n; k++) {
			if (all[k].ours && all[k].pid == all[i].parent)
				found = all[i].ours = true;
		}
	}
	return found;
}

bool bench_process_look(struct heap *heap, unsigned long pid, bool memory,
    struct bench_process_use *ret_use)
{
	struct process *all = heap_alloc(heap, BENCH_PROCESSES_MAX * sizeof *all);
	size_t n = read_all(all);
	struct bench_process_use use = { 0 };

	for (size_t i = 0; i < n; i++)
		all[i].ours = all[i].pid == pid;
	while (adopt(all, n))
		;
	for (size_t i = 0; i < n; i++) {
		if (!all[i].ours)
			continue;
		use.processes++;
		use.cpu_s += all[i].ended_s + living_s(all[i].pid);
		if (memory)
			use.memory_kb += memory_kb(all[i].pid);
	}
	heap_free(heap, all);
	if (use.processes > 0)
		*ret_use = use;
	return use.processes > 0;
}
