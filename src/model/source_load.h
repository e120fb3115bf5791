/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The keys of a source that say what deliveries do to its table: load, key, order_by, ... For this room only. */
#include "model/keys.h"
#include "model/source.h"

void read_as_of(KeyContext *context, const YamlNode *value, void *source);
void read_deleted_when(KeyContext *context, const YamlNode *value, void *source);
/* What only all keys and columns together can tell. */
void check_load(KeyContext *context, const YamlNode *root, Source *source);
/* deleted_when as it was written, or could have been. */
Str deleted_when_print(const FeedGone *gone, Arena *arena);
