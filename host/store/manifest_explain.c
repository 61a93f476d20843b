/* A manifest for people: what it knows by name in order, then whatever else it says. */
#include <stdio.h>
#include <string.h>

#include "host/base/json_text.h"
#include "host/store/manifest_explain.h"
#include "host/store/manifest_private.h"

#define LINE_BYTES 360
#define LONG_TEXT  40 /* from here on a text has a line of its own */

static void value_text(char *out, size_t room, const json_t *value)
{
    if (json_is_string(value))
        hel_printable(out, room, json_string_value(value));
    else if (json_is_integer(value))
        snprintf(out, room, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(out, room, "%.15g", json_real_value(value));
    else
        snprintf(out, room, "%s",
                 json_is_true(value)    ? "yes"
                 : json_is_false(value) ? "no"
                 : json_is_null(value)  ? "null"
                                        : "...");
}

static int is_long(const json_t *value)
{
    return json_is_string(value) && json_string_length(value) >= LONG_TEXT;
}

/* "name value" behind what is in the line; cut where the line ends. */
static void add(char line[LINE_BYTES], const char *name, const char *value)
{
    const size_t used = strlen(line);
    if (snprintf(line + used, LINE_BYTES - used, "%s%s %s", used ? ", " : "", name, value) < 0)
        line[used] = 0;
}

/* One line of an object's short members; long texts and objects follow on lines of their own. */
static hel_status explain_object(const hel_explainer *to, const char *label, const json_t *object)
{
    char line[LINE_BYTES] = "", value[LINE_BYTES], name[64];
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)object, key, member)
    {
        if (json_is_object(member) || json_is_array(member) || is_long(member))
            continue;
        hel_printable(name, sizeof name, key);
        value_text(value, sizeof value, member);
        add(line, name, value);
    }
    int empty = !line[0];
    if (!empty)
        HEL_TRY(hel_explain(to, label, "%s", line));
    json_object_foreach((json_t *)(uintptr_t)object, key, member)
    {
        hel_printable(name, sizeof name, key);
        value_text(value, sizeof value, member);
        if (is_long(member))
            HEL_TRY(hel_explain(to, empty ? label : "", "%s%s %s", empty ? "" : "  ", name, value));
        else if (json_is_object(member)) /* the parser has bounded the depth */
            HEL_TRY(explain_object(to, name, member));
        empty &= !is_long(member);
    }
    return HEL_OK;
}

static hel_status explain_member(const hel_explainer *to, const char *key, const json_t *value)
{
    char text[LINE_BYTES], label[64];
    hel_printable(label, sizeof label, key);
    if (json_is_object(value))
        return explain_object(to, label, value);
    if (!json_is_array(value)) {
        value_text(text, sizeof text, value);
        return hel_explain(to, label, "%s", text);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *element = json_array_get(value, i);
        value_text(text, sizeof text, element);
        HEL_TRY(json_is_object(element) ? explain_object(to, label, element)
                                        : hel_explain(to, label, "%s", text));
    }
    return HEL_OK;
}

hel_status hel_manifest_explain_file(const hel_explainer *to, const hel_manifest_file *file)
{
    const json_t *signer = json_object_get(file->root, "signer");
    char key[HEL_ED25519_TEXT_BYTES], origin[64], kind[64];
    const char *name;
    json_t *value;
    hel_base64(key, file->public_key, sizeof file->public_key);
    hel_printable(origin, sizeof origin, json_string_value(json_object_get(signer, "key")));
    hel_printable(kind, sizeof kind, json_string_value(json_object_get(file->root, "kind")));
    HEL_TRY(hel_explain(to, "file", "%s", file->path));
    HEL_TRY(hel_explain(to, "kind", "manifest of %s", kind));
    HEL_TRY(hel_explain(to, "signature", "holds: key %s (%s)", file->key_id, origin));
    HEL_TRY(hel_explain(to, "public key", "%s", key));
    json_object_foreach(file->root, name, value) if (strcmp(name, "schema") != 0 &&
                                                     strcmp(name, "kind") != 0 &&
                                                     strcmp(name, "signer") != 0)
        HEL_TRY(explain_member(to, name, value));
    return HEL_OK;
}

hel_status hel_manifest_explain(const hel_explainer *to, const char *path)
{
    hel_manifest_file file;
    HEL_TRY(hel_manifest_load(to->engine, &file, path));
    hel_status status = hel_manifest_explain_file(to, &file);
    hel_manifest_drop(&file);
    return status;
}
