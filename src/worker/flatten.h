/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The flattening functions (engine/functions.h) inside the engine: what they are made of. Defined per type, once;
 * the runner's connection defines them.
 */
#include "worker/engine.h"

/* Those of FUNCTION_TYPES. ENGINE. */
Status flatten_define_all(Engine *engine, Error *err);
/* Both forms for a type in the engine's spelling; again is fine. */
bool flatten_define(Engine *engine, Str engine_type, Arena *arena, Failure *failure);
