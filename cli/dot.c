#include <stdio.h>
#include <stdlib.h>

#include "build_flags.h"
#include "cbuild/base/log.h"
#include "cbuild/builder/dependency_graph.h"
#include "cbuild/builder/plan.h"
#include "dot_web.h"

#define F cb_build_flags

static int show(const struct cb_session *s, const struct cb_plan *p, struct cb_error *err)
{
    const struct cb_drawing drawing = {
        .config_path = s->options.config_path,
        .asked = &p->config->contents.packages,
        .packages = cb_plan_resolution(p, 0),
        .spanning_tree = F.spanning_tree,
        .links = F.web,
        .explorer = F.explorer,
    };
    CB_BUF_AUTO graph = {0};
    if (F.web)
        return cb_dot_serve(&drawing, err);
    if (cb_dependency_graph_draw(&drawing, &graph, err))
        return -1;
    printf("%s\n", graph.p);
    return 0;
}

static int run(const struct cb_invocation *in, struct cb_error *err)
{
    CB_SESSION_AUTO s = {0};
    CB_PLAN_AUTO p = {0};
    if (cb_check_argument_count(in, 1, err) || cb_session_open(&s, in, in->args.v[0], err))
        return -1;
    s.options.vcs = false;
    if (cb_plan_load(&p, &s.options, err))
        return -1;
    if (p.narchs > 1)
        cb_log(CB_INFO, "of %zu architectures, %.*s is drawn", p.narchs, CB_STR_ARG(cb_plan_arch(&p, 0)));
    cb_plan_keep_first(&p);
    CB_CONFIG_AUTO *c = cb_plan_checked_config(&p, err);
    if (!c || cb_plan_prepare(&p, c, err) || cb_plan_resolve(&p, c, err))
        return -1;
    return show(&s, &p, err);
}

const struct cb_command cb_command_dot = {
    .name = "dot",
    .usage = "CONFIG [flags]",
    .summary = "Output a digraph showing the resolved dependencies of a configuration",
    .text = "Output a digraph showing the resolved dependencies of a configuration, for its first architecture.\n\n"
            "# Render an svg of example.yaml\ncbuild dot example.yaml | dot -Tsvg > graph.svg\n\n"
            "# Open browser to explore example.yaml\ncbuild dot --web example.yaml\n\n"
            "# Open browser to explore example.yaml, rendering an (almost) minimum spanning tree\n"
            "cbuild dot --web -S example.yaml",
    .example = "  cbuild dot <config.yaml>",
    .flags = cb_dot_flag_table,
    .run = run,
};
