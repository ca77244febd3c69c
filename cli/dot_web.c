// A server for one reader: requests are answered one after the other, each connection once. It listens on loopback,
// takes only GET requests whose Host is this very server (so that no page from elsewhere can read the drawing through a
// name that it points at 127.0.0.1), and answers with nothing but the drawing.
#include "dot_web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "program.h"

enum {
    REQUEST_MAX = 16 * 1024, // bytes of a request's head
    REQUEST_MS = 3000,       // until it must be there
    NODES_MAX = 100,         // of ?node=
};

struct server {
    const struct cb_drawing *drawing;
    int listener, signals;
    unsigned port;
};

// --- Requests

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static struct cb_str unescape(struct cb_arena *a, struct cb_str text)
{
    char *out = cb_arena_bytes(a, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i] == '+' ? ' ' : text.p[i];
        int high = c == '%' && i + 2 < text.n ? hex_digit(text.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.p[i + 2]) : -1;
        if (low >= 0)
            i += 2;
        out[n++] = low >= 0 ? (char)(high * 16 + low) : c;
    }
    return cb_strn(out, n);
}

static void read_nodes(struct cb_str query, struct cb_arena *a, struct cb_strs *out)
{
    struct cb_str part;
    while (query.n && cb_str_cut(&query, '&', &part) && out->n < NODES_MAX)
        if (cb_str_starts(part, "node="))
            cb_strs_add(out, unescape(a, cb_str_skip(part, 5)));
}

// The value of a header; "" where there is none.
static struct cb_str header_of(struct cb_str head, const char *name)
{
    struct cb_str line, key;
    while (cb_str_cut(&head, '\n', &line)) {
        struct cb_str value = line;
        if (cb_str_cut(&value, ':', &key) && key.n == strlen(name) && !strncasecmp(key.p, name, key.n))
            return cb_str_trim(value);
    }
    return CB_STR("");
}

static bool host_is_ours(const struct server *s, struct cb_str head)
{
    CB_AUTOFREE char *name = cb_format("localhost:%u", s->port);
    CB_AUTOFREE char *address = cb_format("127.0.0.1:%u", s->port);
    struct cb_str host = header_of(head, "Host");
    return cb_str_is(host, name) || cb_str_is(host, address);
}

// The request's head as far as its empty line, within REQUEST_MS; false where it does not come.
static bool read_request(int fd, struct cb_buf *head)
{
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    while (!head->p || !strstr(head->p, "\r\n\r\n")) {
        char piece[1024];
        clock_gettime(CLOCK_MONOTONIC, &now);
        long spent = (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (spent >= REQUEST_MS || head->n > REQUEST_MAX || poll(&p, 1, (int)(REQUEST_MS - spent)) <= 0)
            return false;
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0)
            return false;
        cb_buf_add(head, piece, (size_t)n);
    }
    return true;
}

static void answer(int fd, const char *status, const char *type, struct cb_str body)
{
    CB_BUF_AUTO head = {0};
    cb_buf_addf(&head,
                "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n"
                "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
                "X-Content-Type-Options: nosniff\r\n\r\n",
                status, type, body.n);
    cb_buf_addstr(&head, body);
    for (size_t at = 0; at < head.n;) {
        ssize_t n = send(fd, head.p + at, head.n - at, MSG_NOSIGNAL);
        if (n <= 0)
            return; // the reader went away
        at += (size_t)n;
    }
}

// --- Drawing

static int draw_svg(const struct server *s, const struct cb_strs *nodes, struct cb_buf *svg, struct cb_error *err)
{
    static const char *const dot[] = {"dot", "-Tsvg", NULL};
    struct cb_drawing d = *s->drawing;
    CB_BUF_AUTO graph = {0};
    d.first = nodes;
    if (cb_dependency_graph_draw(&d, &graph, err))
        return -1;
    if (cb_program_run(dot, cb_buf_str(&graph), svg, err) == 0)
        return 0;
    return err->kind == CB_E_NOT_FOUND ? cb_hint(err, "install Graphviz") : -1;
}

// The graph's own tooltip, which says nothing, is taken out.
static void answer_svg(int fd, struct cb_str svg)
{
    static const char title[] = "<title>images</title>";
    CB_BUF_AUTO body = {0};
    for (size_t i = 0; i < svg.n;) {
        struct cb_str rest = cb_str_skip(svg, i);
        if (cb_str_starts(rest, title)) {
            i += sizeof title - 1;
            continue;
        }
        cb_buf_addc(&body, svg.p[i++]);
    }
    answer(fd, "200 OK", "image/svg+xml", cb_buf_str(&body));
}

static void answer_drawing(const struct server *s, int fd, struct cb_str query)
{
    CB_ARENA_AUTO arena = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO svg = {0};
    struct cb_strs nodes = {0};
    read_nodes(query, &arena, &nodes);
    if (draw_svg(s, &nodes, &svg, &err)) {
        cb_log(CB_ERROR, "drawing: %s", err.message);
        answer(fd, "500 Internal Server Error", "text/plain; charset=utf-8", cb_str(err.message));
    } else {
        answer_svg(fd, cb_buf_str(&svg));
    }
    cb_strs_release(&nodes);
}

static void serve(const struct server *s, int fd)
{
    CB_BUF_AUTO head = {0};
    struct cb_str rest, line, method, target, path;
    if (!read_request(fd, &head))
        return;
    rest = cb_buf_str(&head);
    cb_str_cut(&rest, '\n', &line);
    cb_str_cut(&line, ' ', &method);
    cb_str_cut(&line, ' ', &target);
    cb_str_cut(&target, '?', &path);
    if (!cb_str_is(method, "GET"))
        answer(fd, "405 Method Not Allowed", "text/plain", CB_STR("only GET"));
    else if (!host_is_ours(s, rest))
        answer(fd, "403 Forbidden", "text/plain", CB_STR("this server goes by localhost"));
    else if (!cb_str_is(path, "/"))
        answer(fd, "404 Not Found", "text/plain", CB_STR(""));
    else
        answer_drawing(s, fd, target);
}

// --- The server

static int listen_on_loopback(struct server *s, struct cb_error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&address, size) || listen(s->listener, 8) ||
        getsockname(s->listener, (struct sockaddr *)&address, &size))
        return cb_fail_errno(err, errno, "listening on 127.0.0.1");
    s->port = ntohs(address.sin_port);
    return 0;
}

static int watch_signals(struct server *s, struct cb_error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signals = signalfd(-1, &set, SFD_CLOEXEC);
    return s->signals < 0 ? cb_fail_errno(err, errno, "signalfd") : 0;
}

// The first browser of those that a desktop may have; without one the address is all there is.
static void open_browser(const struct server *s)
{
    static const char *const browsers[] = {"xdg-open", "x-www-browser", "www-browser"};
    CB_AUTOFREE char *url = cb_format("http://localhost:%u", s->port);
    cb_log(CB_INFO, "the drawing is at %s", url);
    for (size_t i = 0; i < 3; i++) {
        const char *const args[] = {browsers[i], url, NULL};
        if (cb_program_start(args))
            return;
    }
    cb_log(CB_WARN, "no browser was opened: there is none of xdg-open, x-www-browser, www-browser");
}

static int serve_until_interrupted(const struct server *s, struct cb_error *err)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = s->signals, .events = POLLIN}, {.fd = s->listener, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return cb_fail_errno(err, errno, "poll");
        if (fds[0].revents)
            return 1;
        int fd = fds[1].revents ? accept4(s->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (fd >= 0)
            serve(s, fd);
        cb_close_p(&fd);
    }
}

int cb_dot_serve(const struct cb_drawing *drawing, struct cb_error *err)
{
    struct server s = {.drawing = drawing, .listener = -1, .signals = -1};
    int result = -1;
    cb_log(CB_INFO, "Prefixing node links with registry-explorer: %s", drawing->explorer);
    if (listen_on_loopback(&s, err) == 0 && watch_signals(&s, err) == 0) {
        open_browser(&s);
        result = serve_until_interrupted(&s, err);
    }
    cb_close_p(&s.listener);
    cb_close_p(&s.signals);
    return result;
}
