/* dns/zone_text.c - a zone file, byte by byte. */
#include "dns/zone_text.h"

/* An entry that is being gathered. */
struct gather {
	char *entry;
	size_t len;
	unsigned line;          /* of its first byte that is not blank; 0: none yet */
	unsigned opened;        /* the line of "("; 0: not inside */
	bool quoted;
	enum zone_entry fault;  /* ZONE_ENTRY while there is none */
};

static void put(struct gather *g, char c)
{
	if (g->len == DNS_ENTRY_MAX)
		g->fault = ZONE_LONG;
	else
		g->entry[g->len++] = c;
}

static void put_blank(struct gather *g)
{
	if (g->len == 0 || g->entry[g->len - 1] != ' ')
		put(g, ' ');
}

static void parenthesis(struct gather *g, char c, unsigned line)
{
	if ((c == '(') == (g->opened != 0)) {
		g->fault = ZONE_PARENTHESIS;
		return;
	}
	g->opened = c == '(' ? line : 0;
	put_blank(g);
}

/* `\` and the byte behind it: neither means anything here. */
static size_t escape(struct gather *g, slice rest)
{
	if (rest.len < 2 || rest.ptr[1] < ' ') {
		g->fault = ZONE_CONTROL;
		return 1;
	}
	put(g, '\\');
	put(g, (char)rest.ptr[1]);
	return 2;
}

/* A byte that is no line end; returns how many it took. */
static size_t take(struct gather *g, slice rest, unsigned line)
{
	unsigned char c = rest.ptr[0];

	if (c == ';' && !g->quoted)
		return slice_find_byte(rest, '\n');
	/* A CR stands before a line end; one elsewhere is a blank as well. */
	if (c == ' ' || c == '\t' || c == '\r') {
		if (g->quoted && c != '\r')
			put(g, (char)c);
		else if (!g->quoted)
			put_blank(g);
		return 1;
	}
	if (g->line == 0)
		g->line = line;
	if (c < ' ' || c == 0x7f) {
		g->fault = ZONE_CONTROL;
	} else if (c == '\\') {
		return escape(g, rest);
	} else if ((c == '(' || c == ')') && !g->quoted) {
		parenthesis(g, (char)c, line);
	} else {
		g->quoted ^= c == '"';
		put(g, (char)c);
	}
	return 1;
}

/* A line ends. True: the entry does, too, and is not blank. */
static bool end_line(struct gather *g)
{
	if (g->quoted)
		g->fault = ZONE_OPEN_QUOTE;
	if (g->opened != 0) {
		put_blank(g);
		return false;
	}
	while (g->len > 0 && g->line != 0 && g->entry[g->len - 1] == ' ')
		g->len--;
	if (g->line != 0 && g->len > 0)
		return true;
	g->len = 0;
	g->line = 0;
	return false;
}

enum zone_entry zone_text_next(struct zone_text *text, char ret_entry[DNS_ENTRY_MAX + 1],
    unsigned *ret_line)
{
	struct gather g = { .entry = ret_entry, .fault = ZONE_ENTRY };
	bool whole = false;

	while (!whole && g.fault == ZONE_ENTRY && text->rest.len > 0) {
		size_t n = 1;

		if (text->rest.ptr[0] == '\n')
			whole = end_line(&g);
		else
			n = take(&g, text->rest, text->line);
		if (g.fault == ZONE_ENTRY && text->rest.ptr[0] == '\n')
			text->line++;
		text->rest = slice_drop(text->rest, n);
	}
	if (!whole && g.fault == ZONE_ENTRY) {
		if (g.opened != 0) {
			g.fault = ZONE_PARENTHESIS;
			text->line = g.opened;
		} else if (!end_line(&g) && g.fault == ZONE_ENTRY) {
			g.fault = ZONE_END;
		}
	}
	*ret_line = g.fault == ZONE_ENTRY ? g.line : text->line;
	if (g.fault == ZONE_ENTRY)
		ret_entry[g.len] = 0;
	else
		text->rest = (slice){ 0 };
	return g.fault;
}
