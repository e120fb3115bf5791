/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Landed: the bytes of a delivery, handed to a worker and proven to be the ones that arrived. A landed file is called by its
 * SHA-256; while a worker reads it, a thread of this process hashes the same file, so that both find it in memory and nobody
 * waits. What a worker made of bytes that are not those of the ledger is not used: CORRUPT, with the file's name.
 *
 * One delivery at a time by the thread that began it. Nothing outlives landed_close().
 */
#include "catalog/catalog.h"
#include "storage/layout.h"

typedef struct Landed Landed;

/* CORRUPT when the file is gone, IO. store and delivery are lent until it is closed. */
Status landed_open(const Store *store, const Delivery *delivery, Landed **out, Error *err);
/* For a worker, from its beginning. */
int landed_fd(const Landed *landed);
/*
 * What reading it came to: `status` and err as they are when the bytes are whole, else CORRUPT, since what fails on other
 * bytes says nothing of the delivery. Waits for the hash, unless whoever asks was interrupted.
 */
Status landed_judge(Landed *landed, Status status, Error *err);
void landed_close(Landed *landed); /* NULL is fine */
void landed_closep(Landed **landed);
