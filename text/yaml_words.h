// What libyaml's problems are called here.
#ifndef TEXT_YAML_WORDS_H
#define TEXT_YAML_WORDS_H

#include <stdbool.h>
#include <yaml.h>

struct yaml_words {
    const char *problem; // libyaml's
    const char *message, *hint;
    bool at_context; // the place to show is where the value began, not where reading stopped
};

// Of any problem of the reader, scanner or parser.
const struct yaml_words *yaml_words_of(const char *problem);

#endif
