/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * PostgreSQL's types that clients tell apart by their numbers and that the engine does not have: pg_oid, pg_regproc,
 * pg_name, pg_char, pg_int2vector and pg_oidvector (engine/client_type.h). To the engine each is what it is made of, and goes for it anywhere.
 */
#include "worker/engine.h"

/* Once per engine, before it is locked. */
Status catalog_types_define(Engine *engine, Error *err);
