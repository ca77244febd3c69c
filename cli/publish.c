#include "publish.h"

#include <stdio.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "publish_attest.h"

int cb_publication_set_tags(struct cb_publication *p, const struct cb_str *tags, size_t n, struct cb_error *err)
{
    p->refs = cb_arena_alloc(&p->arena, n * sizeof *p->refs);
    for (size_t i = 0; i < n; i++) {
        if (cb_reference_parse(&p->arena, tags[i], &p->refs[i], err))
            return -1;
        cb_strs_add(&p->tags, tags[i]);
    }
    return 0;
}

void cb_publication_release(struct cb_publication *p)
{
    cb_strs_release(&p->tags);
    cb_arena_release(&p->arena);
}

int cb_check_image_refs(struct cb_error *err)
{
    if (*cb_build_flags.image_refs && cb_check_output(cb_build_flags.image_refs, err))
        return cb_context(err, "--image-refs");
    return 0;
}

int cb_check_attesting(struct cb_attacher *a, const struct cb_session *s, struct cb_error *err)
{
    const struct cb_build_flags *f = &cb_build_flags;
    if (!f->attest)
        return *f->key || f->cosign_tag
                   ? cb_fail(err, CB_E_USAGE, "--key and --cosign-tag say how to attest; --attest is missing")
                   : 0;
    if (f->local)
        return cb_fail(err, CB_E_USAGE,
                       "--local and --attest exclude each other: the Docker daemon keeps no attestations");
    return cb_attacher_fill(a, &s->environment, f->key, f->cosign_tag, err);
}

int cb_publication_check(const struct cb_publication *p, struct cb_error *err)
{
    if (cb_build_flags.local)
        return 0;
    for (size_t i = 0; i < p->tags.n; i++) {
        CB_AUTH_AUTO auth = {0};
        if (cb_credentials_find(&p->session->environment.credentials, p->refs[i].registry, p->refs[i].repository, &auth,
                                err))
            return cb_context(err, "credentials for %.*s", CB_STR_ARG(p->refs[i].registry));
    }
    return 0;
}

static int load_locally(const struct cb_publication *p, const struct cb_index_image *idx, struct cb_buf *out,
                        struct cb_error *err)
{
    CB_AUTOFREE char *name = NULL;
    if (cb_docker_load(p->session->http, &p->session->environment.docker, idx, p->tags.v, p->tags.n, &name, err))
        return -1;
    cb_buf_addf(out, "%s\n", name);
    return 0;
}

static void add_digest_line(struct cb_buf *out, const struct cb_reference *repository, const struct cb_digest *digest)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_reference ref = cb_reference_with_digest(&arena, repository, cb_digest_str(digest));
    cb_buf_addf(out, "%.*s\n", CB_STR_ARG(cb_reference_name(&arena, &ref)));
}

static void tell(void *ctx, enum cb_push_event event, const char *what, uint64_t size)
{
    static const char *const words[] = {"uploaded", "existing", "mounted", "wrote", "tagged"};
    (void)ctx;
    cb_log(event == CB_PUSH_TAGGED ? CB_INFO : CB_DEBUG, "%s %s (%llu bytes)", words[event], what,
           (unsigned long long)size);
}

int cb_publish(const struct cb_publication *p, struct cb_registry *r, const struct cb_build *b, struct cb_buf *out,
               struct cb_buf *refs, struct cb_error *err)
{
    const struct cb_index_image *idx = cb_build_index(b);
    const struct cb_push_options options = {.event = tell};
    if (cb_build_flags.local)
        return load_locally(p, idx, out, err);
    if (cb_registry_push(r, idx, p->refs, p->tags.n, &options, err) ||
        (cb_build_flags.attest && cb_publish_attest(r, b, p->refs, p->tags.n, &p->attacher->options, err)))
        return -1;
    for (size_t i = 0; i < idx->nimages; i++)
        add_digest_line(refs, &p->refs[0], &idx->images[i]->digest);
    add_digest_line(refs, &p->refs[0], &idx->digest);
    add_digest_line(out, &p->refs[0], &idx->digest);
    return 0;
}

static int check(struct cb_publication *p, struct cb_attacher *attacher, const struct cb_invocation *in,
                 struct cb_error *err)
{
    struct cb_session *s = p->session;
    CB_AUTOFREE struct cb_str *tags = cb_realloc_array(NULL, in->args.n, sizeof *tags);
    for (size_t i = 1; i < in->args.n; i++)
        tags[i - 1] = cb_str(in->args.v[i]);
    if (cb_publication_set_tags(p, tags, in->args.n - 1, err) || cb_session_open(s, in, in->args.v[0], err) ||
        cb_check_image_refs(err))
        return -1;
    if (s->options.sbom && *cb_build_flags.sbom_path && cb_check_documents_folder(cb_build_flags.sbom_path, err))
        return -1;
    return cb_publication_check(p, err) || cb_check_attesting(attacher, s, err) ? -1 : 0;
}

static int send(const struct cb_publication *p, const struct cb_build *b, struct cb_error *err)
{
    const struct cb_build_flags *f = &cb_build_flags;
    CB_BUF_AUTO line = {0};
    CB_BUF_AUTO refs = {0};
    struct cb_registry *r = cb_registry_new(p->session->http, &p->session->environment.credentials);
    int failed = cb_publish(p, r, b, &line, &refs, err);
    cb_registry_free(r);
    if (failed)
        return -1;
    if (!f->local && *f->image_refs && cb_write_file(f->image_refs, cb_buf_str(&refs), 0644, err))
        return -1;
    if (!f->local && *f->sbom_path && cb_documents_write(b, f->sbom_path, err))
        return -1;
    printf("%s", line.p);
    return 0;
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    if (cb_check_args_are_meant(&in->args, err))
        return -1;
    if (in->args.n < 2) {
        cb_fail(err, CB_E_USAGE, "publish takes a configuration and at least one tag, not %zu arguments", in->args.n);
        return cb_hint(err, "cbuild publish CONFIG TAG...");
    }
    CB_SESSION_AUTO session = {.images = true};
    CB_BUILD_AUTO *b = NULL;
    struct cb_attacher attacher = {0};
    struct cb_publication p = {.session = &session, .attacher = &attacher};
    int failed = check(&p, &attacher, in, err) || cb_build_run(&session.options, &b, err) || send(&p, b, err);
    cb_publication_release(&p);
    cb_attacher_release(&attacher);
    return failed ? -1 : 0;
}

const struct cb_command cb_command_publish = {
    .name = "publish",
    .usage = "CONFIG TAG... [flags]",
    .summary = "Build and publish an image",
    .text = "Build an image from a YAML or JSON configuration file and publish it to one or more registries.\n\n"
            "Credentials are those that \"docker login\", \"podman login\" or \"cbuild login\" have stored. What is "
            "printed\n"
            "is the reference of the index by its digest, and nothing else.",
    .example = "  cbuild publish hello-world.yaml registry.example.com/hello:v1.0.0",
    .flags = cb_publish_flag_table,
    .run = run,
};
