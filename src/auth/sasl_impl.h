/* auth/sasl_impl.h - SCRAM's rows of the mechanisms' table. */
#ifndef AUTH_SASL_IMPL_H
#define AUTH_SASL_IMPL_H

#include "auth/sasl.h"

/* Message 0: client-first-message; 1: client-final-message; 2: nothing any more. */
enum sasl_result scram_message(struct sasl_server *s, unsigned n, slice message);
/* Between 0 and 1: compose the server-first-message. */
enum sasl_result scram_salted(struct sasl_server *s, const struct sasl_salt *salt);
/* Between 1 and 2: compose the server-final-message. */
void scram_proved(struct sasl_server *s, slice signature);

#endif
