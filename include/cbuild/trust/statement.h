// in-toto statements: about which artifacts (subjects, by digest) what is said (the predicate, of a type).
// Source: github.com/in-toto/attestation spec/v1/statement.md, spec/v0.1.0/README.md.
#ifndef CB_TRUST_STATEMENT_H
#define CB_TRUST_STATEMENT_H

#include "cbuild/trust/dsse.h"

#define CB_STATEMENT_SUBJECTS_MAX 1024u

struct cb_subject {
    struct cb_str name;
    struct cb_str sha256, sha384, sha512; // lower-case hex as written; empty where there is none
};

struct cb_statement {
    struct cb_str type;
    struct cb_str predicate_type;
    struct cb_subject *subjects;
    size_t nsubjects;
    struct cb_str predicate; // the JSON text of the predicate, compact; empty where there is none
};

// The statement in a verified envelope. CB_E_INPUT for another payload type, another statement type than v0.1 and v1,
// no subject or predicate type; CB_E_LIMIT above CB_STATEMENT_SUBJECTS_MAX. Everything lives in *a.
int cb_statement_parse(struct cb_arena *a, const struct cb_envelope *e, struct cb_statement *out, struct cb_error *err);

// Whether a subject has that SHA-256 (64 lower-case digits). CB_E_TRUST where none does; the message names one.
int cb_statement_has_subject(const struct cb_statement *s, struct cb_str sha256, struct cb_error *err);

// The predicate type that a --type of cosign's stands for: its short names ("spdxjson", "slsaprovenance", ...), or the
// type itself where it is a URI. CB_E_USAGE for anything else.
int cb_predicate_type(struct cb_str name, struct cb_str *out, struct cb_error *err);

#endif
