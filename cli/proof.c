// The configuration that an image was built from, as far as it can be proved.
#include "proof.h"

#include "build_flags.h"
#include "cbuild/base/log.h"
#include "cbuild/trust/unverified.h"
#include "verify_flags.h"

#define CONFIG_TYPE "https://apko.dev/image-configuration"

bool cb_proof_is_flag(const char *name)
{
    // What else verify-attestation takes is about its output, or is a flag of building as well.
    return strcmp(name, "offline") && strcmp(name, "output") && strcmp(name, "json") && strcmp(name, "annotations") &&
           strcmp(name, "type") && strcmp(name, "predicate-only");
}

static bool wants_proof(void)
{
    const struct cb_verify_flags *f = &cb_verify_flags;
    return *f->key || *f->identity || *f->identity_regexp || *f->issuer || *f->issuer_regexp || *f->certificate;
}

static int take_accepted(struct cb_proof *p, const struct cb_attestations *all)
{
    for (size_t i = 0; i < all->n; i++) {
        if (all->v[i].refusal.n)
            continue;
        p->config = cb_arena_str(&p->arena, all->v[i].predicate);
        p->verified = true;
        cb_log(CB_INFO, "verified: the configuration is attested in %.*s, signed by %.*s", CB_STR_ARG(all->v[i].place),
               CB_STR_ARG(all->v[i].signer));
        return 0;
    }
    return -1;
}

static int verify(struct cb_proof *p, struct cb_image_source *s, struct cb_error *err)
{
    CB_ASKED_AUTO q = {0};
    struct cb_attestations all;
    size_t accepted;
    if (s->place != CB_PLACE_REGISTRY)
        return cb_fail(err, CB_E_UNSUPPORTED, "%s: attestations are verified of images in registries", s->name);
    struct cb_reference ref = cb_reference_with_digest(&p->arena, &s->ref, cb_digest_str(&s->root.digest));
    CB_AUTOFREE char *image = cb_strndup(cb_reference_name(&p->arena, &ref).p, cb_reference_name(&p->arena, &ref).n);
    cb_verify_flags.offline = cb_build_flags.offline;
    if (cb_asked_open(&q, err))
        return -1;
    q.policy.predicate_type = CB_STR(CONFIG_TYPE);
    if (cb_asked_find(&q, image, CB_ATTACHED_ATTESTATIONS, &all, &accepted, err) ||
        cb_asked_explain(image, "attestation", &all, accepted, err))
        return -1;
    return take_accepted(p, &all);
}

// Without a key nothing is believed: that the same bytes come out is the proof. So any configuration will do.
int cb_proof_find(struct cb_proof *p, struct cb_image_source *s, struct cb_error *err)
{
    if (wants_proof())
        return verify(p, s, err);
    int found = cb_digest_is_set(&s->root.digest)
                    ? cb_unverified_predicate(s, &s->root.digest, CONFIG_TYPE, &p->arena, &p->config, err)
                    : 0;
    if (found < 0)
        return cb_context(err, "looking for an attested configuration");
    cb_log(CB_WARN, "nothing was verified: no key or identity was given; the configuration is %s",
           found ? "an attested one, whoever signed it" : "that of the image's layers");
    return 0;
}

void cb_proof_release(struct cb_proof *p)
{
    cb_arena_release(&p->arena);
}
