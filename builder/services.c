// A supervision tree for s6-svscan: one folder a service, in it a script for execlineb.
#include "cbuild/base/file.h"
#include "steps.h"

// A name may lead deeper, as the reference lets it, but not out of sv.
static int check_name(struct cb_str name, struct cb_error *err)
{
    bool climbs = false;
    struct cb_str rest = name;
    for (struct cb_str part; cb_str_cut(&rest, '/', &part);)
        climbs = climbs || cb_str_is(part, "..");
    if (climbs || cb_str_find(name, '\0') >= 0)
        return cb_fail(err, CB_E_CONFIG,
                       "entrypoint.services: \"%.*s\" cannot be the name of a service: it would "
                       "reach outside its folder",
                       CB_STR_ARG(name));
    return 0;
}

static int write_service(struct cb_tree *t, struct cb_str name, struct cb_str command, struct cb_error *err)
{
    CB_BUF_AUTO path = {0}, run = {0}, script = {0};
    cb_buf_adds(&path, "sv/");
    cb_buf_addstr(&path, name);
    CB_AUTOFREE char *dir = cb_path_clean(cb_buf_str(&path)); // "" and "." are sv itself, as in the reference
    cb_buf_adds(&run, dir);
    cb_buf_adds(&run, "/run");
    cb_buf_adds(&script, "#!/bin/execlineb\n");
    cb_buf_addstr(&script, command);
    cb_buf_addc(&script, '\n');
    if (cb_tree_mkdir_all(t, cb_str(dir), 0777, err))
        return -1;
    return cb_tree_write_file(t, cb_buf_str(&run), cb_buf_str(&script), 0755, err);
}

int cb_services_write(struct cb_tree *t, const struct cb_image_config *c, struct cb_error *err)
{
    for (size_t i = 0; i < c->entrypoint.services.n; i++) {
        const struct cb_pair *s = &c->entrypoint.services.v[i];
        if (check_name(s->key, err))
            return -1;
        if (write_service(t, s->key, s->value, err))
            return cb_context(err, "service %.*s", CB_STR_ARG(s->key));
    }
    return 0;
}
