/* role/web_zone.c - time zones: the machine's, read at the start, and the one asked for last.
 *
 * A mock is one process without walls, and finds the machine's files when it is asked. The web
 * of a lab has walls: there is the machine's own zone, and every other name means that. */
#include <string.h>

#include "os/zone_file.h"
#include "role/web_impl.h"
#include "search/when_zone.h"

struct web_zone {
	struct buffer file;
	unsigned char bytes[ZONE_NAME_MAX];
	slice name;                     /* of bytes; empty: none yet */
	bool known;                     /* else it is nobody's */
	struct when_zone zone;
};

static struct web_zone *create(struct web *web)
{
	struct web_zone *z = heap_new(web->heap, struct web_zone);

	z->file = buffer_init(web->heap, ZONE_FILE_MAX);
	return z;
}

void web_zone_init(struct web *web)
{
	slice rule;

	web->local = create(web);
	web->asked = create(web);
	/* Else it stays UTC. */
	if (zone_file_local(&web->local->file, &rule))
		web->local->known = rule.len > 0 ? when_rule_read(rule, &web->local->zone.rule) :
		    when_zone_read(buffer_bytes(&web->local->file), &web->local->zone);
}

static void find(struct web_zone *z, slice name)
{
	memcpy(z->bytes, name.ptr, name.len);
	z->name = slice_of(z->bytes, name.len);
	buffer_free(&z->file);
	z->known = zone_file_read(name, &z->file) &&
	    when_zone_read(buffer_bytes(&z->file), &z->zone);
}

const struct when_zone *web_zone(struct web *web, const struct http_request *request)
{
	struct web_zone *z = web->asked;
	slice name;

	if (!http_target_get(&request->target, "tz", &name) || !when_zone_is_name(name))
		return &web->local->zone;
	if (!slice_equal(name, z->name))
		find(z, name);
	return z->known ? &z->zone : &web->local->zone;
}
