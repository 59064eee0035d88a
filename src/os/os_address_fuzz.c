/* os/os_address_fuzz.c - any text as an address of a socket, as an ip
 * and as a prefix.
 *
 * For: os/os_address.c
 *
 * Holds: what was read prints within its bound, as a text that reads the same and
 * prints the same; a refusal leaves the result alone. */
#include "fuzz.h"

#include "os/os.h"

static void fuzz_ip(slice in)
{
	uint8_t ip[16], again[16], untouched[16];
	char text[OS_IP_TEXT];
	size_t n;

	memset(ip, 0xa5, sizeof ip);
	memcpy(untouched, ip, sizeof ip);
	if (!os_ip_parse(in, ip)) {
		check(memcmp(ip, untouched, sizeof ip) == 0);
		return;
	}
	n = os_ip_print(ip, text, sizeof text);
	check(n == strlen(text) && os_ip_parse(slice_of(text, n), again));
	check(memcmp(ip, again, sizeof ip) == 0);
	check(os_ip_is_loopback(ip) == os_ip_is_loopback(again));
}

static void fuzz_prefix(slice in)
{
	struct os_prefix prefix, again;
	char text[OS_PREFIX_TEXT];
	uint8_t outside[16];
	size_t n;

	if (!os_prefix_parse(in, &prefix))
		return;
	check(prefix.bits <= 128 && os_prefix_has(&prefix, prefix.ip));
	n = os_prefix_print(&prefix, text, sizeof text);
	check(n == strlen(text) && os_prefix_parse(slice_of(text, n), &again));
	check(memcmp(prefix.ip, again.ip, 16) == 0 && prefix.bits == again.bits);
	if (prefix.bits > 0) {
		memcpy(outside, prefix.ip, sizeof outside);
		outside[(prefix.bits - 1) / 8] ^= (uint8_t)(0x80 >> (prefix.bits - 1) % 8);
		check(!os_prefix_has(&prefix, outside));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	slice in = fuzz_copy(slice_of(data, len));
	struct os_address address, again;
	char text[OS_ADDRESS_TEXT], once_more[OS_ADDRESS_TEXT];

	fuzz_ip(in);
	fuzz_prefix(in);
	if (os_address_parse(in, &address)) {
		size_t n = os_address_print(&address, text, sizeof text);

		check(n == strlen(text) && os_address_parse(slice_of(text, n), &again));
		check(memcmp(address.ip, again.ip, sizeof address.ip) == 0);
		check(address.port == again.port && strcmp(address.path, again.path) == 0);
		check(os_address_print(&again, once_more, sizeof once_more) == n);
		check(memcmp(text, once_more, n) == 0);
	}
	fuzz_free(in);
	return 0;
}
