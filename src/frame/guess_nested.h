/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What type the lists of a column would fit: a list of what all elements are, a struct where they are objects of much the same
 * keys. Lists of several kinds of things, lists that were never seen with anything in them, and objects whose keys are data
 * have none, and stay JSON text; so does what is irregular inside a struct, as a field of text.
 */
#include "frame/guess.h"

/* fields: as they stand in a batch. False where JSON text is the better type. */
bool guess_nested(const Format *format, StrList fields, Arena *arena, Type *out);
