/* directory/name.c - normal forms, from those of mail/address.h. */
#include "directory/name.h"

#include "base/limits.h"
#include "mail/address.h"

bool name_parse(struct arena *arena, slice text, struct name *ret_name)
{
	struct address address, normal;
	slice local, key;

	if (address_parse(text, ADDRESS_ALLOW_UTF8, &address) != ADDRESS_OK)
		return false;
	if (address.local.len == 0 || address.domain.len == 0)
		return false;
	if (!address_normal(arena, &address, &normal))
		return false;
	local = local_folded(arena, address.local);
	if (local.len == 0)
		return false;           /* ""@domain */
	key = arena_printf(arena, "%.*s@%.*s", slice_arg(local), slice_arg(normal.domain));
	*ret_name = (struct name){
		.key = key,
		.local = slice_head(key, local.len),
		.domain = slice_drop(key, local.len + 1),
		.written = normal.whole,
		.plain = slice_equal_ascii(normal.local, local),
	};
	return true;
}

slice name_login(struct arena *arena, slice text)
{
	struct name name;
	slice key;

	text = slice_head(text, text.len < SEALED_ADDRESS_MAX ? text.len : SEALED_ADDRESS_MAX);
	key = name_parse(arena, text, &name) ? name.key : slice_lower(arena, text);
	return slice_head(key, key.len < SEALED_ADDRESS_MAX ? key.len : SEALED_ADDRESS_MAX);
}

bool name_domain(struct arena *arena, slice text, slice *ret_domain)
{
	if (text.len == 0 || text.ptr[0] == '[')
		return false;
	return domain_normal(arena, text, ret_domain);
}

bool name_drop_detail(slice *local)
{
	size_t at = slice_find_last_byte(*local, '+');

	if (at == local->len || at == 0)
		return false;
	*local = slice_head(*local, at);
	return true;
}
