/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Parse: a text as the engine's JSON tree, without binding or running any of it. The reader thread's. */
#include "worker/engine.h"

/* The tree of exactly one SELECT. */
bool parse_sql(Engine *engine, Str sql, Arena *arena, Str *out_json, Failure *failure);
