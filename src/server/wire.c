/* SPDX-License-Identifier: Apache-2.0 */
#include "server/wire.h"

#define REQUEST_CANCEL 80877102u
#define REQUEST_TLS 80877103u
#define REQUEST_GSS 80877104u
#define PROTOCOL_MAJOR 3
#define CANCEL_KEY_MIN 4
#define CANCEL_KEY_MAX 256

static Status broken(Error *err, const char *what) {
        return error_set(err, STATUS_PROTOCOL, "%s", what);
}

Status wire_frame(WireStage stage, Str bytes, size_t *out_size, Error *err) {
        static const uint32_t limits[] = { [WIRE_STAGE_STARTUP] = WIRE_STARTUP_MAX,
                                           [WIRE_STAGE_LOGIN] = WIRE_LOGIN_MAX,
                                           [WIRE_STAGE_SESSION] = WIRE_MESSAGE_MAX };
        size_t type = stage == WIRE_STAGE_STARTUP ? 0 : 1;
        Cursor cursor = cursor_of(bytes);
        cursor_bytes(&cursor, type);
        uint32_t length = cursor_be32(&cursor);
        *out_size = 0;
        if (cursor.failed)
                return STATUS_OK;
        if (length < sizeof(uint32_t) || (stage == WIRE_STAGE_STARTUP && length < 2 * sizeof(uint32_t)))
                return error_set(err, STATUS_PROTOCOL, "a message says that it has %u bytes", length);
        if (length > limits[stage])
                return error_set(err, STATUS_LIMIT, "a message of %u bytes; here it may have %u", length, limits[stage]);
        if (bytes.size >= type + length)
                *out_size = type + length;
        return STATUS_OK;
}

/* ---- before the first message ---- */

static Status read_cancel(Cursor *cursor, WireStartup *out, Error *err) {
        out->kind = WIRE_STARTUP_CANCEL;
        out->process = cursor_be32(cursor);
        out->key = cursor_bytes(cursor, cursor_left(cursor));
        if (cursor->failed || out->key.size < CANCEL_KEY_MIN || out->key.size > CANCEL_KEY_MAX)
                return broken(err, "a cancel request without a key");
        return STATUS_OK;
}

/* Pairs of name and value, each ended by NUL, and an empty name at the end. */
static Status read_settings(Cursor cursor, Arena *arena, WireStartup *out, Error *err) {
        size_t most = cursor_left(&cursor) / 2; /* a pair has two bytes at least */
        out->settings = ARENA_ARRAY(arena, WireSetting, most);
        out->unknown = ARENA_ARRAY(arena, Str, most);
        for (;;) {
                Str name = cursor_cstr(&cursor);
                if (cursor.failed || name.size == 0)
                        break;
                WireSetting setting = { name, cursor_cstr(&cursor) };
                if (cursor.failed)
                        break;
                if (!utf8_valid(name) || !utf8_valid(setting.value))
                        return broken(err, "the start-up packet is not valid UTF-8");
                if (str_is(name, "user"))
                        out->user = setting.value;
                else if (str_is(name, "database"))
                        out->database = setting.value;
                else if (str_starts_with(name, STR("_pq_.")))
                        out->unknown[out->unknown_count++] = name;
                else
                        out->settings[out->setting_count++] = setting;
        }
        if (cursor.failed || cursor_left(&cursor) > 0)
                return broken(err, "the start-up packet does not end as it should");
        return STATUS_OK;
}

static Status read_startup(Cursor cursor, uint32_t version, Arena *arena, WireStartup *out, Error *err) {
        if (version >> 16 != PROTOCOL_MAJOR) {
                error_set(err, STATUS_PROTOCOL, "the client speaks protocol %u.%u; this server speaks 3.0 to 3.2", version >> 16,
                          version & 0xffff);
                return error_hint(err, "a driver of the last twenty years speaks it");
        }
        out->kind = WIRE_STARTUP;
        out->minor = version & 0xffff;
        TRY(read_settings(cursor, arena, out, err));
        if (out->user.size == 0)
                return broken(err, "the start-up packet names no user");
        if (out->database.size == 0)
                out->database = out->user;
        return STATUS_OK;
}

Status wire_startup_read(Str packet, Arena *arena, WireStartup *out, Error *err) {
        WireStartup startup = { 0 };
        Cursor cursor = cursor_of(packet);
        cursor_be32(&cursor);
        uint32_t code = cursor_be32(&cursor);
        if (cursor.failed)
                return broken(err, "a start-up packet of no size");
        if (code == REQUEST_CANCEL) {
                TRY(read_cancel(&cursor, &startup, err));
        } else if (code == REQUEST_TLS || code == REQUEST_GSS) {
                if (cursor_left(&cursor) > 0)
                        return broken(err, "a request for encryption with something behind it");
                startup.kind = code == REQUEST_TLS ? WIRE_STARTUP_TLS : WIRE_STARTUP_GSS;
        } else {
                TRY(read_startup(cursor, code, arena, &startup, err));
        }
        *out = startup;
        return STATUS_OK;
}

/* ---- messages ---- */

static void read_types(Cursor *cursor, Arena *arena, WireMessage *out) {
        out->type_count = cursor_be16(cursor);
        if (out->type_count > cursor_left(cursor) / sizeof(uint32_t))
                cursor->failed = true;
        if (cursor->failed)
                return;
        out->types = ARENA_ARRAY(arena, uint32_t, out->type_count);
        for (size_t i = 0; i < out->type_count; i++)
                out->types[i] = cursor_be32(cursor);
}

static void read_formats(Cursor *cursor, Arena *arena, WireFormats *out) {
        out->count = cursor_be16(cursor);
        if (out->count > cursor_left(cursor) / sizeof(uint16_t))
                cursor->failed = true;
        if (cursor->failed)
                return;
        out->codes = ARENA_ARRAY(arena, uint16_t, out->count);
        for (size_t i = 0; i < out->count; i++)
                out->codes[i] = cursor_be16(cursor);
}

static void read_parameters(Cursor *cursor, Arena *arena, WireMessage *out) {
        out->parameter_count = cursor_be16(cursor);
        if (out->parameter_count > cursor_left(cursor) / sizeof(uint32_t))
                cursor->failed = true;
        if (cursor->failed)
                return;
        out->parameters = ARENA_ARRAY(arena, WireParameter, out->parameter_count);
        for (size_t i = 0; i < out->parameter_count && !cursor->failed; i++) {
                uint32_t size = cursor_be32(cursor);
                out->parameters[i].null = size == UINT32_MAX;
                if (!out->parameters[i].null)
                        out->parameters[i].bytes = cursor_bytes(cursor, size);
        }
}

static void read_bind(Cursor *cursor, Arena *arena, WireMessage *out) {
        out->portal = cursor_cstr(cursor);
        out->name = cursor_cstr(cursor);
        read_formats(cursor, arena, &out->parameter_formats);
        read_parameters(cursor, arena, out);
        read_formats(cursor, arena, &out->result_formats);
}

static void read_target(Cursor *cursor, WireMessage *out) {
        uint8_t kind = cursor_u8(cursor);
        out->is_portal = kind == 'P';
        if (kind != 'P' && kind != 'S')
                cursor->failed = true;
        out->name = cursor_cstr(cursor);
}

static void read_body(Cursor *cursor, Arena *arena, WireMessage *out) {
        switch (out->type) {
        case WIRE_QUERY:
                out->sql = cursor_cstr(cursor);
                break;
        case WIRE_PARSE:
                out->name = cursor_cstr(cursor);
                out->sql = cursor_cstr(cursor);
                read_types(cursor, arena, out);
                break;
        case WIRE_BIND:
                read_bind(cursor, arena, out);
                break;
        case WIRE_DESCRIBE:
        case WIRE_CLOSE:
                read_target(cursor, out);
                break;
        case WIRE_EXECUTE:
                out->name = cursor_cstr(cursor);
                out->rows = (int32_t)cursor_be32(cursor);
                break;
        case WIRE_COPY_DATA:
        case WIRE_PASSWORD:
        case WIRE_FUNCTION:
                out->bytes = cursor_bytes(cursor, cursor_left(cursor));
                break;
        case WIRE_COPY_FAIL:
                out->bytes = cursor_cstr(cursor);
                break;
        case WIRE_FLUSH:
        case WIRE_SYNC:
        case WIRE_TERMINATE:
        case WIRE_COPY_DONE:
                break;
        }
}

static const char *message_name(uint8_t type) {
        switch (type) {
#define X(byte, name) \
        case byte:    \
                return #name;
                WIRE_MESSAGE_TABLE(X)
#undef X
        default:
                return NULL;
        }
}

Status wire_message_read(Str bytes, Arena *arena, WireMessage *out, Error *err) {
        Cursor cursor = cursor_of(bytes);
        uint8_t type = cursor_u8(&cursor);
        uint32_t length = cursor_be32(&cursor);
        const char *name = message_name(type);
        if (cursor.failed || length != bytes.size - 1)
                return broken(err, "a message whose size is not its own");
        if (!name)
                return error_set(err, STATUS_PROTOCOL, "a message of type 0x%02x, which no client sends", type);
        WireMessage message = { .type = (WireType)type };
        read_body(&cursor, arena, &message);
        bool fits = !cursor.failed && cursor_left(&cursor) == 0;
        *out = fits ? message : (WireMessage){ .type = message.type, .broken = name };
        return STATUS_OK;
}

uint16_t wire_format(const WireFormats *formats, size_t index) {
        if (formats->count == 0)
                return 0;
        return formats->codes[formats->count == 1 ? 0 : index]; /* as many as there are values: session.c looked */
}

Status wire_sasl_initial_read(Str body, WireSaslInitial *out, Error *err) {
        Cursor cursor = cursor_of(body);
        WireSaslInitial initial = { .mechanism = cursor_cstr(&cursor) };
        uint32_t size = cursor_be32(&cursor);
        initial.has_response = size != UINT32_MAX;
        if (initial.has_response)
                initial.response = cursor_bytes(&cursor, size);
        if (cursor.failed || cursor_left(&cursor) > 0)
                return broken(err, "a first message of SASL whose parts do not fill it");
        *out = initial;
        return STATUS_OK;
}
