/* Reads the text of nvdisasm -c. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/kernels/sass_private.h"

const char *const sass_class_names[SASS_CLASSES] = {
    "multiply", "wide",        "add_min",      "add",     "logic",  "move",  "load",
    "store",    "load_shared", "store_shared", "barrier", "branch", "float", "other"};

int sass_is(const sass_instruction *i, const char *word)
{
    const size_t length = strlen(word);
    return strncmp(i->op, word, length) == 0 && (i->op[length] == 0 || i->op[length] == '.');
}

int sass_has(const sass_instruction *i, const char *suffix)
{
    const size_t length = strlen(suffix);
    for (const char *p = i->op; (p = strstr(p, suffix)) != NULL; p++)
        if (p[length] == 0 || p[length] == '.')
            return 1;
    return 0;
}

static int is_any(const sass_instruction *i, const char *const *words)
{
    for (; *words; words++)
        if (sass_is(i, *words))
            return 1;
    return 0;
}

static sass_class classify(const sass_instruction *i)
{
    static const struct {
        sass_class class;
        const char *words[16];
    } table[] = {
        {SASS_ADD_MIN, {"VIADDMNMX", "VIMNMX", "VIMNMX3", "IMNMX", "UIMNMX"}},
        {SASS_ADD, {"IADD3", "UIADD3", "VIADD", "LEA", "ULEA", "IADD"}},
        {SASS_LOGIC,
         {"LOP3", "ULOP3", "SHF", "USHF", "SEL", "USEL", "PRMT", "UPRMT", "ISETP", "UISETP",
          "PLOP3", "BREV", "SGXT", "POPC", "UFLO"}},
        {SASS_MOVE,
         {"MOV", "UMOV", "S2R", "S2UR", "CS2R", "ULDC", "LDC", "R2UR", "P2R", "R2P", "HFMA2"}},
        {SASS_LOAD, {"LDG", "LD", "LDL"}},
        {SASS_STORE, {"STG", "ST", "STL", "REDG", "RED", "ATOMG"}},
        {SASS_LOAD_SHARED, {"LDS", "LDSM"}},
        {SASS_STORE_SHARED, {"STS", "ATOMS"}},
        {SASS_BARRIER, {"BAR", "UCGABAR_ARV", "UCGABAR_WAIT", "WARPSYNC", "MEMBAR", "DEPBAR"}},
        {SASS_BRANCH, {"BRA", "EXIT", "BSSY", "BSYNC", "BRX", "CALL", "RET", "BREAK"}},
        {SASS_FLOAT,
         {"DADD", "DMUL", "DFMA", "DSETP", "FADD", "FMUL", "FFMA", "FSETP", "FSEL", "MUFU", "I2F",
          "F2I", "F2F", "FRND", "DMNMX"}},
    };
    if (sass_is(i, "IMAD") || sass_is(i, "UIMAD")) {
        if (sass_has(i, ".MOV") || sass_has(i, ".U32"))
            return sass_has(i, ".HI")     ? SASS_MULTIPLY
                   : sass_has(i, ".WIDE") ? SASS_WIDE
                                          : SASS_MOVE;
        if (sass_has(i, ".IADD") || sass_has(i, ".X"))
            return SASS_ADD;
        if (sass_has(i, ".SHL"))
            return SASS_LOGIC;
        return sass_has(i, ".WIDE") ? SASS_WIDE : SASS_MULTIPLY;
    }
    for (size_t k = 0; k < sizeof table / sizeof *table; k++)
        if (is_any(i, table[k].words))
            return table[k].class;
    return SASS_OTHER;
}

static sass_special special(const char *text)
{
    static const char *const names[] = {"SR_TID.X", "SR_CTAID.X", "SR_CTAID.Y", "SR_CTAID.Z",
                                        "SR_CgaCtaId"};
    for (uint32_t k = 0; k < sizeof names / sizeof *names; k++)
        if (strncmp(text, names[k], strlen(names[k])) == 0)
            return (sass_special)k;
    return SASS_UNKNOWN_SPECIAL;
}

/* R12, RZ, UR4, URZ, P0, PT, UP1, UPT; 0 when it is none of them */
static int name_of_register(const char *t, sass_operand *o)
{
    const int uniform = *t == 'U';
    t += uniform;
    if (*t != 'R' && *t != 'P')
        return 0;
    const int predicate = *t++ == 'P';
    const int zero = *t == (predicate ? 'T' : 'Z');
    if (!zero && !isdigit((unsigned char)*t))
        return 0;
    const uint32_t number = zero ? 0 : (uint32_t)strtoul(t, NULL, 10);
    o->kind = predicate ? SASS_PREDICATE : uniform ? SASS_UNIFORM : SASS_REGISTER;
    if (predicate)
        o->index = (uint16_t)((uniform ? 8 : 0) + (zero ? 7 : number));
    else
        o->index = (uint16_t)(zero ? (uniform ? 63 : 255) : number);
    return 1;
}

static void memory_operand(const char *t, sass_operand *o)
{
    sass_operand part;
    o->kind = SASS_MEMORY;
    o->index = 255;
    o->uniform = 63;
    o->value = 0;
    while (*t && *t != ']') {
        const int negative = *t == '-';
        t += negative || *t == '+' || *t == '[';
        memset(&part, 0, sizeof part);
        if (name_of_register(t, &part)) {
            if (part.kind == SASS_UNIFORM)
                o->uniform = part.index;
            else
                o->index = part.index;
        } else {
            const uint32_t value = (uint32_t)strtoul(t, NULL, 0);
            o->value += negative ? 0u - value : value;
        }
        t += strcspn(t, "+-]");
    }
}

static sass_operand operand(const char *t)
{
    sass_operand o = {SASS_NONE, 0, 63, 0, 0, 0};
    for (; *t == '-' || *t == '~' || *t == '!' || *t == '|'; t++) {
        o.negative |= *t == '-';
        o.inverted |= *t == '~' || *t == '!';
    }
    if (strncmp(t, "desc[", 5) == 0) {
        memory_operand(strchr(t + 5, '[') ? strchr(t + 5, '[') : t, &o);
    } else if (strncmp(t, "c[0x0][", 7) == 0) {
        memory_operand(t + 6, &o);
        o.kind = SASS_CONSTANT;
    } else if (*t == '[') {
        memory_operand(t, &o);
    } else if (strncmp(t, "SR_", 3) == 0) {
        o.kind = SASS_SPECIAL;
        o.value = special(t);
    } else if (isdigit((unsigned char)*t)) {
        o.kind = SASS_IMMEDIATE;
        o.value = (uint32_t)strtoul(t, NULL, 0);
        if (strncmp(t, "0x", 2) != 0 && strpbrk(t, ".e")) {
            const float x = strtof(t, NULL);
            memcpy(&o.value, &x, sizeof o.value);
        }
    } else {
        (void)name_of_register(t, &o);
    }
    return o;
}

/* "@!P0 IADD3 R1, R2, R3 ;" without its address; labels stay as text until the kernel's end. */
static void parse(char *text, sass_instruction *i, char *label, size_t room)
{
    memset(i, 0, sizeof *i);
    i->guard = 7;
    label[0] = 0;
    text[strcspn(text, ";")] = 0;
    text += strspn(text, " \t{");
    if (*text == '@') {
        const size_t length = strcspn(text, " \t");
        sass_operand o = operand((text[length] = 0, text + 1));
        i->guard = (uint8_t)o.index;
        i->guard_not = o.inverted;
        text += length + 1;
        text += strspn(text, " \t");
    }
    const size_t length = strcspn(text, " \t");
    snprintf(i->op, sizeof i->op, "%.*s", (int)length, text);
    text += length;
    while (*text && i->count < SASS_OPERANDS) {
        text += strspn(text, " \t,");
        char *end = text + strcspn(text, ",");
        const char last = *end;
        *end = 0;
        if (*text == '`') {
            const char *name = strchr(text, '(');
            snprintf(label, room, "%.*s", name ? (int)strcspn(name + 1, ")") : 0,
                     name ? name + 1 : "");
            i->o[i->count++].kind = SASS_LABEL;
        } else if (*text) {
            i->o[i->count++] = operand(text);
        }
        text = last ? end + 1 : end;
    }
    i->class = classify(i);
    i->action = sass_action(i);
}

/* ---- files ---- */

static void *grown(void *p, size_t count, size_t size)
{
    void *q = realloc(p, count * size);
    if (!q)
        abort();
    return q;
}

static sass_kernel *new_kernel(sass_code *code, const char *name)
{
    code->kernel = grown(code->kernel, code->count + 1, sizeof *code->kernel);
    sass_kernel *k = &code->kernel[code->count++];
    memset(k, 0, sizeof *k);
    snprintf(k->name, sizeof k->name, "%s", name);
    return k;
}

static void add_label(sass_kernel *k, const char *text, uint32_t at)
{
    k->labels = grown(k->labels, k->label_count + 1, sizeof *k->labels);
    snprintf(k->labels[k->label_count].text, sizeof k->labels->text, "%s", text);
    k->labels[k->label_count++].at = at;
}

/* `wanted` holds the name that each instruction's label operand has; SASS_NONE if unknown. */
static void resolve(sass_kernel *k, char (*wanted)[48])
{
    for (size_t i = 0; i < k->count; i++)
        for (uint32_t j = 0; j < k->code[i].count; j++) {
            sass_operand *o = &k->code[i].o[j];
            if (o->kind != SASS_LABEL)
                continue;
            o->kind = SASS_NONE;
            for (size_t l = 0; l < k->label_count; l++)
                if (strcmp(k->labels[l].text, wanted[i]) == 0) {
                    o->kind = SASS_LABEL;
                    o->value = k->labels[l].at;
                }
        }
}

int sass_read(sass_code **out, const char *path)
{
    FILE *f = fopen(path, "r");
    char line[512];
    char(*wanted)[48] = NULL;
    sass_kernel *k = NULL;
    if (!f) {
        perror(path);
        return -1;
    }
    if (!*out)
        *out = grown(NULL, 1, sizeof **out), memset(*out, 0, sizeof **out);
    while (fgets(line, sizeof line, f)) {
        char *text = line + strspn(line, " \t");
        text[strcspn(text, "\n")] = 0;
        const size_t length = strlen(text);
        if (strncmp(text, ".text.", 6) == 0 && text[length - 1] == ':') {
            text[length - 1] = 0;
            if (k)
                resolve(k, wanted);
            k = new_kernel(*out, text + 6);
        } else if (k && text[0] == '.' && text[length - 1] == ':') {
            text[length - 1] = 0;
            add_label(k, text, (uint32_t)k->count);
        } else if (k && strncmp(text, "/*", 2) == 0 && strstr(text, "*/")) {
            if (k->count == k->room) {
                k->room = k->room ? 2 * k->room : 1024;
                k->code = grown(k->code, k->room, sizeof *k->code);
            }
            wanted = grown(wanted, k->room, sizeof *wanted);
            parse(strstr(text, "*/") + 2, &k->code[k->count], wanted[k->count], sizeof *wanted);
            k->count++;
        } else if (strncmp(text, ".section", 8) == 0 && k) {
            resolve(k, wanted);
            k = NULL;
        }
    }
    if (k)
        resolve(k, wanted);
    free(wanted);
    fclose(f);
    return 0;
}

void sass_free(sass_code *code)
{
    if (!code)
        return;
    for (size_t i = 0; i < code->count; i++) {
        free(code->kernel[i].code);
        free(code->kernel[i].labels);
    }
    free(code->kernel);
    free(code);
}

const sass_kernel *sass_at(const sass_code *code, size_t index)
{
    return code && index < code->count ? &code->kernel[index] : NULL;
}

const sass_kernel *sass_find(const sass_code *code, const char *name)
{
    const sass_kernel *k;
    for (size_t i = 0; (k = sass_at(code, i)) != NULL; i++)
        if (strcmp(k->name, name) == 0)
            return k;
    return NULL;
}

const char *sass_name(const sass_kernel *kernel)
{
    return kernel->name;
}

sass_count sass_static(const sass_kernel *kernel)
{
    sass_count c = {{0}, 0, 0, 0, 0, 0};
    for (size_t i = 0; i < kernel->count; i++) {
        const sass_instruction *in = &kernel->code[i];
        if (sass_is(in, "NOP") || (sass_is(in, "BRA") && in->o[0].kind == SASS_LABEL &&
                                   in->o[0].value == i)) /* behind the end */
            continue;
        c.n[in->class]++;
        c.total++;
    }
    return c;
}
