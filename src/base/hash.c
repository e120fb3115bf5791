/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include "base/error.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

struct Sha256Stream {
        EVP_MD_CTX *context;
};

static void must(int ok) {
        if (!ok)
                panic("SHA-256 failed inside OpenSSL");
}

Sha256Stream *sha256_new(void) {
        Sha256Stream *stream = malloc(sizeof(*stream));
        if (!stream)
                out_of_memory();
        stream->context = EVP_MD_CTX_new();
        must(stream->context && EVP_DigestInit_ex(stream->context, EVP_sha256(), NULL));
        return stream;
}

void sha256_update(Sha256Stream *stream, Str bytes) {
        must(EVP_DigestUpdate(stream->context, bytes.data, bytes.size));
}

void sha256_freep(Sha256Stream **stream) {
        if (!*stream)
                return;
        EVP_MD_CTX_free((*stream)->context);
        free(*stream);
        *stream = NULL;
}

Sha256 sha256_finish(Sha256Stream *stream) {
        Sha256 hash;
        must(EVP_DigestFinal_ex(stream->context, hash.bytes, NULL));
        sha256_freep(&stream);
        return hash;
}

Sha256 sha256_of(Str bytes) {
        Sha256 hash;
        must(EVP_Digest(bytes.data, bytes.size, hash.bytes, NULL, EVP_sha256(), NULL));
        return hash;
}

Sha256 hmac_sha256(Str key, Str bytes) {
        Sha256 hash;
        must(HMAC(EVP_sha256(), key.data, (int)key.size, (const unsigned char *)bytes.data, bytes.size, hash.bytes,
                  NULL) != NULL);
        return hash;
}

Sha256 pbkdf2_sha256(Str password, Str salt, uint32_t iterations) {
        Sha256 hash;
        must(PKCS5_PBKDF2_HMAC(password.data, (int)password.size, (const unsigned char *)salt.data, (int)salt.size,
                               (int)iterations, EVP_sha256(), SHA256_SIZE, hash.bytes));
        return hash;
}

Str hex_of(Arena *arena, Str bytes) {
        static const char digits[] = "0123456789abcdef";
        char *text = arena_alloc_raw(arena, bytes.size * 2 + 1);
        for (size_t i = 0; i < bytes.size; i++) {
                text[2 * i] = digits[(unsigned char)bytes.data[i] >> 4];
                text[2 * i + 1] = digits[(unsigned char)bytes.data[i] & 15];
        }
        text[bytes.size * 2] = '\0';
        return (Str){ text, bytes.size * 2 };
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)(c | 32);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_into(Str hex, uint8_t *out) {
        for (size_t i = 0; i < hex.size; i += 2) {
                int high = hex_digit(hex.data[i]), low = hex_digit(hex.data[i + 1]);
                if (high < 0 || low < 0)
                        return false;
                out[i / 2] = (uint8_t)(high << 4 | low);
        }
        return true;
}

bool hex_decode(Arena *arena, Str hex, Str *out) {
        if (hex.size % 2)
                return false;
        uint8_t *bytes = arena_alloc_raw(arena, hex.size / 2);
        if (!hex_into(hex, bytes))
                return false;
        *out = (Str){ (const char *)bytes, hex.size / 2 };
        return true;
}

Str sha256_hex(Arena *arena, Sha256 hash) {
        return hex_of(arena, (Str){ (const char *)hash.bytes, SHA256_SIZE });
}

bool sha256_from_hex(Str hex, Sha256 *out) {
        Sha256 hash;
        if (hex.size != 2 * SHA256_SIZE || !hex_into(hex, hash.bytes))
                return false;
        for (size_t i = 0; i < hex.size; i++)
                if (hex.data[i] >= 'A' && hex.data[i] <= 'F')
                        return false;
        *out = hash;
        return true;
}

bool bytes_equal_constant_time(Str a, Str b) {
        return a.size == b.size && CRYPTO_memcmp(a.data, b.data, a.size) == 0;
}

uint64_t hash64(Str bytes) {
        static uint64_t seed;
        if (!__atomic_load_n(&seed, __ATOMIC_RELAXED)) {
                uint64_t expected = 0;
                uint64_t fresh = random_u64() | 1;
                __atomic_compare_exchange_n(&seed, &expected, fresh, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
        }
        return XXH3_64bits_withSeed(bytes.data, bytes.size, __atomic_load_n(&seed, __ATOMIC_RELAXED));
}

uint64_t hash64_stable(Str bytes) {
        return XXH3_64bits_withSeed(bytes.data, bytes.size, 0);
}

void random_bytes(void *out, size_t size) {
        char *at = out;
        while (size > 0) {
                ssize_t got = getrandom(at, size, 0);
                if (got < 0)
                        panic("the kernel gives no random bytes");
                at += got;
                size -= (size_t)got;
        }
}

uint64_t random_u64(void) {
        uint64_t value;
        random_bytes(&value, sizeof(value));
        return value;
}

Str uuid_new(Arena *arena) {
        uint8_t b[16];
        random_bytes(b, sizeof(b));
        b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
        b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
        return arena_strf(arena, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
                          b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

Str base64_encode(Arena *arena, Str bytes) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        size_t size = (bytes.size + 2) / 3 * 4;
        char *text = arena_alloc_raw(arena, size + 1);
        const uint8_t *in = (const uint8_t *)bytes.data;
        for (size_t i = 0, o = 0; i < bytes.size; i += 3, o += 4) {
                size_t left = bytes.size - i;
                uint32_t group = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                                 (left > 2 ? in[i + 2] : 0);
                text[o] = digits[group >> 18];
                text[o + 1] = digits[group >> 12 & 63];
                text[o + 2] = left > 1 ? digits[group >> 6 & 63] : '=';
                text[o + 3] = left > 2 ? digits[group & 63] : '=';
        }
        text[size] = '\0';
        return (Str){ text, size };
}

static int base64_digit(char c) {
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(Arena *arena, Str text, Str *out) {
        if (text.size % 4)
                return false;
        size_t padding = 0;
        while (padding < 2 && text.size && text.data[text.size - 1 - padding] == '=')
                padding++;
        char *bytes = arena_alloc_raw(arena, text.size / 4 * 3 + 1);
        size_t size = 0;
        for (size_t i = 0; i < text.size; i += 4) {
                uint32_t group = 0;
                for (size_t j = 0; j < 4; j++) {
                        bool is_padding = i + j >= text.size - padding;
                        int digit = is_padding ? 0 : base64_digit(text.data[i + j]);
                        if (digit < 0)
                                return false;
                        group = group << 6 | (uint32_t)digit;
                }
                bytes[size++] = (char)(group >> 16);
                bytes[size++] = (char)(group >> 8);
                bytes[size++] = (char)group;
        }
        *out = (Str){ bytes, size - padding };
        return true;
}
