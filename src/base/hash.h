/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Hashing: SHA-256 for content and chains (OpenSSL), HMAC-SHA-256, XXH3 for tables in memory; random bytes and
 * UUIDs. Random bytes come from the kernel; a failure of it ends the process.
 */
#include "base/arena.h"

#define SHA256_SIZE 32

typedef struct Sha256 {
        uint8_t bytes[SHA256_SIZE];
} Sha256;

typedef struct Sha256Stream Sha256Stream; /* streaming; one thread */
Sha256Stream *sha256_new(void);
void sha256_update(Sha256Stream *stream, Str bytes);
Sha256 sha256_finish(Sha256Stream *stream); /* frees the stream */
void sha256_freep(Sha256Stream **stream);   /* for CLEANUP */

Sha256 sha256_of(Str bytes);
Sha256 hmac_sha256(Str key, Str bytes);
/* PBKDF2 with HMAC-SHA-256, one block of output (RFC 8018): what SCRAM calls Hi(). */
Sha256 pbkdf2_sha256(Str password, Str salt, uint32_t iterations);
Str sha256_hex(Arena *arena, Sha256 hash);         /* 64 lower-case digits */
bool sha256_from_hex(Str hex, Sha256 *out);       /* as sha256_hex() writes it, and no other way */
Str hex_of(Arena *arena, Str bytes);
bool hex_decode(Arena *arena, Str hex, Str *out);
bool bytes_equal_constant_time(Str a, Str b);

uint64_t hash64(Str bytes);                  /* XXH3, seeded per process: never stored */
uint64_t hash64_stable(Str bytes);           /* XXH3 with seed 0: may be stored */

void random_bytes(void *out, size_t size);
uint64_t random_u64(void);
Str uuid_new(Arena *arena);                  /* version 4, 36 characters */
Str base64_encode(Arena *arena, Str bytes);
bool base64_decode(Arena *arena, Str text, Str *out);
