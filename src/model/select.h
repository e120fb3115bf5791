/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * SELECT of the command line: which nodes of the graph are meant.
 *
 *   shop                       a zone           shop.canonical.order   one table
 *   shop.canonical             a stage of it    stage:canonical        a stage everywhere
 *   tag:pii                    what has the tag changed, failed        what the last runs say
 *   +x   and what x needs      x+   and what needs x                   several words: united
 *   A source is meant by zone.SOURCE, staging.SOURCE or zone.staging.SOURCE; * and ? stand for letters.
 */
#include "model/graph.h"

/*
 * chosen[node->index] is set for all that are meant; no words = all. NOT_FOUND with a guess for a word that fits
 * nothing (changed, failed, stage: and tag: may fit nothing). Only ever sets marks; the caller clears the array.
 */
Status select_nodes(const Graph *graph, const Str *words, size_t count, bool *chosen, Error *err);
