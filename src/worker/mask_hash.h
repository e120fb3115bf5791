/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * lode_hash(text): HMAC-SHA-256 under the store's mask key, as 64 hex digits; NULL to NULL. The key comes in a message and
 * stays in this process: it is in no SQL text, and no list of functions that a statement may call has the name.
 */
#include "worker/engine.h"

/* The name is taken after the first time: a second key is not. */
bool mask_hash_define(Engine *engine, Str key);
