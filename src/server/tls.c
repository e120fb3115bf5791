/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"

#define KEY_BITS 2048
#define VALID_DAYS 3650 /* of what is made here: nobody renews it */

struct TlsContext {
        SSL_CTX *context;
        const char *protocol; /* as ALPN has it: a length byte, the name */
        char binding[EVP_MAX_MD_SIZE];
        size_t binding_size;
};

/* ---- opening ---- */

/* RFC 5929: MD5 and SHA-1 count as SHA-256; a signature without a hash of its own has no binding. */
static void make_binding(TlsContext *context) {
        X509 *certificate = SSL_CTX_get0_certificate(context->context);
        int digest, ignored;
        unsigned size = 0;
        if (!certificate || !OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest, &ignored) || digest == NID_undef)
                return;
        const EVP_MD *hash = digest == NID_md5 || digest == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(digest);
        if (hash && X509_digest(certificate, hash, (unsigned char *)context->binding, &size) == 1)
                context->binding_size = size;
}

/* A client that offers protocols and not ours is no client of this listener's: the handshake ends. */
static int choose_protocol(SSL *tls, const unsigned char **out, unsigned char *out_size, const unsigned char *offered, unsigned size,
                           void *context) {
        (void)tls;
        const TlsContext *ours = context;
        unsigned char *chosen;
        if (SSL_select_next_proto(&chosen, out_size, (const unsigned char *)ours->protocol, (unsigned)strlen(ours->protocol), offered, size) !=
            OPENSSL_NPN_NEGOTIATED)
                return SSL_TLSEXT_ERR_ALERT_FATAL;
        *out = chosen;
        return SSL_TLSEXT_ERR_OK;
}

Status tls_open(const char *certificate, const char *key, TlsProtocol protocol, TlsContext **out, Error *err) {
        static const char *const protocols[] = { [TLS_POSTGRESQL] = "\x0apostgresql", [TLS_HTTP] = "\x08http/1.1" };
        SSL_CTX *context = SSL_CTX_new(TLS_server_method());
        if (!context)
                out_of_memory();
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
        SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
        SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        const char *wrong = SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ? certificate
                            : SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ? key
                                                                                               : NULL;
        if (wrong) {
                SSL_CTX_free(context);
                return error_set(err, STATUS_BAD_VALUE, "'%s' is not a PEM file that TLS can use", wrong);
        }
        if (SSL_CTX_check_private_key(context) != 1) {
                SSL_CTX_free(context);
                return error_set(err, STATUS_BAD_VALUE, "the key '%s' is not that of the certificate '%s'", key, certificate);
        }
        TlsContext *made = calloc(1, sizeof(*made));
        if (!made)
                out_of_memory();
        made->context = context;
        made->protocol = protocols[protocol];
        SSL_CTX_set_alpn_select_cb(context, choose_protocol, made);
        make_binding(made);
        *out = made;
        return STATUS_OK;
}

void tls_close(TlsContext *context) {
        if (context)
                SSL_CTX_free(context->context);
        free(context);
}

SSL_CTX *tls_of(const TlsContext *context) {
        return context->context;
}

Str tls_binding(const TlsContext *context) {
        return context ? (Str){ context->binding, context->binding_size } : STR_NONE;
}

/* ---- making ---- */

typedef struct Made {
        X509 *certificate;
        EVP_PKEY *key;
} Made;

static void made_deinit(Made *made) {
        X509_free(made->certificate);
        EVP_PKEY_free(made->key);
}

static void add_extension(X509 *certificate, X509 *issuer, int kind, const char *value) {
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
        if (!extension || X509_add_ext(certificate, extension, -1) != 1)
                panic("cannot write a certificate");
        X509_EXTENSION_free(extension);
}

static void name_of(X509_NAME *name, const char *common) {
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Lode", -1, -1, 0);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common, -1, -1, 0);
}

/* Without signature. issuer NULL: it is its own. */
static Made make_certificate(const char *common, X509 *issuer) {
        Made made = { X509_new(), EVP_RSA_gen(KEY_BITS) };
        uint64_t serial = random_u64() >> 1;
        if (!made.certificate || !made.key)
                panic("cannot make a certificate");
        X509_set_version(made.certificate, X509_VERSION_3);
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.certificate), serial);
        X509_gmtime_adj(X509_getm_notBefore(made.certificate), -86400); /* clocks differ */
        X509_gmtime_adj(X509_getm_notAfter(made.certificate), VALID_DAYS * 86400L);
        X509_set_pubkey(made.certificate, made.key);
        name_of(X509_get_subject_name(made.certificate), common);
        X509_set_issuer_name(made.certificate, X509_get_subject_name(issuer ? issuer : made.certificate));
        return made;
}

static Made make_ca(void) {
        Made ca = make_certificate("Lode store CA", NULL);
        add_extension(ca.certificate, ca.certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
        add_extension(ca.certificate, ca.certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
        add_extension(ca.certificate, ca.certificate, NID_subject_key_identifier, "hash");
        X509_sign(ca.certificate, ca.key, EVP_sha256());
        return ca;
}

/* "DNS:name,IP:address" */
static Str alternatives(Arena *arena, const char *const *names, size_t count) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (size_t i = 0; i < count; i++) {
                unsigned char address[16];
                bool is_address = inet_pton(AF_INET, names[i], address) == 1 || inet_pton(AF_INET6, names[i], address) == 1;
                buf_printf(&out, "%s%s:%s", i ? "," : "", is_address ? "IP" : "DNS", names[i]);
        }
        return buf_dup(&out, arena);
}

static Made make_server(const Made *ca, const char *const *names, size_t count) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Made server = make_certificate(names[0], ca->certificate);
        add_extension(server.certificate, ca->certificate, NID_basic_constraints, "critical,CA:FALSE");
        add_extension(server.certificate, ca->certificate, NID_key_usage, "critical,digitalSignature,keyEncipherment");
        add_extension(server.certificate, ca->certificate, NID_ext_key_usage, "serverAuth");
        add_extension(server.certificate, ca->certificate, NID_authority_key_identifier, "keyid:always");
        add_extension(server.certificate, ca->certificate, NID_subject_alt_name, alternatives(&arena, names, count).data);
        X509_sign(server.certificate, ca->key, EVP_sha256());
        return server;
}

static Str pem_of(Arena *arena, X509 *certificate, EVP_PKEY *key) {
        BIO *memory = BIO_new(BIO_s_mem());
        char *text;
        if (certificate)
                PEM_write_bio_X509(memory, certificate);
        else
                PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL);
        long size = BIO_get_mem_data(memory, &text);
        Str pem = arena_str(arena, (Str){ text, (size_t)size });
        BIO_free(memory);
        return pem;
}

static Status write_private(const char *path, Str text, Error *err) {
        CLEANUP(close_fdp) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_errno(err, errno, "cannot create '%s'", path);
        return fd_write_all(fd, text, path, err);
}

Status tls_make(const char *folder, const char *const *names, size_t count, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        const char *certificate = path_join(&arena, folder, "server.pem");
        if (access(certificate, F_OK) == 0)
                return STATUS_OK;
        TRY(dir_make(folder, err));
        CLEANUP(made_deinit) Made ca = make_ca();
        CLEANUP(made_deinit) Made server = make_server(&ca, names, count);
        Str chain = arena_strf(&arena, "%.*s%.*s", STR_ARG(pem_of(&arena, server.certificate, NULL)), STR_ARG(pem_of(&arena, ca.certificate, NULL)));
        TRY(write_private(path_join(&arena, folder, "server.key"), pem_of(&arena, NULL, server.key), err));
        TRY(file_write_text(path_join(&arena, folder, "ca.pem"), pem_of(&arena, ca.certificate, NULL), err));
        return file_write_text(certificate, chain, err); /* last: it says that all are there */
}
