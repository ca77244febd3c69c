// What was found and what became of it: as a table for people, as JSON for programs.
#include <time.h>

#include "cbuild/text/gojson.h"
#include "cbuild/trust/attestation.h"

enum { COLUMNS = 6 };

static const char *const titles[COLUMNS] = {"FOUND AT", "PREDICATE TYPE", "SIGNER",
                                            "ISSUER",   "SIGNED",         "REFUSED BECAUSE"};

static struct cb_str format_time(int64_t t, char out[24])
{
    struct tm tm;
    time_t seconds = (time_t)t;
    if (!t || !gmtime_r(&seconds, &tm) || !strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm))
        return (struct cb_str){0};
    return cb_str(out);
}

static void cells_of(const struct cb_attestation *at, char time[24], struct cb_str cells[COLUMNS])
{
    cells[0] = at->place;
    cells[1] = at->form == CB_FORM_PAYLOAD ? CB_STR("(signature)") : at->predicate_type;
    cells[2] = at->signer;
    cells[3] = at->issuer;
    cells[4] = format_time(at->time, time);
    cells[5] = at->refusal;
}

static void add_row(struct cb_buf *out, const struct cb_str cells[COLUMNS], const size_t widths[COLUMNS])
{
    for (int c = 0; c < COLUMNS; c++) {
        struct cb_str text = cells[c].n ? cells[c] : CB_STR("-");
        cb_buf_addstr(out, text);
        for (size_t n = text.n; c + 1 < COLUMNS && n < widths[c] + 2; n++)
            cb_buf_addc(out, ' ');
    }
    cb_buf_addc(out, '\n');
}

void cb_attestations_explain(const struct cb_attestations *all, struct cb_buf *out)
{
    struct cb_str cells[COLUMNS];
    size_t widths[COLUMNS];
    char time[24];
    for (int c = 0; c < COLUMNS; c++)
        widths[c] = strlen(titles[c]);
    for (size_t i = 0; i < all->n; i++) {
        cells_of(&all->v[i], time, cells);
        for (int c = 0; c < COLUMNS; c++)
            widths[c] = cells[c].n > widths[c] ? cells[c].n : widths[c];
    }
    for (int c = 0; c < COLUMNS; c++)
        cells[c] = cb_str(titles[c]);
    add_row(out, cells, widths);
    for (size_t i = 0; i < all->n; i++) {
        cells_of(&all->v[i], time, cells);
        if (all->v[i].refusal.n)
            add_row(out, cells, widths);
    }
}

static void report_one(struct cb_json *j, const struct cb_attestation *at)
{
    static const char *const forms[] = {"bundle", "envelope", "payload"};
    char time[24];
    cb_json_object(j);
    cb_json_field(j, "place", at->place);
    cb_json_field(j, "form", cb_str(forms[at->form]));
    cb_json_field(j, "predicateType", at->predicate_type);
    cb_json_field(j, "signer", at->signer);
    cb_json_field(j, "issuer", at->issuer);
    cb_json_field(j, "signed", format_time(at->time, time));
    cb_json_key(j, "accepted");
    cb_json_bool(j, !at->refusal.n);
    cb_json_field(j, "refusal", at->refusal);
    cb_json_end(j);
}

void cb_attestations_report(const struct cb_attestations *all, struct cb_buf *out)
{
    struct cb_json j = cb_json(out, "", "  ");
    cb_json_object(&j);
    cb_json_field(&j, "image", cb_digest_str(&all->image));
    cb_json_key(&j, "found");
    cb_json_array(&j);
    for (size_t i = 0; i < all->n; i++)
        report_one(&j, &all->v[i]);
    cb_json_end(&j);
    cb_json_end(&j);
    cb_buf_addc(out, '\n');
}
