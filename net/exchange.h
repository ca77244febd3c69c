// One request on its way: the state that lives across redirects and attempts, and one hop of it.
#ifndef CB_NET_EXCHANGE_H
#define CB_NET_EXCHANGE_H

#include "client.h"

struct cb_exchange {
    struct cb_http *h;
    const struct cb_http_request *q;
    struct cb_http_answer *a;
    struct cb_error *err;   // the caller's; filled by what ends the exchange for good
    char *why;              // what ended the last attempt; owned
    bool stalled;           // the last attempt ended by a time limit: no credit for what it brought
    bool unreachable;       // the last attempt found no server at all
    struct cb_buf body;     // what came where there is no sink
    uint64_t given;         // bytes of the body that the sink or the text has
    uint64_t total;         // of the whole body, where has_total
    bool has_total, ranges; // ranges: the server may be asked to go on where it stopped
    char *etag, *modified;  // validators of the body that is being received; owned
    int64_t reported;       // what q->sent was told during this attempt
};

// One request of a chain of redirects.
struct cb_hop {
    char *url; // without user information
    struct cb_url parsed;
    const char *method;
    bool body;           // whether the request's body goes along
    bool home;           // the origin is that of the request's own URL
    char *authorization; // NULL: none
};

enum cb_outcome {
    CB_HOP_ANSWER, // the answer is in x->a
    CB_HOP_AGAIN,  // x->why: it may pass
    CB_HOP_FAILED, // *x->err is filled
};

enum cb_outcome cb_hop_run(struct cb_exchange *x, const struct cb_hop *hop);

bool cb_status_is_redirect(int status);

#endif
