/* cli/maildir_name.h - names in a Maildir: what they tell of a message, and of a mailbox
 * (Maildir++, as Dovecot has it).
 *
 *   cur/1796.V17U3.posthouse,S=310,W=318:2,FS      the letters: D F P R S T, and keywords a-z
 *   .Lists.B&APw-cher/                             mailbox "Lists/Bücher" */
#ifndef CLI_MAILDIR_NAME_H
#define CLI_MAILDIR_NAME_H

#include "base/buffer.h"

enum { MAILDIR_NAME_MAX = 255, MAILDIR_KEYWORDS = 26 };

struct maildir_flags {
	unsigned flags;                 /* enum imap_flag */
	bool passed;                    /* P: IMAP's $Forwarded */
	uint32_t keywords;              /* bit 0: a */
};

/* What is behind ":2,"; other letters are nothing. */
struct maildir_flags maildir_flags_read(slice name);

struct maildir_id {
	uint32_t uidvalidity, uid;
};

/* A name for an exported message; size is that of the file, wire_size with CRLF. */
void maildir_name_write(char ret_name[MAILDIR_NAME_MAX + 1], struct maildir_id id,
    int64_t received_s, uint64_t size, uint64_t wire_size, struct maildir_flags flags);
/* Is it one of these, whatever a mail program has made of its flags? */
bool maildir_name_read(slice name, struct maildir_id *ret_id);

/* The mailbox of a folder that begins with "."; appended in UTF-8. What no name can have is "_"
 * (*ret_changed). False: none can be made of it, or no room. */
bool maildir_folder_read(slice folder, struct buffer *out, bool *ret_changed);
/* The folder of a mailbox that is not INBOX; "." in a name becomes "\2e", as Dovecot's listescape
 * writes it. False: no room. */
bool maildir_folder_write(slice mailbox, struct buffer *out);

#endif
