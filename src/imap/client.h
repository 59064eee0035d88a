/* imap/client.h - IMAP client engine (RFC 9051, RFC 3501). Bytes in; responses and
 * command bytes out. No socket, clock or disk. For the load generator and the simulator.
 *
 * It knows how responses are cut, not what they mean: it tells a response's number, name and
 * the rest of it as it came. Commands are text that the caller makes, literals in them too:
 *
 *   imap_client_command("SELECT INBOX")     -> RESPONSE* DONE
 *   imap_client_command("APPEND x {3+}"), imap_client_say("abc"), imap_client_say("\r\n")
 *   imap_client_command("IDLE") -> CONTINUE -> RESPONSE* ..., imap_client_say("DONE\r\n") -> DONE
 *
 * Literals of responses of up to literal_max octets stay where they came: "{3}", CR LF, the
 * octets. Longer ones are left out and counted; "{8192}" without CR LF tells where. */
#ifndef IMAP_CLIENT_H
#define IMAP_CLIENT_H

#include "base/buffer.h"

enum imap_client_event_kind {
	IMAP_CLIENT_EVENT_GREETING,     /* status: OK, PREAUTH or BYE */
	IMAP_CLIENT_EVENT_RESPONSE,     /* an untagged one */
	IMAP_CLIENT_EVENT_CONTINUE,     /* the server waits for more of the command */
	IMAP_CLIENT_EVENT_DONE,         /* number: of the command; status: OK, NO or BAD */
	IMAP_CLIENT_EVENT_FAILED,       /* text: why; the last event; close */
};

enum imap_client_status {
	IMAP_CLIENT_NONE,               /* a response that has no status */
	IMAP_CLIENT_OK,
	IMAP_CLIENT_NO,
	IMAP_CLIENT_BAD,
	IMAP_CLIENT_PREAUTH,
	IMAP_CLIENT_BYE,
};

struct imap_client_event {
	enum imap_client_event_kind kind;
	enum imap_client_status status;
	uint32_t number;                /* RESPONSE: "* 3 EXISTS"; else 0 */
	/* Borrowed from the input or the engine until the next feed. */
	slice name;                     /* "EXISTS", "FETCH", "OK"; empty for CONTINUE */
	slice text;                     /* what follows */
	uint64_t left_out;              /* octets of literals */
};

struct imap_client;

/* literal_max: at most IMAP_CLIENT_RESPONSE_MAX. */
struct imap_client *imap_client_create(struct heap *heap, size_t literal_max);
void imap_client_destroy(struct imap_client *c);        /* NULL is allowed */

/* Offer input. Returns how much was consumed; stops early when an event is ready. Without one
 * all is consumed. */
size_t imap_client_feed(struct imap_client *c, slice in);
bool imap_client_next(struct imap_client *c, struct imap_client_event *ret_event);

/* Send a tag, the text, and CR LF. Any time after the greeting; of the last
 * IMAP_CLIENT_FLIGHT_MAX commands any may still be unanswered. Returns the number that its
 * DONE has. */
uint32_t imap_client_command(struct imap_client *c, slice text);
/* Send more of a command, as it is. */
void imap_client_say(struct imap_client *c, slice bytes);
/* How much more command and say may give: together at most IMAP_CLIENT_OUTPUT_MAX wait. */
size_t imap_client_room(const struct imap_client *c);

/* The commands that are not answered. */
unsigned imap_client_in_flight(const struct imap_client *c);

/* An astring for a command, quoted; false: it has CR, LF, NUL or 8 bits, or no room. */
bool imap_client_quote(struct buffer *out, slice text) __attribute__((warn_unused_result));

slice imap_client_output(const struct imap_client *c);
void imap_client_sent(struct imap_client *c, size_t n);

#endif
