/* os/os_sim_pages.c - the bytes of a simulated file, in two layers of pages.
 *
 * A page is in the cache, on the disk, or the same in both, and then it is one
 * block. One that was never anything but zeros is none at all: journals are
 * written with zeros whole, and most of a world's time would go into that.
 *
 * (1) cached == durable: no sector is dirty, and writing makes a copy first.
 * (2) Dirty pages are in [dirty_from, dirty_to). */
#include "os/os_sim_impl.h"

#include <assert.h>
#include <string.h>

#include "base/check.h"

enum { PAGE_SECTORS = SIM_PAGE / SIM_SECTOR, ALL_DIRTY = (1 << PAGE_SECTORS) - 1 };

static_assert(PAGE_SECTORS == 8, "struct sim_page has a bit for each sector");

static void reserve(struct sim_inode *inode, size_t n_pages)
{
	size_t old = inode->n_pages, n = old > 0 ? old : 1;

	if (n_pages <= old)
		return;
	while (n < n_pages)
		n *= 2;
	inode->pages = heap_resize(inode->host->sim->heap, inode->pages, n * sizeof *inode->pages);
	memset(inode->pages + old, 0, (n - old) * sizeof *inode->pages);
	inode->n_pages = n;
}

static void free_page(struct sim_inode *inode, struct sim_page *page)
{
	struct heap *heap = inode->host->sim->heap;

	heap_free(heap, page->cached);
	if (page->durable != page->cached)
		heap_free(heap, page->durable);
	*page = (struct sim_page){ 0 };
}

void sim_pages_free(struct sim_inode *inode)
{
	for (size_t i = 0; i < inode->n_pages; i++)
		free_page(inode, &inode->pages[i]);
	heap_free(inode->host->sim->heap, inode->pages);
}

void sim_pages_read(const struct sim_inode *inode, void *buf, size_t n, uint64_t offset)
{
	unsigned char *out = buf;

	while (n > 0) {
		size_t i = offset / SIM_PAGE, at = offset % SIM_PAGE, part = SIM_PAGE - at;

		if (part > n)
			part = n;
		if (i < inode->n_pages && inode->pages[i].cached != NULL)
			memcpy(out, inode->pages[i].cached + at, part);
		else
			memset(out, 0, part);
		out += part;
		offset += part;
		n -= part;
	}
}

static bool all_zero(slice bytes)
{
	return bytes.len == 0 || (bytes.ptr[0] == 0 &&
	    memcmp(bytes.ptr, bytes.ptr + 1, bytes.len - 1) == 0);
}

static void write_page(struct sim_inode *inode, size_t i, size_t at, slice bytes)
{
	struct sim_page *page = &inode->pages[i];
	const unsigned char *old = page->cached;

	if (old == NULL && page->durable == NULL && all_zero(bytes))
		return;
	if (old == NULL || old == page->durable) {
		page->cached = heap_alloc(inode->host->sim->heap, SIM_PAGE);
		if (old != NULL)
			memcpy(page->cached, old, SIM_PAGE);
	}
	memcpy(page->cached + at, bytes.ptr, bytes.len);
	for (size_t s = at / SIM_SECTOR; s <= (at + bytes.len - 1) / SIM_SECTOR; s++)
		page->dirty |= (uint8_t)(1u << s);
	if (inode->dirty_from == inode->dirty_to) {
		inode->dirty_from = i;
		inode->dirty_to = i + 1;
	} else if (i < inode->dirty_from) {
		inode->dirty_from = i;
	} else if (i >= inode->dirty_to) {
		inode->dirty_to = i + 1;
	}
}

void sim_pages_write(struct sim_inode *inode, slice bytes, uint64_t offset)
{
	reserve(inode, (offset + bytes.len + SIM_PAGE - 1) / SIM_PAGE);
	while (bytes.len > 0) {
		size_t at = offset % SIM_PAGE, part = SIM_PAGE - at;

		if (part > bytes.len)
			part = bytes.len;
		write_page(inode, offset / SIM_PAGE, at, slice_head(bytes, part));
		bytes = slice_drop(bytes, part);
		offset += part;
	}
}

/* The sectors of `which` reach the disk. */
static void keep(struct sim_inode *inode, struct sim_page *page, unsigned which)
{
	which &= page->dirty;
	if (which == 0)
		return;
	if (page->durable == NULL)
		page->durable = heap_alloc(inode->host->sim->heap, SIM_PAGE);
	for (size_t s = 0; s < PAGE_SECTORS; s++) {
		if ((which & 1u << s) != 0)
			memcpy(page->durable + s * SIM_SECTOR, page->cached + s * SIM_SECTOR,
			    SIM_SECTOR);
	}
	page->dirty &= (uint8_t)~which;
	if (page->dirty == 0 && memcmp(page->durable, page->cached, SIM_PAGE) == 0) {
		heap_free(inode->host->sim->heap, page->durable);
		page->durable = page->cached;
	}
}

void sim_pages_sync(struct sim_inode *inode)
{
	for (size_t i = inode->dirty_from; i < inode->dirty_to; i++)
		keep(inode, &inode->pages[i], ALL_DIRTY);
	inode->dirty_from = inode->dirty_to = 0;
}

void sim_pages_write_back(struct sim_inode *inode, struct chance *chance, uint64_t odds)
{
	for (size_t i = inode->dirty_from; i < inode->dirty_to; i++) {
		unsigned which = 0;

		for (size_t s = 0; s < PAGE_SECTORS; s++) {
			if ((inode->pages[i].dirty & 1u << s) != 0 && chance_one_in(chance, odds))
				which |= 1u << s;
		}
		keep(inode, &inode->pages[i], which);
	}
}

void sim_pages_believe(struct sim_inode *inode)
{
	for (size_t i = inode->dirty_from; i < inode->dirty_to; i++)
		inode->pages[i].dirty = 0;
	inode->dirty_from = inode->dirty_to = 0;
}

void sim_pages_cut(struct sim_inode *inode, uint64_t size)
{
	struct heap *heap = inode->host->sim->heap;

	for (size_t i = 0; i < inode->n_pages; i++) {
		struct sim_page *page = &inode->pages[i];
		uint64_t start = (uint64_t)i * SIM_PAGE;

		if (start >= size) {
			free_page(inode, page);
			continue;
		}
		if (page->cached != page->durable)
			heap_free(heap, page->cached);
		page->cached = page->durable;
		page->dirty = 0;
		if (page->cached != NULL && size - start < SIM_PAGE)
			memset(page->cached + (size - start), 0, SIM_PAGE - (size - start));
	}
	inode->dirty_from = inode->dirty_to = 0;
}

bool sim_pages_rot(struct sim_inode *inode, uint64_t offset, unsigned char mask)
{
	size_t i = offset / SIM_PAGE, at = offset % SIM_PAGE;
	struct sim_page *page = i < inode->n_pages ? &inode->pages[i] : NULL;

	check(mask != 0);
	if (offset >= inode->size || offset >= inode->durable_size || page == NULL ||
	    page->cached == NULL || page->cached != page->durable)
		return false;
	page->cached[at] ^= mask;
	return true;
}
