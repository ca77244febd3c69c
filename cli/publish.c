#include <stdio.h>

#include "build_flags.h"
#include "cbuild/base/file.h"
#include "cbuild/base/log.h"
#include "cbuild/oci/registry.h"
#include "publish_attest.h"

struct publication {
    struct cb_session session;
    struct cb_reference *refs;
    struct cb_strs tags;
    struct cb_attacher attacher; // with --attest
};

static int check_tags(struct publication *p, const struct cb_invocation *in, struct cb_error *err)
{
    size_t n = in->args.n - 1;
    p->refs = cb_arena_alloc(&p->session.arena, n * sizeof *p->refs);
    for (size_t i = 0; i < n; i++) {
        const char *tag = in->args.v[i + 1];
        if (cb_reference_parse(&p->session.arena, cb_str(tag), &p->refs[i], err))
            return -1;
        cb_strs_add(&p->tags, cb_str(tag));
    }
    return 0;
}

// Credentials that cannot be read, and files that cannot be written, are told before the work, not after it.
static int check_ends(struct publication *p, struct cb_error *err)
{
    if (*cb_build_flags.image_refs && cb_check_output(cb_build_flags.image_refs, err))
        return cb_context(err, "--image-refs");
    if (p->session.options.sbom && *cb_build_flags.sbom_path &&
        cb_check_documents_folder(cb_build_flags.sbom_path, err))
        return -1;
    if (cb_build_flags.local)
        return cb_build_flags.attest ? cb_fail(err, CB_E_USAGE,
                                               "--local and --attest exclude each other: the Docker "
                                               "daemon keeps no attestations")
                                     : 0;
    for (size_t i = 0; i < p->tags.n; i++) {
        CB_AUTH_AUTO auth = {0};
        if (cb_credentials_find(&p->session.environment.credentials, p->refs[i].registry, p->refs[i].repository, &auth,
                                err))
            return cb_context(err, "credentials for %.*s", CB_STR_ARG(p->refs[i].registry));
    }
    if (!cb_build_flags.attest && (*cb_build_flags.key || cb_build_flags.cosign_tag))
        return cb_fail(err, CB_E_USAGE, "--key and --cosign-tag say how to attest; --attest is missing");
    return cb_build_flags.attest ? cb_attacher_fill(&p->attacher, &p->session.environment, cb_build_flags.key,
                                                    cb_build_flags.cosign_tag, err)
                                 : 0;
}

static int load_locally(const struct publication *p, const struct cb_index_image *idx, struct cb_error *err)
{
    CB_AUTOFREE char *name = NULL;
    if (cb_docker_load(p->session.http, &p->session.environment.docker, idx, p->tags.v, p->tags.n, &name, err))
        return -1;
    printf("%s\n", name);
    return 0;
}

static void add_digest_line(struct cb_buf *out, const struct cb_reference *repository, const struct cb_digest *digest)
{
    CB_ARENA_AUTO arena = {0};
    struct cb_reference ref = cb_reference_with_digest(&arena, repository, cb_digest_str(digest));
    cb_buf_addf(out, "%.*s\n", CB_STR_ARG(cb_reference_name(&arena, &ref)));
}

// The references of all that was published: the images' in the order of the index, then the index's.
static int write_image_refs(const struct publication *p, const struct cb_index_image *idx, struct cb_error *err)
{
    if (!*cb_build_flags.image_refs)
        return 0;
    CB_BUF_AUTO out = {0};
    for (size_t i = 0; i < idx->nimages; i++)
        add_digest_line(&out, &p->refs[0], &idx->images[i]->digest);
    add_digest_line(&out, &p->refs[0], &idx->digest);
    return cb_write_file(cb_build_flags.image_refs, cb_buf_str(&out), 0644, err);
}

static void tell(void *ctx, enum cb_push_event event, const char *what, uint64_t size)
{
    static const char *const words[] = {"uploaded", "existing", "mounted", "wrote", "tagged"};
    (void)ctx;
    cb_log(event == CB_PUSH_TAGGED ? CB_INFO : CB_DEBUG, "%s %s (%llu bytes)", words[event], what,
           (unsigned long long)size);
}

static int push(const struct publication *p, const struct cb_build *b, struct cb_error *err)
{
    const struct cb_index_image *idx = cb_build_index(b);
    struct cb_registry *r = cb_registry_new(p->session.http, &p->session.environment.credentials);
    const struct cb_push_options options = {.event = tell};
    int failed = cb_registry_push(r, idx, p->refs, p->tags.n, &options, err) ||
                 (cb_build_flags.attest && cb_publish_attest(r, b, p->refs, p->tags.n, &p->attacher.options, err));
    cb_registry_free(r);
    if (failed || write_image_refs(p, idx, err))
        return -1;
    if (*cb_build_flags.sbom_path && cb_documents_write(b, cb_build_flags.sbom_path, err))
        return -1;
    CB_BUF_AUTO line = {0};
    add_digest_line(&line, &p->refs[0], &idx->digest);
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
    struct publication p = {0};
    struct cb_build *b = NULL;
    int failed = check_tags(&p, in, err) || cb_session_open(&p.session, in, in->args.v[0], err) ||
                 check_ends(&p, err) || cb_build_run(&p.session.options, &b, err);
    if (!failed)
        failed = cb_build_flags.local ? load_locally(&p, cb_build_index(b), err) : push(&p, b, err);
    cb_build_free(b);
    cb_strs_release(&p.tags);
    cb_attacher_release(&p.attacher);
    cb_session_close(&p.session);
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
