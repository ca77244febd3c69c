// What a configuration rests on: an attestation that was verified, one that was not, or only the image's layers.
#ifndef CB_CLI_PROOF_H
#define CB_CLI_PROOF_H

#include "cbuild/oci/image_source.h"
#include "command.h"

struct cb_proof {
    struct cb_arena arena;
    struct cb_str config; // the attested configuration; empty: what the layers hold
    bool verified;        // the attestation's signature and subject were
};

// Whether a flag of verify-attestation is one of those that say who must have signed.
bool cb_proof_is_flag(const char *name);

// Looks for the attested configuration of an image. Where the flags name a signer, one that holds must be there
// (CB_E_TRUST otherwise); where they do not, any will do, and the log says that nothing was verified.
int cb_proof_find(struct cb_proof *p, struct cb_image_source *s, struct cb_error *err);
void cb_proof_release(struct cb_proof *p);
#define CB_PROOF_AUTO __attribute__((cleanup(cb_proof_release))) struct cb_proof

#endif
