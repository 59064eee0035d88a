/* cli/expect_http.c - libcurl, loaded where it is needed: a server has no use for it, nor for
 * the twenty libraries that it brings. */
#include "cli/expect_http.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>

#include "base/limits.h"

#define LIBRARY "libcurl.so.4"
#define FUNCTIONS(f)                                                            \
	f(global_init) f(easy_init) f(easy_cleanup) f(easy_setopt) f(easy_perform) \
	f(easy_getinfo) f(easy_strerror)

struct expect_http {
	struct heap *heap;
#define MEMBER(name) __typeof__(&curl_##name) name;
	FUNCTIONS(MEMBER)
#undef MEMBER
	CURL *curl;
	char error[CURL_ERROR_SIZE];
};

static bool load(struct expect_http *http, const char **ret_why)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL) {
		*ret_why = LIBRARY " can't be loaded: install libcurl4";
		return false;
	}
#define LOAD(name)                                                              \
	http->name = (__typeof__(http->name))(uintptr_t)dlsym(library, "curl_" #name);     \
	if (http->name == NULL) {                                               \
		*ret_why = LIBRARY " has no curl_" #name;                       \
		return false;                                                   \
	}
	FUNCTIONS(LOAD)
#undef LOAD
	return true;
}

static size_t on_bytes(char *bytes, size_t one, size_t n, void *context)
{
	struct buffer *out = context;

	if (buffer_room(out) < n)
		return 0;               /* which ends it */
	buffer_add(out, slice_of(bytes, n));
	return n;
}

struct expect_http *expect_http_create(struct heap *heap, const char **ret_why)
{
	struct expect_http *http = heap_new(heap, struct expect_http);

	http->heap = heap;
	*ret_why = "libcurl can't be used";
	if (load(http, ret_why) && http->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK &&
	    (http->curl = http->easy_init()) != NULL)
		return http;
	heap_free(heap, http);
	return NULL;
}

void expect_http_destroy(struct expect_http *http)
{
	if (http == NULL)
		return;
	http->easy_cleanup(http->curl);
	heap_free(http->heap, http);
}

long expect_http_get(struct expect_http *http, const char *url, uint64_t patience_ms,
    struct buffer *out, const char **ret_why)
{
	CURL *curl = http->curl;
	long status = 0;
	CURLcode code;

	buffer_truncate(out, 0);
	http->error[0] = 0;
	http->easy_setopt(curl, CURLOPT_URL, url);
	http->easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	/* A mock is beside its tests: what the environment says of the world outside is not
	 * meant for it. */
	http->easy_setopt(curl, CURLOPT_NOPROXY, "*");
	http->easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	http->easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)EXPECT_CONNECT_MS);
	http->easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(patience_ms + EXPECT_CONNECT_MS));
	http->easy_setopt(curl, CURLOPT_ERRORBUFFER, http->error);
	http->easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	http->easy_setopt(curl, CURLOPT_WRITEDATA, out);
	code = http->easy_perform(curl);
	if (code == CURLE_OK)
		http->easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	*ret_why = http->error[0] != 0 ? http->error : http->easy_strerror(code);
	return status;
}

void expect_http_escape(slice value, struct buffer *out)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = value.ptr[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';

		if (plain)
			buffer_add(out, slice_of(&c, 1));
		else
			buffer_printf(out, "%%%02X", c);
	}
}
