/* os/os_uv_http.c - HTTP by libmicrohttpd, driven by the role's loop.
 *
 * The library has an epoll of its own. It is watched; a timer runs it when it asks for
 * that (MHD_get_timeout), which it must be allowed: it remembers edges of readiness.
 *
 *   a request   (line) -> open -> (header, body) -> with the role -> answered -> done
 *
 * (1) A struct call lives from the request line to the library's "completed".
 * (2) While a call is with the role, the library has its connection suspended, and
 *     nothing happens to it: no close, no timeout.
 * (3) The library closes descriptors itself. So they belong to no role of this process,
 *     and it must be stopped when the role's heap goes.
 * (4) It is loaded by the role that needs it: with it comes GnuTLS, some half a megabyte
 *     and milliseconds of each process, for nothing. It stays loaded.
 * (5) A connection that speaks another protocol has two descriptors: the library's, which
 *     it closes, and the role's. Its call ends when the role has closed its own.
 * (6) Time is up for a connection: its socket is shut down, upon which the library
 *     closes it. There is no other way in. */
#include "os/http.h"

#include <dlfcn.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/check.h"
#include "base/limits.h"
#include "os/os_uv_impl.h"

#define LIBRARY "libmicrohttpd.so.12"
#define FUNCTIONS(f)                                                            \
	f(start_daemon) f(stop_daemon) f(run) f(get_timeout) f(get_daemon_info) \
	f(add_connection) f(get_connection_info) f(lookup_connection_value)     \
	f(suspend_connection) f(resume_connection) f(queue_response)            \
	f(create_response_from_buffer)                                          \
	f(create_response_from_buffer_with_free_callback_cls)                   \
	f(create_response_for_upgrade) f(upgrade_action)                        \
	f(add_response_header) f(destroy_response)

struct http_library {
#define MEMBER(name) __typeof__(&MHD_##name) name;
	FUNCTIONS(MEMBER)
#undef MEMBER
};

struct http_server {
	struct os *os;
	const struct http_library *library;
	const struct http_handler *handler;
	void *owner;
	struct MHD_Daemon *daemon;
	struct os_watch watch;
	struct os_timer timer;          /* when the library wants to run */
	struct os_timer tick;           /* looks at deadlines */
	struct list connections;
	size_t n_connections;
	struct connection *adopting;    /* in MHD_add_connection(), until it is over */
	struct list upgrades;
	size_t n_calls;
	size_t body_bytes[2];           /* of those of usual length; of large ones */
	size_t answer_bytes;            /* of answers that were taken over */
	bool running;                   /* in MHD_run() */
	bool again;                     /* something was resumed: run once more */
	bool draining, drained;
	bool ending;                    /* the role is gone: no handler is called */
};

struct connection {
	struct http_server *server;
	struct list link;
	void *client;                   /* the role's */
	uint8_t ip[16];
	int fd;
	uint64_t deadline_ms;
	struct MHD_Connection *mhd;     /* NULL: not yet the library's */
	bool waits;                     /* for the role: no deadline */
	bool upgraded;                  /* another protocol's */
};

/* A connection that speaks another protocol: the library has it suspended. */
struct http_upgrade {
	struct http_server *server;
	struct list link;               /* server->upgrades, once it began */
	struct MHD_UpgradeResponseHandle *handle;
	void (*begin)(void *context, struct http_upgrade *upgrade, int fd, slice unread);
	void *context;
};

struct call {
	struct http_request request;    /* first: the role's pointer is ours */
	struct http_server *server;
	struct connection *connection;
	struct MHD_Connection *mhd;
	struct arena arena;
	slice raw;                      /* the request target */
	struct buffer body;
	bool begun;                     /* the header is here */
	bool large;                     /* the body may be */
	bool asked, suspended;          /* the role has it; (2) */
	unsigned refusal;               /* status that the body brought on, or 0 */
	unsigned status;
	struct MHD_Response *response;  /* until it is queued */
	struct http_upgrade *upgrade;   /* until it begins */
};

enum { CALL_MEMORY = 3 * HTTP_POOL_SIZE };

/* ---- time ---- */

static void give_time(struct connection *c, size_t bytes)
{
	c->deadline_ms = os_now_ms(c->server->os) + HTTP_PATIENCE_MS +
	    (uint64_t)bytes * 1000 / HTTP_BYTES_PER_S;
}

static void on_tick(struct os_timer *tick)
{
	struct http_server *s = tick->owner;
	uint64_t now_ms = os_now_ms(s->os);

	list_for (at, &s->connections) {
		struct connection *c = list_item(at, struct connection, link);

		if (!c->waits && now_ms >= c->deadline_ms)
			shutdown(c->fd, SHUT_RDWR);
	}
	if (s->n_connections > 0)
		os_timer_start(s->os, tick, HTTP_TICK_MS);
}

/* ---- running the library ---- */

static void check_drained(struct http_server *s)
{
	if (!s->draining || s->drained || s->n_calls > 0)
		return;
	s->drained = true;
	s->handler->drained(s);
}

static void run(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	s->running = true;
	do {
		s->again = false;
		s->library->run(s->daemon);
	} while (s->again);
	s->running = false;
	if (s->library->get_timeout(s->daemon, &wait_ms) == MHD_YES)
		os_timer_start(s->os, &s->timer, wait_ms);
	else
		os_timer_stop(s->os, &s->timer);
	check_drained(s);
}

static void on_ready(struct os_watch *watch, int events)
{
	run(watch->owner);
}

static void on_timer(struct os_timer *timer)
{
	run(timer->owner);
}

/* ---- answers ---- */

/* The body of an answer that was taken over. */
struct given {
	struct http_server *server;
	void *block;
	size_t len;
};

static void free_given(void *context)
{
	struct given *given = context;

	given->server->answer_bytes -= given->len;
	heap_free(os_heap(given->server->os), given->block);
	heap_free(os_heap(given->server->os), given);
}

static struct MHD_Response *response_of(struct http_server *s, const struct http_answer *answer)
{
	struct given *given;
	slice body;

	if (answer->taken == NULL || answer->taken->ptr == NULL)
		return s->library->create_response_from_buffer(answer->body.len,
		    (void *)(uintptr_t)answer->body.ptr, MHD_RESPMEM_MUST_COPY);
	check(answer->taken->heap == os_heap(s->os));
	body = buffer_bytes(answer->taken);
	given = heap_new(os_heap(s->os), struct given);
	*given = (struct given){ .server = s, .block = answer->taken->ptr, .len = body.len };
	s->answer_bytes += body.len;
	*answer->taken = buffer_init(os_heap(s->os), answer->taken->size_max);
	return s->library->create_response_from_buffer_with_free_callback_cls(body.len,
	    (void *)(uintptr_t)body.ptr, free_given, given);
}

static void add_field(struct http_server *s, struct MHD_Response *response, const char *name,
    slice value)
{
	char text[HTTP_FIELD_MAX + 1];

	if (value.len == 0 || value.len > HTTP_FIELD_MAX)
		return;
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '\0' || value.ptr[i] == '\r' || value.ptr[i] == '\n')
			return;
	}
	snprintf(text, sizeof text, "%.*s", slice_arg(value));
	s->library->add_response_header(response, name, text);
}

/* Make the answer ready; whoever calls queues it when the library lets him. */
static void prepare(struct call *call, const struct http_answer *answer)
{
	struct http_server *s = call->server;
	struct MHD_Response *response;

	check(call->response == NULL && answer->status >= 200 && answer->status < 600);
	response = response_of(s, answer);
	check(response != NULL);        /* out of memory: as with heap_alloc() */
	if (answer->type != NULL)
		add_field(s, response, "Content-Type", slice_from(answer->type));
	for (size_t i = 0; i < answer->n_fields; i++)
		add_field(s, response, answer->fields[i].name, answer->fields[i].value);
	if (s->draining)
		add_field(s, response, "Connection", slice_lit("close"));
	call->status = answer->status;
	call->response = response;
}

static enum MHD_Result queue(struct call *call)
{
	const struct http_library *library = call->server->library;
	enum MHD_Result result = library->queue_response(call->mhd, call->status, call->response);

	library->destroy_response(call->response);
	call->response = NULL;
	return result;
}

/* Whatever became of the queued answer, run() must see to it. */
static void run_soon(struct http_server *s)
{
	s->again = true;
	if (!s->running)
		os_timer_start(s->os, &s->timer, 0);
}

static void resume(struct call *call)
{
	if (!call->suspended)
		return;                 /* from request(): on_access() queues it */
	call->suspended = false;
	call->server->library->resume_connection(call->mhd);
	run_soon(call->server);
}

void http_answer(struct http_request *request, const struct http_answer *answer)
{
	struct call *call = (struct call *)(void *)request;
	size_t len = answer->taken != NULL ? buffer_bytes(answer->taken).len : answer->body.len;

	check(call->asked);
	prepare(call, answer);
	call->connection->waits = false;
	give_time(call->connection, len);
	resume(call);
}

/* ---- another protocol ---- */

/* The answer has left. */
static void on_upgraded(void *context, struct MHD_Connection *mhd, void *at, const char *extra,
    size_t extra_size, MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
	struct call *call = at;
	struct http_upgrade *upgrade = call->upgrade;
	struct http_server *s = call->server;
	int copy = os_duplicate(s->os, fd);

	call->upgrade = NULL;
	call->connection->waits = call->connection->upgraded = true;
	upgrade->handle = handle;
	list_append(&s->upgrades, &upgrade->link);
	upgrade->begin(upgrade->context, copy >= 0 ? upgrade : NULL, copy,
	    slice_of(extra, extra_size));
	if (copy < 0)
		http_upgrade_end(upgrade);
}

void http_upgrade(struct http_request *request, const struct http_field *fields, size_t n,
    void (*begin)(void *context, struct http_upgrade *upgrade, int fd, slice unread),
    void *context)
{
	struct call *call = (struct call *)(void *)request;
	struct http_server *s = call->server;

	check(call->asked && call->response == NULL);
	call->upgrade = heap_new(os_heap(s->os), struct http_upgrade);
	*call->upgrade = (struct http_upgrade){ .server = s, .begin = begin, .context = context };
	list_init(&call->upgrade->link);
	call->status = MHD_HTTP_SWITCHING_PROTOCOLS;
	call->response = s->library->create_response_for_upgrade(on_upgraded, NULL);
	check(call->response != NULL);
	for (size_t i = 0; i < n; i++)
		add_field(s, call->response, fields[i].name, fields[i].value);
	call->connection->waits = false;
	give_time(call->connection, 0);
	resume(call);
}

void http_upgrade_end(struct http_upgrade *upgrade)
{
	struct http_server *s = upgrade->server;

	s->library->upgrade_action(upgrade->handle, MHD_UPGRADE_ACTION_CLOSE);
	list_remove(&upgrade->link);
	heap_free(os_heap(s->os), upgrade);
	run_soon(s);
}

/* It never began. */
static void upgrade_failed(struct call *call)
{
	struct http_upgrade *upgrade = call->upgrade;

	call->upgrade = NULL;
	if (!call->server->ending)
		upgrade->begin(upgrade->context, NULL, -1, (slice){ 0 });
	heap_free(os_heap(call->server->os), upgrade);
}

/* ---- requests ---- */

static const char *why(unsigned status)
{
	return status == 413 ? "Request body too large" : "Too busy, try again later";
}

static enum MHD_Result refuse(struct call *call, unsigned status)
{
	const struct http_answer answer = { .status = status, .type = "text/plain",
	    .body = slice_from(why(status)) };
	const struct http_handler *handler = call->server->handler;

	call->asked = true;
	if (handler->refused != NULL)
		handler->refused(call->server, &call->request, status);
	if (call->response == NULL)
		http_answer(&call->request, &answer);
	return queue(call);
}

/* The request line is here. Its target as it came: what the library makes of it has lost
 * which "/" were "%2F". */
static void *on_line(void *context, const char *uri, struct MHD_Connection *mhd)
{
	struct http_server *s = context;
	struct heap *heap = os_heap(s->os);
	struct call *call = heap_new(heap, struct call);

	call->server = s;
	call->mhd = mhd;
	call->connection = s->library->get_connection_info(mhd,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	call->arena = arena_init(heap, CALL_MEMORY);
	call->raw = slice_copy(&call->arena, slice_from(uri));
	call->body = buffer_init(heap, HTTP_BODY_MAX);
	memcpy(call->request.ip, call->connection->ip, sizeof call->request.ip);
	s->n_calls++;
	return call;
}

static size_t no_unescape(void *context, struct MHD_Connection *mhd, char *text)
{
	return strlen(text);
}

/* The header is here. A body that says that it is too long is not waited for; but where large
 * ones come, one that is not much too long is: who sends it hears nothing before its end. */
static enum MHD_Result begin(struct call *call, const char *method)
{
	const struct http_handler *handler = call->server->handler;
	struct http_request *request = &call->request;
	size_t max = HTTP_BODY_MAX;
	uint64_t length = UINT64_MAX;
	slice text;

	call->begun = true;
	request->method = slice_copy(&call->arena, slice_from(method));
	request->target_ok = http_target_parse(call->raw, &call->arena, &request->target);
	if (handler->body_max != NULL)
		max = handler->body_max(call->server, request);
	if (max > HTTP_LARGE_BODY_MAX)
		max = HTTP_LARGE_BODY_MAX;
	call->large = max > HTTP_BODY_MAX;
	call->body = buffer_init(os_heap(call->server->os), max);
	if (!http_header(request, "Content-Length", &text) ||
	    (slice_to_u64(text, UINT64_MAX, &length) && length <= max))
		return MHD_YES;
	if (!call->large || http_header(request, "Expect", &text) || length > HTTP_LARGE_BODY_MAX)
		return refuse(call, 413);
	call->refusal = 413;
	return MHD_YES;
}

/* What is too much is read, and answered when it is over; but nobody gets more time
 * for it. */
static void take_body(struct call *call, slice piece)
{
	size_t all_max = call->large ? HTTP_LARGE_BODIES_MAX : HTTP_BODIES_MAX;
	size_t *all = &call->server->body_bytes[call->large];

	if (call->refusal == 0 && piece.len > buffer_room(&call->body))
		call->refusal = 413;
	else if (call->refusal == 0 && *all + piece.len > all_max)
		call->refusal = 503;
	if (call->refusal != 0) {
		*all -= buffer_bytes(&call->body).len;
		buffer_free(&call->body);
		return;
	}
	buffer_add(&call->body, piece);
	*all += piece.len;
	call->connection->deadline_ms += (uint64_t)piece.len * 1000 / HTTP_BYTES_PER_S;
}

static enum MHD_Result ask(struct call *call)
{
	struct http_request *request = &call->request;

	if (call->refusal != 0)
		return refuse(call, call->refusal);
	request->body = buffer_bytes(&call->body);
	call->asked = true;
	call->connection->waits = true;
	call->server->handler->request(call->server, request);
	if (call->response != NULL)
		return queue(call);
	call->suspended = true;
	call->server->library->suspend_connection(call->mhd);
	return MHD_YES;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_size,
    void **at)
{
	struct call *call = *at;

	if (call->server->ending)
		return MHD_NO;
	if (!call->begun)
		return begin(call, method);
	if (*upload_size > 0) {
		take_body(call, slice_of(upload, *upload_size));
		*upload_size = 0;
		return MHD_YES;
	}
	return call->response != NULL ? queue(call) : ask(call);
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **at,
    enum MHD_RequestTerminationCode code)
{
	struct http_server *s = context;
	struct call *call = *at;

	*at = NULL;
	if (call == NULL)
		return;
	check(!call->suspended || s->ending);
	if (call->upgrade != NULL)
		upgrade_failed(call);
	if (call->response != NULL)
		s->library->destroy_response(call->response);
	s->body_bytes[call->large] -= buffer_bytes(&call->body).len;
	s->n_calls--;
	give_time(call->connection, 0);
	buffer_free(&call->body);
	arena_reset(&call->arena);
	heap_free(os_heap(s->os), call);
}

bool http_header(const struct http_request *request, const char *name, slice *ret_value)
{
	const struct call *call = (const struct call *)(const void *)request;
	const char *value = call->server->library->lookup_connection_value(call->mhd,
	    MHD_HEADER_KIND, name);

	if (value == NULL)
		return false;
	*ret_value = slice_from(value);
	return true;
}

/* ---- connections ---- */

static void connection_over(struct connection *c)
{
	struct http_server *s = c->server;
	void *client = c->client;

	list_remove(&c->link);
	s->n_connections--;
	heap_free(os_heap(s->os), c);
	if (!s->ending)
		s->handler->closed(s, client);
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **at,
    enum MHD_ConnectionNotificationCode code)
{
	struct http_server *s = context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		s->adopting->mhd = mhd;
		*at = s->adopting;
	} else {
		if (s->adopting == *at)
			s->adopting = NULL;
		connection_over(*at);
		*at = NULL;
	}
}

void http_server_adopt(struct http_server *s, int fd, const uint8_t ip[16], void *client)
{
	struct connection *c = heap_new(os_heap(s->os), struct connection);

	c->server = s;
	c->client = client;
	c->fd = fd;
	memcpy(c->ip, ip, sizeof c->ip);
	give_time(c, 0);
	list_append(&s->connections, &c->link);
	if (s->n_connections++ == 0)
		os_timer_start(s->os, &s->tick, HTTP_TICK_MS);
	files_give(os_uv_of(s->os)->world, fd, NULL);
	s->adopting = c;
	s->library->add_connection(s->daemon, fd, NULL, 0);     /* closes it when it fails */
	if (s->adopting != NULL && c->mhd == NULL)
		connection_over(c);
	s->adopting = NULL;
}

size_t http_server_connections(const struct http_server *s)
{
	return s->n_connections;
}

size_t http_server_answers(const struct http_server *s)
{
	return s->answer_bytes;
}

/* ---- the server ---- */

void http_server_drain(struct http_server *s)
{
	s->draining = true;
	if (!s->running)
		check_drained(s);
}

/* The role's heap goes. The library wants nobody suspended then. */
static void stop(void *context)
{
	struct http_server *s = context;

	s->ending = true;
	list_for (at, &s->upgrades) {
		const struct http_upgrade *upgrade = list_item(at, struct http_upgrade, link);

		s->library->upgrade_action(upgrade->handle, MHD_UPGRADE_ACTION_CLOSE);
	}
	list_for (at, &s->connections) {
		const struct connection *c = list_item(at, struct connection, link);

		if (c->waits && !c->upgraded)
			s->library->resume_connection(c->mhd);
	}
	s->library->stop_daemon(s->daemon);
}

struct http_library *http_library_load(struct os *os, char *ret_error, size_t size)
{
	static const struct {
		const char *name;
		size_t at;
	} functions[] = {
#define ROW(name) { "MHD_" #name, offsetof(struct http_library, name) },
		FUNCTIONS(ROW)
#undef ROW
	};
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL), *function;
	struct http_library *mhd = heap_new(os_heap(os), struct http_library);

	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		function = library != NULL ? dlsym(library, functions[i].name) : NULL;
		if (function == NULL) {
			snprintf(ret_error, size, "%s", dlerror());
			heap_free(os_heap(os), mhd);
			return NULL;
		}
		memcpy((char *)mhd + functions[i].at, &function, sizeof function);
	}
	return mhd;
}

struct http_server *http_server_create(struct os *os, const struct http_library *library,
    const struct http_handler *handler, void *owner)
{
	struct http_server *s = heap_new(os_heap(os), struct http_server);
	const union MHD_DaemonInfo *info;
	size_t fds = os_descriptors_max(os) / 4 * 3;

	s->os = os;
	s->library = library;
	s->handler = handler;
	s->owner = owner;
	list_init(&s->connections);
	list_init(&s->upgrades);
	s->daemon = s->library->start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
	    MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE, 0, NULL, NULL, on_access, s,
	    MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)(fds < HTTP_CONNECTIONS_MAX ? fds : HTTP_CONNECTIONS_MAX),
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_POOL_SIZE,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
	    MHD_OPTION_URI_LOG_CALLBACK, on_line, s,
	    MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, s,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
	if (s->daemon == NULL) {
		heap_free(os_heap(os), s);
		return NULL;
	}
	heap_on_drop(os_heap(os), stop, s);
	info = s->library->get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	s->timer = (struct os_timer){ .fire = on_timer, .owner = s };
	s->tick = (struct os_timer){ .fire = on_tick, .owner = s };
	s->watch = (struct os_watch){ .ready = on_ready, .owner = s };
	os_watch_start(os, &s->watch, info->epoll_fd, OS_READABLE);
	return s;
}

void *http_server_owner(const struct http_server *s)
{
	return s->owner;
}
