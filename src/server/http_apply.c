/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http_parts.h"
Status http_apply_check(Session *session UNUSED, Error *err) { return error_set(err, STATUS_DENIED, "not yet"); }
Status http_apply(Session *session UNUSED, Error *err) { return error_set(err, STATUS_DENIED, "not yet"); }
