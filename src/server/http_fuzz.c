/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in a row as anybody may send them; and that a body comes out the same, however its bytes were cut. */
#include "server/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX 100000

/* In two pieces; the second begins where the first left off. *out_left: what lies behind the body. */
static Status take(const HttpHead *head, Str bytes, size_t cut, Buf *into, HttpBodyState *out_state, Str *out_left) {
        Error err = { 0 };
        HttpBody body;
        int answer;
        size_t taken, more = 0;
        *out_left = bytes;
        *out_state = HTTP_BODY_LENGTH;
        TRY(http_body_begin(&body, head, BODY_MAX, &answer, &err));
        TRY(http_body_take(&body, str_slice(bytes, 0, cut), &taken, into, &answer, &err));
        TRY(http_body_take(&body, str_slice(bytes, taken, bytes.size), &more, into, &answer, &err));
        if (taken > cut || taken + more > bytes.size || body.got != into->size)
                abort();
        *out_state = body.state;
        *out_left = str_slice(bytes, taken + more, bytes.size);
        return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Str left = { (const char *)data, size };
        for (;;) {
                CLEANUP(arena_deinit) Arena arena = { 0 };
                CLEANUP(buf_deinit) Buf whole = { 0 }, cut = { 0 };
                Error err = { 0 };
                HttpHead head;
                HttpBodyState whole_state, cut_state;
                Str value, behind, behind_cut, *names;
                size_t head_size, count;
                int answer = 0;
                bool found;
                if (http_head_size(left, &head_size, &answer, &err) != STATUS_OK || head_size == 0)
                        return 0;
                if (http_head_read(str_slice(left, 0, head_size), &arena, &head, &answer, &err) != STATUS_OK) {
                        if (answer < 400)
                                abort(); /* a refusal without its number */
                        return 0;
                }
                (void)http_accept_weight(http_field(&head, "accept"), STR("text/csv"));
                (void)http_query_value(head.query, "zone", &arena, &value, &found, &err);
                (void)http_query_names(head.query, &arena, &names, &count, &err);
                left = str_slice(left, head_size, left.size);
                Status status = take(&head, left, left.size, &whole, &whole_state, &behind);
                Status status_cut = take(&head, left, left.size / 3, &cut, &cut_state, &behind_cut);
                if (status != status_cut)
                        abort();
                if (status != STATUS_OK)
                        return 0;
                if (whole_state != cut_state || !str_equal(behind, behind_cut) || !str_equal(buf_view(&whole), buf_view(&cut)))
                        abort();
                if (whole_state != HTTP_BODY_DONE)
                        return 0;
                left = behind;
        }
}
