// What the reference lets through and we do not: texts that would forge records or leave their folder where they are
// written. Every rule lets through what such a text can mean.
#include "cbuild/base/buf.h"
#include "config_decode.h"

static bool has_parent_component(struct cb_str path)
{
    for (struct cb_str part; cb_str_cut(&path, '/', &part);)
        if (cb_str_is(part, ".."))
            return true;
    return false;
}

// Whether a relative path goes up further than it went down.
static bool climbs_out(struct cb_str path)
{
    size_t depth = 0;
    bool absolute = path.n && path.p[0] == '/';
    for (struct cb_str part; cb_str_cut(&path, '/', &part);) {
        if (cb_str_is(part, "..")) {
            if (depth == 0)
                return !absolute;
            depth--;
        } else if (part.n && !cb_str_is(part, ".")) {
            depth++;
        }
    }
    return false;
}

const char *cb_text_rule_broken(enum cb_text_rule rule, struct cb_str text)
{
    if (text.n && memchr(text.p, '\0', text.n))
        return "must not hold a NUL byte";
    bool lines = rule == CB_ONE_LINE || rule == CB_ACCOUNT_TEXT || rule == CB_FOLDER_NAME || rule == CB_ARCH_TEXT;
    if (lines && cb_str_find_any(text, "\n\r") >= 0)
        return "must not hold a line break: it becomes one line of a file in the image";
    if (rule == CB_ACCOUNT_TEXT && cb_str_find(text, ':') >= 0)
        return "must not hold a \":\", which separates the fields of /etc/passwd and /etc/group";
    if ((rule == CB_INNER_PATH || rule == CB_FOLDER_NAME) && has_parent_component(text))
        return "must not hold \"..\" as a component: write the path itself";
    if (rule == CB_ARCH_TEXT && (cb_str_starts(text, "/") || has_parent_component(text)))
        return "must not lead out of the folder that is named after it";
    if (rule == CB_INCLUDE_PATH && climbs_out(text))
        return "must not lead out of the folder in which it is looked for: use --include-paths or an absolute path";
    return NULL;
}
