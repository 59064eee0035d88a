/* mail/parameter.h - writes a parameter of a MIME field: ; filename="a b.pdf",
 * and of any script and length by RFC 2231. */
#ifndef MAIL_PARAMETER_H
#define MAIL_PARAMETER_H

#include "mail/field.h"

/* ";" and the parameter. value is UTF-8 without control characters. */
void parameter_write(struct field *f, const char *name, slice value);

#endif
