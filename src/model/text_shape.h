/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What an apply did, as programs get it: from the command line and over HTTP alike. */
#include "base/json.h"
#include "model/text.h"

/* The member "access" with its list: who gains and loses what. */
void access_json(JsonWriter *writer, const AccessChange *changes, size_t count);
/* The member "decides" with its list: models that choose rows by a column with a tag of a policy. */
void decisions_json(JsonWriter *writer, const Decision *decisions, size_t count);
/* The members of {"commit","branch","changes","access","errors"}. */
void apply_json(JsonWriter *writer, const ApplyReport *report, Str branch, Arena *arena);
/* The member "warnings" with its list: rules that give nothing. The command line tells them on stderr. */
void warnings_json(JsonWriter *writer, const Problems *warnings);
