/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A source by the text that was applied: what its staged table and its quarantine were made by. */
#include "lake/lake.h"
#include "model/source.h"

/* As it is at that commit. NOT_FOUND where there is none. */
Status applied_source(Lake *lake, CatalogAt at, Str zone, Str name, Arena *arena, Source **out, Error *err);
