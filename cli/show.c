// show-config and show-packages: what a build would start from.
#include <stdio.h>
#include <stdlib.h>

#include "build_flags.h"
#include "cbuild/base/log.h"
#include "cbuild/builder/arch.h"
#include "cbuild/builder/plan.h"
#include "cbuild/text/template.h"
#include "output.h"

// --- show-config

static int show_config(const struct cb_invocation *in, struct cb_error *err)
{
    CB_SESSION_AUTO s = {0};
    CB_CONFIG_AUTO *c = NULL;
    CB_BUF_AUTO yaml = {0};
    if (cb_check_argument_count(in, 1, err) || cb_session_open(&s, in, in->args.v[0], err))
        return -1;
    if (cb_plan_begin(&s.options, cb_arch_host(), &c, err) || cb_config_write_yaml(c, &yaml, err))
        return -1;
    fwrite(yaml.p, 1, yaml.n, stdout);
    return 0;
}

const struct cb_command cb_command_show_config = {
    .name = "show-config",
    .usage = "CONFIG [flags]",
    .summary = "Show the configuration derived from loading a YAML file",
    .text =
        "Show the configuration derived from loading a YAML file.\n\nThe derived configuration is rendered in YAML.",
    .example = "  cbuild show-config <config.yaml>",
    .flags = cb_show_config_flag_table,
    .run = show_config,
};

// --- show-packages

static const struct {
    const char *name, *template;
} formats[] = {
    {"name-version", "{{ .Name }} {{ .Version }}"},
    {"name-version-source", "{{ .Name }} {{ .Version }} {{ .Source }}"},
    {"name=version", "{{ .Name }}={{ .Version }}"},
    {"name=version-source", "{{ .Name }}={{ .Version }} {{ .Source }}"},
    {"name-(version)", "{{ .Name }} ({{ .Version }})"},
    {"name-(version)-source", "{{ .Name }} ({{ .Version }}) {{ .Source }}"},
    {"packagelock", "- {{ .Name }}={{ .Version }}"},
    {"packagelock-source", "- {{ .Name }}={{ .Version }} # {{ .Source }}"},
};

static const char *template_of(const char *format)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(format, formats[i].name))
            return formats[i].template;
    return format;
}

static int print_package(const struct cb_template *t, const struct cb_repo_package *p, struct cb_error *err)
{
    struct cb_sink out = cb_stdout_sink();
    const struct cb_go_field fields[] = {{"Name", p->pkg->name}, {"Version", p->pkg->version}, {"Source", p->url}};
    const struct cb_go_struct dot = {"cli.pkgInfo", fields, 3};
    if (cb_template_execute(t, &dot, &out, err))
        return cb_context(err, "--format");
    return cb_write(&out, "\n", 1, err);
}

static int print_plan(const struct cb_plan *p, const struct cb_template *t, struct cb_error *err)
{
    for (size_t i = 0; i < p->narchs; i++) {
        const struct cb_resolution *r = cb_plan_resolution(p, i);
        if (p->narchs != 1)
            cb_log(CB_INFO, "packages for %.*s", CB_STR_ARG(cb_plan_arch(p, i)));
        for (size_t j = 0; j < r->packages.n; j++)
            if (print_package(t, &r->packages.v[j], err))
                return -1;
    }
    return 0;
}

static int show_packages(const struct cb_invocation *in, struct cb_error *err)
{
    CB_SESSION_AUTO s = {0};
    CB_PLAN_AUTO p = {0};
    if (cb_check_argument_count(in, 1, err) || cb_session_open(&s, in, in->args.v[0], err))
        return -1;
    s.options.vcs = false;
    if (cb_plan_load(&p, &s.options, err))
        return -1;
    CB_TEMPLATE_AUTO *t = cb_template_parse(cb_str(template_of(cb_build_flags.format_string)), err);
    if (!t)
        return cb_context(err, "--format");
    CB_CONFIG_AUTO *c = cb_plan_checked_config(&p, err);
    if (!c || cb_plan_prepare(&p, c, err) || cb_plan_resolve(&p, c, err))
        return -1;
    return print_plan(&p, t, err);
}

const struct cb_command cb_command_show_packages = {
    .name = "show-packages",
    .usage = "CONFIG [flags]",
    .summary = "Show the packages and versions that would be installed by a configuration",
    .text = "Show the packages and versions that would be installed by a configuration, one a line, for each "
            "architecture.\nNothing is installed, and no package is fetched.\n\n"
            "A format is a Go template with the fields .Name, .Version and .Source, or one of these names:\n"
            "  name-version:          {{ .Name }} {{ .Version }}\n"
            "  name-version-source:   {{ .Name }} {{ .Version }} {{ .Source }}\n"
            "  name=version:          {{ .Name }}={{ .Version }}\n"
            "  name=version-source:   {{ .Name }}={{ .Version }} {{ .Source }}\n"
            "  name-(version):        {{ .Name }} ({{ .Version }})\n"
            "  name-(version)-source: {{ .Name }} ({{ .Version }}) {{ .Source }}\n"
            "  packagelock:           - {{ .Name }}={{ .Version }}\n"
            "  packagelock-source:    - {{ .Name }}={{ .Version }} # {{ .Source }}\n\n"
            "packagelock and packagelock-source are lists as a configuration has them.",
    .example = "  cbuild show-packages <config.yaml>",
    .flags = cb_show_packages_flag_table,
    .run = show_packages,
};
