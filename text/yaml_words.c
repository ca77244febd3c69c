#include <stdbool.h>
#include <string.h>

#include "yaml_words.h"

static const char quotes_or_indent[] =
    "a value with \": \" in it must stand in quotes; if it is a key, its indentation "
    "is off";
static const char spaces[] = "indent with spaces, not with tabs";

static const struct yaml_words words[] = {
    // the reader
    {"invalid leading UTF-8 octet", "the text is not UTF-8", NULL, false},
    {"invalid trailing UTF-8 octet", "the text is not UTF-8", NULL, false},
    {"incomplete UTF-8 octet sequence", "the text is not UTF-8", NULL, false},
    {"invalid length of a UTF-8 sequence", "the text is not UTF-8", NULL, false},
    {"invalid Unicode character", "the text has a code that is no character", NULL, false},
    {"control characters are not allowed", "a control character cannot stand here", "write it as \"\\xNN\" in quotes",
     false},
    // the scanner
    {"found unexpected end of stream", "this quote is not closed", NULL, true},
    {"found unexpected document indicator", "this quote is not closed", NULL, true},
    {"mapping values are not allowed in this context", "a \": \" cannot stand here", quotes_or_indent, false},
    {"block sequence entries are not allowed in this context", "a list cannot begin here",
     "its first \"- \" stands on a line of its own", false},
    {"mapping keys are not allowed in this context", "a \"? \" cannot stand here", NULL, false},
    {"could not find expected ':'", "a key without a \":\"", "the value is missing, or the indentation is off", true},
    {"did not find expected alphabetic or numeric character", "a \"&\" or \"*\" without the name of an anchor",
     "a value that begins with \"&\" or \"*\" must stand in quotes", true},
    {"found unknown escape character", "this escape sequence is not known",
     "within double quotes, a backslash that is meant is written twice", false},
    {"did not find expected hexdecimal number", "this escape sequence lacks hexadecimal digits", NULL, false},
    {"found invalid Unicode character escape code", "this escape sequence is no character", NULL, false},
    {"found a tab character where an indentation space is expected", "a tab within the indentation", spaces, false},
    {"found a tab character that violates indentation", "a tab within the indentation", spaces, false},
    {"found a tab character that violate indentation", "a tab within the indentation", spaces, false},
    {"did not find expected comment or line break", "only a comment or the end of the line can follow here", NULL,
     false},
    {"found an indentation indicator equal to 0", "an indentation of 0 cannot be asked for", NULL, false},
    // the parser
    {"did not find expected ',' or ']'", "this \"[\" is not closed, or a \",\" is missing after one of its values",
     NULL, true},
    {"did not find expected ',' or '}'", "this \"{\" is not closed, or a \",\" is missing after one of its values",
     NULL, true},
    {"did not find expected '-' indicator", "the next \"- \" of a list was expected here", "the indentation is off",
     false},
    {"did not find expected key", "the next key was expected here", "the indentation is off, or quotes are missing",
     false},
    {"did not find expected node content", "a value is missing here", NULL, false},
    {"did not find expected <document start>", "the document ended before this",
     "a configuration is one document; text in several lines needs \"|\" or quotes", false},
};

const struct yaml_words *yaml_words_of(const char *problem)
{
    static const struct yaml_words other = {"", "this is not valid YAML", NULL, false};
    for (size_t i = 0; problem && i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].problem, problem) == 0)
            return &words[i];
    return &other;
}
