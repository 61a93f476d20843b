/* JSON of a text that may be in any encoding. */
#ifndef HELOCI_TOOL_TEXT_JSON_H
#define HELOCI_TOOL_TEXT_JSON_H

#include <jansson.h>

/* Arguments, names of files and the environment are bytes, JSON is UTF-8: where a text is not, all
 * its bytes beyond ASCII become '?'. NULL without memory. */
json_t *text_json(const char *text);

#endif
