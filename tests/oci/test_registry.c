// The registry client against a registry that is as difficult as asked (registry_server.py). Names like
// reg.example.com lead there through a proxy, so that https, token servers and redirects are as in the world.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../net/server.h"
#include "cbuild/base/file.h"
#include "cbuild/oci/registry.h"

#define LAYER_BYTES 400000u

static struct test_server server;
static struct cb_http *http;
static struct cb_credentials_env env;
static char local[64]; // "127.0.0.1:PORT", by http

static struct {
    struct cb_image images[2];
    struct cb_index_image index;
    struct cb_layer_blob layers[3]; // the first is in both images
    char *paths[3];
} built;

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// ---- the server ---------------------------------------------------------------------------------------------------

static char *page(const char *path)
{
    CB_HTTP_ANSWER_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    char *url CB_AUTOFREE = cb_format("http://%s%s", local, path);
    struct cb_http_request q = {.url = url};
    if (cb_http_fetch(http, &q, &a, &err))
        fail_msg("%s", err.message);
    return cb_buf_take(&a.text);
}

// Other options for the server, which forgets what it has.
static void set(const char *options)
{
    char *path CB_AUTOFREE = cb_format("/_set?%s", options);
    char *text CB_AUTOFREE = page(path);
    assert_string_equal(text, "set");
}

// Other options for the server, which forgets its log only.
static void change(const char *options)
{
    char *path CB_AUTOFREE = cb_format("/_change?%s", options);
    char *text CB_AUTOFREE = page(path);
    assert_string_equal(text, "set");
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, part)); p++)
        n++;
    return n;
}

static unsigned logged(const char *part)
{
    char *log CB_AUTOFREE = page("/_log");
    return count(log, part);
}

// ---- pushing ------------------------------------------------------------------------------------------------------

static int64_t sent_bytes;

static void count_sent(void *ctx, int64_t bytes)
{
    (void)ctx;
    sent_bytes += bytes;
}

static int push(const char *refs, struct cb_error *err)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_reference parsed[4];
    size_t n = 0;
    struct cb_str rest = cb_str(refs), one;
    struct cb_registry *r = cb_registry_new(http, &env);
    const struct cb_push_options options = {.sent = count_sent};
    int rc = 0;
    while (rc == 0 && cb_str_cut(&rest, ' ', &one)) {
        char *text CB_AUTOFREE =
            one.p[0] == '/' ? cb_format("%s%.*s", local, CB_STR_ARG(one)) : cb_strndup(one.p, one.n);
        rc = cb_reference_parse(&arena, cb_arena_str(&arena, cb_str(text)), &parsed[n++], err);
    }
    sent_bytes = 0;
    if (rc == 0)
        rc = cb_registry_push(r, &built.index, parsed, n, &options, err);
    cb_registry_free(r);
    return rc;
}

static void must_push(const char *refs)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    if (push(refs, &err))
        fail_msg("%s: %s (%s)", refs, err.message, err.detail ? err.detail : "");
}

static void must_not_push(const char *refs, enum cb_kind kind, const char *words)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_int_equal(push(refs, &err), -1);
    if (err.kind != kind || !strstr(err.message, words))
        fail_msg("kind %d: %s", err.kind, err.message);
    assert_null(strstr(err.message, "secret"));
    assert_null(strstr(err.message, "token-"));
}

static void parse(struct cb_arena *a, const char *text, struct cb_reference *ref)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    char *whole CB_AUTOFREE = text[0] == '/' ? cb_format("%s%s", local, text) : cb_strdup(text);
    assert_int_equal(cb_reference_parse(a, cb_arena_str(a, cb_str(whole)), ref, &err), 0);
}

static void check_image(struct cb_registry *r, struct cb_arena *a, const struct cb_reference *top,
                        const struct cb_image *img)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_reference ref = cb_reference_with_digest(a, top, cb_digest_str(&img->digest));
    struct cb_descriptor d;
    struct cb_str bytes;
    struct cb_manifest m;
    if (cb_registry_get_manifest(r, a, &ref, &d, &bytes, &err) || cb_manifest_parse(a, bytes, d.media_type, &m, &err))
        fail_msg("%s", err.message);
    assert_true(cb_str_eq(bytes, img->manifest));
    assert_int_equal(m.nlayers, img->nlayers);
    for (size_t i = 0; i <= m.nlayers; i++) {
        CB_BUF_AUTO b = {0};
        const struct cb_descriptor *want = i < m.nlayers ? &m.layers[i] : &m.config;
        if (cb_registry_read_blob(r, &ref, want, 1 << 20, &b, &err))
            fail_msg("%s", err.message);
        assert_int_equal(b.n, want->size);
    }
}

// All that was pushed is there, byte for byte.
static void check_pushed(const char *text)
{
    CB_ARENA_AUTO a = {0};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_reference ref;
    struct cb_descriptor d;
    struct cb_str bytes;
    struct cb_registry *r = cb_registry_new(http, &env);
    parse(&a, text, &ref);
    if (cb_registry_get_manifest(r, &a, &ref, &d, &bytes, &err))
        fail_msg("%s: %s", text, err.message);
    assert_true(cb_str_eq(bytes, built.index.bytes));
    assert_true(cb_str_is(d.media_type, CB_MEDIA_OCI_INDEX));
    for (size_t i = 0; i < 2; i++)
        check_image(r, &a, &ref, &built.images[i]);
    cb_registry_free(r);
}

// ---- tests: pushing -----------------------------------------------------------------------------------------------

static void pushes_once(void **state)
{
    (void)state;
    set("");
    must_push("/a/b:v1");
    check_pushed("/a/b:v1");
    assert_int_equal(logged("PATCH "), 5); // the shared layer once
    assert_true(sent_bytes > 3 * (int64_t)LAYER_BYTES);
    must_push("/a/b:v1");
    assert_int_equal(logged("PATCH "), 5);
    assert_int_equal(sent_bytes, 0);
    assert_int_equal(logged("PUT "), 5 + 2 + 1);
    must_push("/a/b:v2"); // another tag is one manifest
    assert_int_equal(logged("PATCH "), 5);
    assert_int_equal(logged("PUT "), 5 + 2 + 2);
    check_pushed("/a/b:v2");
}

// Position of the first or last line that has a text; -1 where there is none.
static long position(const char *log, const char *part, bool last)
{
    long at = -1;
    for (const char *p = log; (p = strstr(p, part)); p++) {
        at = p - log;
        if (!last)
            return at;
    }
    return at;
}

static void keeps_the_order(void **state)
{
    (void)state;
    set("");
    must_push("/a/b:v1 /c/d:x /c/d:y");
    char *log CB_AUTOFREE = page("/_log");
    char *by_digest CB_AUTOFREE = cb_format("/manifests/%s", built.index.digest.text);
    char *put_index CB_AUTOFREE = cb_format("PUT %s /v2/a/b%s", local, by_digest);
    char *put_tag CB_AUTOFREE = cb_format("PUT %s /v2/a/b/manifests/v1", local);
    char *put_x CB_AUTOFREE = cb_format("PUT %s /v2/c/d/manifests/x", local);
    char *put_child CB_AUTOFREE = cb_format("PUT %s /v2/c/d/manifests/%s", local, built.images[1].digest.text);
    assert_true(position(log, "/blobs/", true) < position(log, put_child, false));
    assert_true(position(log, put_child, true) < position(log, put_index, false));
    assert_true(position(log, put_index, true) < position(log, put_tag, false));
    assert_true(position(log, put_index, true) < position(log, put_x, false));
    assert_int_equal(count(log, "mount=sha256"), 5);
    assert_int_equal(count(log, "PATCH "), 5);
    check_pushed("/c/d:y");
}

static void sends_what_cannot_be_mounted(void **state)
{
    (void)state;
    set("nomount=1");
    must_push("/a/b:v1 /c/d:x");
    assert_int_equal(logged("PATCH "), 10);
    check_pushed("/c/d:x");
}

static void survives(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "fail=9",
        "fail=3",
        "fail=2",
        "limit=9",
        "limit=2",
        "cut=3",
        "cut=1",
        "cut=3&resume=0",
        "auth=basic",
        "auth=bearer",
        "auth=bearer&ttl=0.3",
        "auth=bearer&scope=1",
        "auth=bearer&ttl=0.2&fail=7&cut=4&limit=11",
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        set(faults[i]);
        must_push("reg.example.com/a/b:v1");
        assert_int_equal(sent_bytes, 3 * LAYER_BYTES + built.images[0].config.n + built.images[1].config.n);
        check_pushed("reg.example.com/a/b:v1");
    }
}

static void resumes(void **state)
{
    (void)state;
    set("cut=2");
    must_push("/a/b:v1");
    check_pushed("/a/b:v1");
    assert_true(logged("200000-399999") > 0); // sent from the middle, not from the start
    set("cutdown=2");
    must_push("/a/b:v1");
    check_pushed("/a/b:v1");
}

static void gives_up(void **state)
{
    (void)state;
    uint64_t begun = now_ms();
    set("fail=1");
    must_not_push("/a/b:v1", CB_E_NETWORK, "503 Service Unavailable");
    set("limit=1");
    must_not_push("/a/b:v1", CB_E_NETWORK, "429 Too Many Requests");
    set("cut=1&resume=0");
    must_not_push("/a/b:v1", CB_E_NETWORK, "uploading sha256:");
    assert_int_equal(logged("/manifests/v1 2"), 0); // nothing was tagged
    assert_true(now_ms() - begun < 20000);
}

static void refuses_another_digest(void **state)
{
    (void)state;
    set("");
    must_not_push("/a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", CB_E_USAGE,
                  "names another");
    char *own CB_AUTOFREE = cb_format("/a/b@%s", built.index.digest.text);
    must_push(own);
    check_pushed(own);
}

static void refuses_a_changed_layer(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO bytes = {0};
    set("");
    assert_int_equal(cb_read_file(built.paths[1], &bytes, 1 << 20, &err), 0);
    bytes.p[7] ^= 1;
    assert_int_equal(cb_write_file(built.paths[1], cb_buf_str(&bytes), 0644, &err), 0);
    must_not_push("/a/b:v1", CB_E_NETWORK, "DIGEST_INVALID");
    assert_int_equal(logged("/manifests/v1 2"), 0);
    bytes.p[7] ^= 1;
    assert_int_equal(cb_write_file(built.paths[1], cb_buf_str(&bytes), 0644, &err), 0);
    must_push("/a/b:v1");
}

// ---- tests: credentials -------------------------------------------------------------------------------------------

static void needs_credentials(void **state)
{
    (void)state;
    CB_ERROR_AUTO err = CB_ERROR_INIT, two = CB_ERROR_INIT;
    set("auth=basic");
    must_not_push("evil.example.net/a/b:v1", CB_E_AUTH, "401");
    assert_int_equal(push("evil.example.net/a/b:v1", &err), -1);
    assert_non_null(strstr(err.hint, "cbuild login evil.example.net"));
    set("auth=bearer");
    assert_int_equal(push("evil.example.net/a/b:v1", &two), -1);
    assert_int_equal(two.kind, CB_E_AUTH);
    assert_non_null(strstr(two.hint, "cbuild login evil.example.net"));
}

static void takes_refresh_tokens(void **state)
{
    (void)state;
    struct cb_credentials_env old = env;
    char dir[] = "/tmp/cbuild-test-XXXXXX";
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    assert_non_null(mkdtemp(dir));
    char *path CB_AUTOFREE = cb_path_join(dir, "config.json");
    assert_int_equal(
        cb_write_file(path, CB_STR("{\"auths\":{\"reg.example.com\":{\"identitytoken\":\"refresh\"}}}"), 0600, &err),
        0);
    env.docker_auth_config = NULL;
    env.docker_config = dir;
    set("auth=bearer&oauth=1&ttl=0.3");
    must_push("reg.example.com/a/b:v1");
    assert_true(logged("POST reg.example.com /token 200") > 0);
    env = old;
    unlink(path);
    rmdir(dir);
}

static void keeps_credentials_from_strangers(void **state)
{
    (void)state;
    enum { SENT, WITHOUT, REFUSED };
    static const struct {
        const char *registry, *realm;
        int what;
    } cases[] = {
        {"reg.example.com", "https://reg.example.com/token", SENT},
        {"reg.example.com", "https://token.example.com/token", SENT},
        {"index.docker.io", "https://auth.docker.io/token", SENT},
        {"reg.example.com", "https://evil.example.net/token", WITHOUT},
        {"reg.example.com", "https://auth.docker.io/token", WITHOUT},
        {"a.co.uk", "https://b.co.uk/token", WITHOUT},
        {"reg.example.com", "http://reg.example.com/token", REFUSED},
        {"reg.example.com", "http://169.254.169.254/latest/meta-data/", REFUSED},
        {"reg.example.com", "https://169.254.169.254/", REFUSED},
        {"reg.example.com", "https://[fd00:ec2::254]/", REFUSED},
        {"reg.example.com", "https://127.0.0.1/token", REFUSED},
        {"reg.example.com", "https://localhost/token", REFUSED},
        {"reg.example.com", "https://0/token", REFUSED},
        {"reg.example.com", "https://2130706433/token", REFUSED},
        {"reg.example.com", "file:///etc/passwd", REFUSED},
        {"reg.example.com", "nonsense", REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *options CB_AUTOFREE = cb_format("auth=bearer&realm=%s", cases[i].realm);
        char *ref CB_AUTOFREE = cb_format("%s/a/b:v1", cases[i].registry);
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        set(options);
        int rc = push(ref, &err);
        if ((rc == 0) != (cases[i].what == SENT) ||
            (rc && err.kind != (cases[i].what == REFUSED ? CB_E_TRUST : CB_E_AUTH)))
            fail_msg("%s: %s", cases[i].realm, rc ? err.message : "pushed");
        assert_int_equal(logged("Basic_") > 0, cases[i].what == SENT);
        assert_int_equal(logged("/token") > 0, cases[i].what != REFUSED);
    }
}

static void follows_uploads_with_care(void **state)
{
    (void)state;
    static const struct {
        const char *location;
        enum cb_kind kind;
    } cases[] = {
        {"https://blobs.example.org/v2/a/b/blobs/uploads/x", CB_E_AUTH},   // goes there, without credentials
        {"http://reg.example.com/v2/a/b/blobs/uploads/x", CB_E_NOT_FOUND}, // by https all the same
        {"http://blobs.example.org/x", CB_E_TRUST},
        {"http://169.254.169.254/x", CB_E_TRUST},
        {"https://169.254.169.254/x", CB_E_TRUST},
        {"https://127.0.0.1:1/x", CB_E_TRUST},
        {"https://10.1.2.3/x", CB_E_TRUST},
        {"file:///etc/passwd", CB_E_USAGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *options CB_AUTOFREE = cb_format("auth=basic&location=%s", cases[i].location);
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        set(options);
        assert_int_equal(push("reg.example.com/a/b:v1", &err), -1);
        if (err.kind != cases[i].kind)
            fail_msg("%s: kind %d: %s", cases[i].location, err.kind, err.message);
        char *log CB_AUTOFREE = page("/_log");
        assert_null(
            strstr(strstr(log, "PATCH blobs.example.org") ? strstr(log, "PATCH blobs.example.org") : "", "404 Basic"));
        assert_int_equal(count(log, "PATCH ") > 0, cases[i].kind == CB_E_NOT_FOUND || cases[i].kind == CB_E_AUTH);
    }
}

// ---- tests: reading -----------------------------------------------------------------------------------------------

struct reading {
    struct cb_arena arena;
    struct cb_registry *registry;
    struct cb_reference tag, digest;
};

static void begin_reading(struct reading *x, const char *tag)
{
    *x = (struct reading){.registry = cb_registry_new(http, &env)};
    parse(&x->arena, tag, &x->tag);
    x->digest = cb_reference_with_digest(&x->arena, &x->tag, cb_digest_str(&built.index.digest));
}

static void end_reading(struct reading *x)
{
    cb_registry_free(x->registry);
    cb_arena_release(&x->arena);
}

static enum cb_kind head(struct reading *x, const struct cb_reference *ref)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_descriptor d;
    return cb_registry_head(x->registry, &x->arena, ref, &d, &err) ? err.kind : CB_OK;
}

static enum cb_kind get(struct reading *x, const struct cb_reference *ref)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_descriptor d;
    struct cb_str bytes;
    struct cb_index_manifest m;
    if (cb_registry_get_manifest(x->registry, &x->arena, ref, &d, &bytes, &err))
        return err.kind;
    return cb_index_manifest_parse(&x->arena, bytes, d.media_type, &m, &err) ? err.kind : CB_OK;
}

static enum cb_kind get_blob(struct reading *x, struct cb_descriptor d)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO b = {0};
    return cb_registry_read_blob(x->registry, &x->tag, &d, 1 << 20, &b, &err) ? err.kind : CB_OK;
}

static void trusts_digests_only(void **state)
{
    (void)state;
    struct reading x;
    set("");
    must_push("/a/b:v1");
    begin_reading(&x, "/a/b:v1");
    assert_int_equal(head(&x, &x.tag), CB_OK);
    assert_int_equal(head(&x, &x.digest), CB_OK);
    assert_int_equal(get(&x, &x.tag), CB_OK);
    assert_int_equal(get(&x, &x.digest), CB_OK);
    change("lie=1");
    assert_int_equal(get(&x, &x.tag), CB_E_TRUST);
    assert_int_equal(get(&x, &x.digest), CB_E_TRUST);
    change("liehead=1");
    assert_int_equal(head(&x, &x.digest), CB_E_TRUST);
    assert_int_equal(get(&x, &x.digest), CB_E_TRUST);
    change("kind=" CB_MEDIA_OCI_MANIFEST);
    assert_int_equal(get(&x, &x.digest), CB_E_INPUT); // announced as something else than it is
    change("");
    parse(&x.arena, "/a/b:none", &x.tag);
    assert_int_equal(head(&x, &x.tag), CB_E_NOT_FOUND);
    assert_int_equal(get(&x, &x.tag), CB_E_NOT_FOUND);
    end_reading(&x);
}

static void verifies_blobs(void **state)
{
    (void)state;
    struct reading x;
    struct cb_descriptor d = built.layers[0].descriptor, wrong = d, large = d, other = built.layers[1].descriptor;
    set("");
    must_push("/a/b:v1");
    begin_reading(&x, "/a/b:v1");
    wrong.size--;
    large.size++;
    assert_int_equal(get_blob(&x, d), CB_OK);
    assert_int_equal(get_blob(&x, wrong), CB_E_TRUST);
    assert_int_equal(get_blob(&x, large), CB_E_TRUST);
    change("big=1");
    assert_int_equal(get_blob(&x, d), CB_E_TRUST);
    change("cutdown=1");
    assert_int_equal(get_blob(&x, other), CB_E_NETWORK); // the last byte never comes
    change("cutdown=2");
    assert_int_equal(get_blob(&x, other), CB_OK);
    other.digest = cb_digest_of(CB_STR("nothing"));
    assert_int_equal(get_blob(&x, other), CB_E_NOT_FOUND);
    end_reading(&x);
}

// Blobs may be elsewhere: what was sent to the registry is not sent there. urls of a descriptor are not used at all.
static void reads_elsewhere_without_credentials(void **state)
{
    (void)state;
    struct reading x;
    struct cb_descriptor d = built.layers[0].descriptor;
    struct cb_str url = CB_STR("https://evil.example.net/layer");
    d.urls = (struct cb_strs){&url, 1, 1};
    set("auth=basic");
    must_push("reg.example.com/a/b:v1");
    begin_reading(&x, "reg.example.com/a/b:v1");
    change("auth=basic&redirect=https://blobs.example.org/layer");
    assert_int_equal(get_blob(&x, d), CB_E_AUTH); // the server there wants credentials, too
    assert_true(logged("GET blobs.example.org /layer 401 - -") > 0);
    assert_int_equal(logged("evil.example.net"), 0);
    end_reading(&x);
}

static struct cb_str referrer(struct cb_arena *a, const char *kind)
{
    return cb_arena_format(a,
                           "{\"schemaVersion\":2,\"mediaType\":\"" CB_MEDIA_OCI_MANIFEST "\",\"artifactType\":\"%s\","
                           "\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"size\":2,\"digest\":"
                           "\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"},\"layers\":[],"
                           "\"subject\":{\"mediaType\":\"" CB_MEDIA_OCI_INDEX "\",\"size\":%zu,\"digest\":\"%s\"}}",
                           kind, built.index.bytes.n, built.index.digest.text);
}

static void attach(struct reading *x, const char *kind)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_str bytes = referrer(&x->arena, kind), config = CB_STR("{}");
    struct cb_digest d = cb_digest_of(bytes);
    struct cb_reference ref = cb_reference_with_digest(&x->arena, &x->tag, cb_arena_str(&x->arena, cb_digest_str(&d)));
    if (cb_registry_put_blob(x->registry, &x->tag, NULL, &config, &err) ||
        cb_registry_put_manifest(x->registry, &ref, CB_STR(CB_MEDIA_OCI_MANIFEST), bytes, &err))
        fail_msg("%s", err.message);
}

static size_t referrers(struct reading *x, const char *kind)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_index_manifest m;
    if (cb_registry_referrers(x->registry, &x->arena, &x->digest, cb_str(kind), &m, &err))
        fail_msg("%s", err.message);
    return m.nmanifests;
}

static void finds_referrers(void **state)
{
    (void)state;
    static const char *const options[] = {"referrers=1", "", "auth=bearer&fail=5"};
    for (size_t i = 0; i < 3; i++) {
        struct reading x;
        set(options[i]);
        must_push("reg.example.com/a/b:v1");
        begin_reading(&x, "reg.example.com/a/b:v1");
        assert_int_equal(referrers(&x, ""), 0);
        attach(&x, "application/x-one");
        attach(&x, "application/x-two");
        attach(&x, "application/x-two"); // twice the same is one
        assert_int_equal(referrers(&x, "application/x-one"), 1);
        assert_int_equal(referrers(&x, "application/x-three"), 0);
        assert_true(referrers(&x, "") >= 2);
        end_reading(&x);
    }
}

// Debian's docker-registry, where it is installed.
static void pushes_to_a_real_registry(void **state)
{
    (void)state;
    if (access("/usr/bin/docker-registry", X_OK))
        skip();
    struct test_server real;
    if (!test_server_start(&real, CBUILD_SOURCE_DIR "/tests/oci/real_registry.py", NULL))
        skip();
    char *tag CB_AUTOFREE = cb_format("127.0.0.1:%u/a/b:v1", real.ports[0]);
    char *two CB_AUTOFREE = cb_format("127.0.0.1:%u/a/b:v1 127.0.0.1:%u/c/d:v2", real.ports[0], real.ports[0]);
    must_push(tag);
    check_pushed(tag);
    must_push(tag);
    assert_int_equal(sent_bytes, 0);
    must_push(two);
    test_server_stop(&real);
}

// ---- setting up ---------------------------------------------------------------------------------------------------

static void make_layer(size_t i)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_BUF_AUTO b = {0};
    uint32_t x = (uint32_t)i + 1;
    for (size_t n = 0; n < LAYER_BYTES; n++) {
        x = x * 1664525 + 1013904223;
        cb_buf_addc(&b, (char)(x >> 24));
    }
    built.paths[i] = cb_format("%s/layer%zu", server.folder, i);
    assert_int_equal(cb_write_file(built.paths[i], cb_buf_str(&b), 0644, &err), 0);
    struct cb_layer_blob *l = &built.layers[i];
    l->path = built.paths[i];
    l->descriptor.media_type = CB_STR(CB_MEDIA_OCI_LAYER);
    l->descriptor.size = LAYER_BYTES;
    l->descriptor.digest = l->diff_id = cb_digest_of(cb_buf_str(&b));
}

static void build(void)
{
    static const struct cb_index_params ip;
    const struct cb_image *images[] = {&built.images[0], &built.images[1]};
    for (size_t i = 0; i < 3; i++)
        make_layer(i);
    for (size_t i = 0; i < 2; i++) {
        CB_ERROR_AUTO err = CB_ERROR_INIT;
        const struct cb_image_params p = {.arch = i ? CB_STR("arm64") : CB_STR("amd64")};
        const struct cb_layer_blob both[] = {built.layers[0], built.layers[i + 1]};
        assert_int_equal(cb_image_build(&built.images[i], &p, both, 2, &err), 0);
    }
    cb_index_image_build(&built.index, &ip, images, 2);
}

static int start(void **state)
{
    (void)state;
    static char proxy[64], ca[128];
    if (!test_server_start(&server, CBUILD_SOURCE_DIR "/tests/oci/registry_server.py", NULL))
        return -1;
    snprintf(local, sizeof local, "127.0.0.1:%u", server.ports[0]);
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", server.ports[2]);
    snprintf(ca, sizeof ca, "%s/ca.pem", server.folder);
    const struct cb_http_options o = {.env = {.https_proxy = proxy, .ssl_cert_file = ca},
                                      .limits = {.pause_ms = 5, .retry_ms = 1500, .pause_max_ms = 80}};
    http = cb_http_new(&o);
    // user:secret
    env = (struct cb_credentials_env){.home = server.folder,
                                      .docker_auth_config =
                                          "{\"auths\":{\"reg.example.com\":{\"auth\":\"dXNlcjpzZWNyZXQ=\"},"
                                          "\"a.co.uk\":{\"auth\":\"dXNlcjpzZWNyZXQ=\"},"
                                          "\"https://index.docker.io/v1/\":{\"auth\":\"dXNlcjpzZWNyZXQ=\"}}}"};
    build();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cb_index_image_release(&built.index);
    for (size_t i = 0; i < 2; i++)
        cb_image_release(&built.images[i]);
    for (size_t i = 0; i < 3; i++)
        free(built.paths[i]);
    cb_http_free(http);
    test_server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pushes_once),
        cmocka_unit_test(keeps_the_order),
        cmocka_unit_test(sends_what_cannot_be_mounted),
        cmocka_unit_test(survives),
        cmocka_unit_test(resumes),
        cmocka_unit_test(gives_up),
        cmocka_unit_test(refuses_another_digest),
        cmocka_unit_test(refuses_a_changed_layer),
        cmocka_unit_test(needs_credentials),
        cmocka_unit_test(takes_refresh_tokens),
        cmocka_unit_test(keeps_credentials_from_strangers),
        cmocka_unit_test(follows_uploads_with_care),
        cmocka_unit_test(trusts_digests_only),
        cmocka_unit_test(verifies_blobs),
        cmocka_unit_test(reads_elsewhere_without_credentials),
        cmocka_unit_test(finds_referrers),
        cmocka_unit_test(pushes_to_a_real_registry),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
