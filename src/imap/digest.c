/* imap/digest.c - a record: three lengths, and what they are of. */
#include "imap/digest.h"

#include "base/bytes.h"

enum { UNKNOWN = UINT32_MAX };

static void put_len(struct buffer *out, const struct imap_digest *digest, unsigned part, slice text)
{
	put_u32(out, (digest->has & part) != 0 ? (uint32_t)text.len : UNKNOWN);
}

void imap_digest_write(const struct imap_digest *digest, struct buffer *out)
{
	put_len(out, digest, IMAP_DIGEST_HEADER, digest->header);
	put_len(out, digest, IMAP_DIGEST_ENVELOPE, digest->envelope);
	put_len(out, digest, IMAP_DIGEST_STRUCTURE, digest->structure);
	if (digest->has & IMAP_DIGEST_HEADER)
		buffer_add(out, digest->header);
	if (digest->has & IMAP_DIGEST_ENVELOPE)
		buffer_add(out, digest->envelope);
	if (digest->has & IMAP_DIGEST_STRUCTURE)
		buffer_add(out, digest->structure);
}

static slice take(struct bytes *in, struct imap_digest *ret, unsigned part, uint32_t len)
{
	if (len == UNKNOWN)
		return (slice){ 0 };
	ret->has |= part;
	return get_raw(in, len);
}

bool imap_digest_read(slice record, struct imap_digest *ret)
{
	struct bytes in = bytes_init(record);
	uint32_t header = get_u32(&in), envelope = get_u32(&in), structure = get_u32(&in);

	*ret = (struct imap_digest){ 0 };
	ret->header = take(&in, ret, IMAP_DIGEST_HEADER, header);
	ret->envelope = take(&in, ret, IMAP_DIGEST_ENVELOPE, envelope);
	ret->structure = take(&in, ret, IMAP_DIGEST_STRUCTURE, structure);
	return bytes_end(&in);
}
