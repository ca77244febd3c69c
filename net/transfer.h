// One hop while it runs: what libcurl's callbacks share.
#ifndef CB_NET_TRANSFER_H
#define CB_NET_TRANSFER_H

#include "exchange.h"

enum cb_destination { CB_TO_NOWHERE, CB_TO_SINK, CB_TO_TEXT, CB_TO_EXCERPT };
enum cb_phase { CB_ASKING, CB_WAITING, CB_RECEIVING };

struct cb_transfer {
    struct cb_exchange *x;
    const struct cb_hop *hop;
    CURL *easy;
    struct curl_slist *lines;
    char problem[CURL_ERROR_SIZE]; // libcurl's own words
    uint64_t from;                 // the first byte that was asked for

    bool head_done;
    size_t header_bytes;
    enum cb_destination where;
    uint64_t skip;    // bytes still to come that the sink has already; of an excerpt, bytes that came
    bool enough;      // the rest of the body is of no interest
    bool failed;      // *x->err is filled
    const char *late; // a time limit that was passed, or another reason of ours to try again

    uint64_t read_at; // of the body that goes out

    enum cb_phase phase;
    uint64_t mark_ms, mark_bytes; // when and where the present measurement began
    uint64_t busy_ms;             // time spent in the sink since then
};

// A failure that ends the exchange; for use in callbacks.
#define CB_TRANSFER_FAIL(t, kind, ...) ((t)->failed = true, (void)cb_fail((t)->x->err, kind, __VA_ARGS__))

// The answer: forgets one, and takes in the lines of its head and the pieces of its body as libcurl gives them; these
// give 0 to end the transfer, t->failed, t->late or t->enough then say why.
void cb_answer_forget(struct cb_http_answer *a);
// Overwrites with "*" the credentials that were sent where a server quotes them in the text of a failure: that text is
// shown.
void cb_answer_mask(struct cb_http_answer *a, const char *authorization);
size_t cb_answer_head(char *p, size_t size, size_t n, void *transfer);
size_t cb_answer_body(char *p, size_t size, size_t n, void *transfer);

bool cb_request_has_header(const struct cb_http_request *q, const char *name);

#endif
