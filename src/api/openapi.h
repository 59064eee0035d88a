/* api/openapi.h - what our API and Mailpit's have, for programs: application/json. */
#ifndef API_OPENAPI_H
#define API_OPENAPI_H

#include "base/slice.h"

slice api_openapi(void);        /* OpenAPI 3.0, of /api/posthouse/v1: openapi.json */
slice api_swagger(void);        /* Swagger 2.0, of /api/v1, in short: swagger.json */

#endif
