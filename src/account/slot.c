/* account/slot.c - names and places of an account's files. */
#include "account/slot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/checksum.h"

unsigned account_slot(uint64_t account)
{
	unsigned char raw[8];

	store_u64(raw, account);
	return (unsigned)(checksum64(slice_of(raw, sizeof raw), 0) & (ACCOUNT_SLOTS - 1));
}

unsigned account_store(uint64_t account, unsigned stores)
{
	check(stores > 0);
	return account_slot(account) % stores;
}

void account_slot_path(uint64_t account, char ret_path[ACCOUNT_PATH_MAX])
{
	snprintf(ret_path, ACCOUNT_PATH_MAX, "%02x", account_slot(account));
}

void account_folder_path(uint64_t account, char ret_path[ACCOUNT_PATH_MAX])
{
	snprintf(ret_path, ACCOUNT_PATH_MAX, "%02x/%016" PRIx64, account_slot(account), account);
}

void account_packs_path(uint64_t account, char ret_path[ACCOUNT_PATH_MAX])
{
	snprintf(ret_path, ACCOUNT_PATH_MAX, "%02x/%016" PRIx64 "/pack", account_slot(account),
	    account);
}

void account_log_path(uint64_t account, uint32_t number, char ret_path[ACCOUNT_PATH_MAX])
{
	snprintf(ret_path, ACCOUNT_PATH_MAX, "%02x/%016" PRIx64 "/%03" PRIu32 ".log",
	    account_slot(account), account, number);
}

void account_pack_path(uint64_t account, uint32_t number, char ret_path[ACCOUNT_PATH_MAX])
{
	snprintf(ret_path, ACCOUNT_PATH_MAX, "%02x/%016" PRIx64 "/pack/%03" PRIu32 ".pack",
	    account_slot(account), account, number);
}

void account_digest_path(uint64_t account, uint32_t number, char ret_path[ACCOUNT_PATH_MAX])
{
	snprintf(ret_path, ACCOUNT_PATH_MAX, "%02x/%016" PRIx64 "/pack/%03" PRIu32 ".digest",
	    account_slot(account), account, number);
}

bool account_file_number(const char *name, const char *suffix, uint32_t *ret_number)
{
	slice digits = slice_from(name), end = slice_from(suffix);
	uint64_t number;

	if (!slice_ends(digits, end))
		return false;
	digits = slice_head(digits, digits.len - end.len);
	/* "7.log" and "0007.log" are not names that we make. */
	if (digits.len < 3 || (digits.len > 3 && digits.ptr[0] == '0'))
		return false;
	if (!slice_to_u64(digits, UINT32_MAX, &number) || number == 0)
		return false;
	*ret_number = (uint32_t)number;
	return true;
}
