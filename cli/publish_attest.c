#include "publish_attest.h"

#include "cbuild/base/log.h"

struct attesting {
    struct cb_registry *registry;
    const struct cb_build *build;
    const struct cb_attach_options *options;
};

static int attest_document(const struct attesting *t, const struct cb_attach_subject *s, const struct cb_document *d,
                           struct cb_error *err)
{
    CB_BUF_AUTO text = {0};
    struct cb_range_source in = cb_range_source(d->fd, d->name, 0, d->size);
    return cb_read_all(&in.source, &text, CB_ENVELOPE_MAX / 2, d->name, err) ||
                   cb_attest(t->registry, s, CB_STR(CB_PREDICATE_SPDX), cb_buf_str(&text), t->options, err)
               ? -1
               : 0;
}

static int attest_one(const struct attesting *t, const struct cb_attach_subject *s, size_t i, struct cb_error *err)
{
    CB_BUF_AUTO config = {0};
    const struct cb_document *d = cb_build_document_of(t->build, i);
    cb_build_stored_config(t->build, i, &config);
    if (cb_attest(t->registry, s, CB_STR(CB_PREDICATE_APKO), cb_buf_str(&config), t->options, err) ||
        (d && attest_document(t, s, d, err)))
        return -1;
    cb_log(CB_INFO, "attested %s", s->descriptor.digest.text);
    return 0;
}

static struct cb_attach_subject subject(struct cb_arena *a, const struct cb_index_image *idx, size_t i,
                                        const struct cb_reference *repository)
{
    struct cb_attach_subject s = {
        .descriptor = {.media_type = idx->parsed.media_type, .size = idx->bytes.n, .digest = idx->digest}};
    if (i < idx->nimages)
        s.descriptor = (struct cb_descriptor){.media_type = idx->images[i]->media_type,
                                              .size = idx->images[i]->manifest.n,
                                              .digest = idx->images[i]->digest};
    struct cb_str digest = cb_arena_str(a, cb_digest_str(&s.descriptor.digest));
    s.ref = cb_reference_with_digest(a, repository, digest);
    return s;
}

static bool is_first_of_repository(const struct cb_reference *refs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cb_str_eq(refs[i].registry, refs[n].registry) && cb_str_eq(refs[i].repository, refs[n].repository))
            return false;
    return true;
}

int cb_publish_attest(struct cb_registry *r, const struct cb_build *b, const struct cb_reference *refs, size_t n,
                      const struct cb_attach_options *o, struct cb_error *err)
{
    CB_ARENA_AUTO a = {0};
    const struct attesting t = {r, b, o};
    const struct cb_index_image *idx = cb_build_index(b);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; is_first_of_repository(refs, k) && i <= idx->nimages; i++) {
            struct cb_attach_subject s = subject(&a, idx, i, &refs[k]);
            if (attest_one(&t, &s, i, err))
                return cb_context(err, "attesting %s", s.descriptor.digest.text);
        }
    return 0;
}
