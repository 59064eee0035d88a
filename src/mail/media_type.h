/* mail/media_type.h - what a file is, guessed from its name. */
#ifndef MAIL_MEDIA_TYPE_H
#define MAIL_MEDIA_TYPE_H

#include "base/slice.h"

/* "image/png" for "a.PNG"; "application/octet-stream" when the suffix says nothing. */
const char *media_type_guess(slice name);

#endif
