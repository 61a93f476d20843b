/*
 * Reader of association tables: plink2 .glm.*, heloci's own, REGENIE step 2, GWAS-SSF.
 *
 * Leading "##" lines are skipped; the header names the columns. Only position and p-value of a line
 * are kept (the file stays mapped and a lead variant's cells are split again when needed). Where a
 * table has several lines per variant (plink2 without hide-covar), those with the TEST of the first
 * line count. P is read as mantissa and exponent, so 1e-8000 keeps its size.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/assoc/report_private.h"
#include "host/base/mem.h"

#define ABSENT UINT32_MAX

static const struct {
    const char *name;
    hel_glm_column column;
} aliases[] = {
    {"#CHROM", HEL_GLM_CHROM},
    {"CHROM", HEL_GLM_CHROM},
    {"CHR", HEL_GLM_CHROM},
    {"chromosome", HEL_GLM_CHROM},
    {"POS", HEL_GLM_POS},
    {"GENPOS", HEL_GLM_POS},
    {"BP", HEL_GLM_POS},
    {"base_pair_location", HEL_GLM_POS},
    {"ID", HEL_GLM_ID},
    {"SNP", HEL_GLM_ID},
    {"variant_id", HEL_GLM_ID},
    {"LOG10P", HEL_GLM_LOG10P},
    {"LOG10_P", HEL_GLM_LOG10P},
    {"NEG_LOG10_P", HEL_GLM_LOG10P},
    {"neg_log_10_p_value", HEL_GLM_LOG10P},
    {"P", HEL_GLM_P},
    {"p_value", HEL_GLM_P},
    {"TEST", HEL_GLM_TEST},
    {"A1", HEL_GLM_A1},
    {"ALLELE1", HEL_GLM_A1},
    {"effect_allele", HEL_GLM_A1},
    {"REF", HEL_GLM_REF},
    {"ALLELE0", HEL_GLM_REF},
    {"other_allele", HEL_GLM_REF},
    {"ALT", HEL_GLM_ALT},
    {"A1_FREQ", HEL_GLM_FREQ},
    {"A1FREQ", HEL_GLM_FREQ},
    {"effect_allele_frequency", HEL_GLM_FREQ},
    {"BETA", HEL_GLM_BETA},
    {"beta", HEL_GLM_BETA},
    {"OR", HEL_GLM_OR},
    {"odds_ratio", HEL_GLM_OR},
    {"SE", HEL_GLM_SE},
    {"LOG(OR)_SE", HEL_GLM_SE},
    {"standard_error", HEL_GLM_SE},
    {"OBS_CT", HEL_GLM_N},
    {"N", HEL_GLM_N},
    {"n", HEL_GLM_N},
};

typedef struct reader {
    hel_engine *engine;
    hel_glm_table *t;
    uint64_t line;     /* number, for messages */
    hel_glm_text test; /* of the first data line */
    uint32_t *slot;    /* open addressing over chromosome names: index + 1, 0 = free */
    uint32_t slots, chrom_room, last_chrom;
} reader;

static int same(hel_glm_text a, const char *b)
{
    return strlen(b) == a.bytes && memcmp(a.at, b, a.bytes) == 0;
}

static int same_text(hel_glm_text a, hel_glm_text b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.at, b.at, a.bytes) == 0);
}

static int is_missing(hel_glm_text cell)
{
    return same(cell, "NA") || same(cell, "#NA") || same(cell, ".") || same(cell, "nan") ||
           same(cell, "NaN") || same(cell, "-nan");
}

/* The line at `at`, without its end (\n or \r\n); *next is the start of the following one. */
static hel_glm_text line_at(const hel_glm_table *t, uint64_t at, uint64_t *next)
{
    const char *start = (const char *)t->data + at;
    const char *end = memchr(start, '\n', t->bytes - at);
    size_t bytes = end ? (size_t)(end - start) : (size_t)(t->bytes - at);
    *next = at + bytes + (end != NULL);
    if (bytes > 0 && start[bytes - 1] == '\r')
        bytes--;
    return (hel_glm_text){start, bytes};
}

/* Takes the next cell off the front of *rest; 0 when there is none. With tabs every tab ends a
 * cell; *rest.at becomes NULL behind the last one. */
static int next_cell(int tabs, hel_glm_text *rest, hel_glm_text *cell)
{
    if (!rest->at)
        return 0;
    const char *p = rest->at, *end = p + rest->bytes;
    if (tabs) {
        const char *stop = rest->bytes ? memchr(p, '\t', rest->bytes) : NULL;
        *cell = (hel_glm_text){p, (size_t)((stop ? stop : end) - p)};
        *rest = stop ? (hel_glm_text){stop + 1, (size_t)(end - stop - 1)} : (hel_glm_text){0};
        return 1;
    }
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    const char *stop = p;
    while (stop < end && *stop != ' ' && *stop != '\t')
        stop++;
    *cell = (hel_glm_text){p, (size_t)(stop - p)};
    *rest = (hel_glm_text){stop, (size_t)(end - stop)};
    return stop > p;
}

/*
 * A decimal number as mantissa x 10^exponent, mantissa of at most 18 digits (the rest only shifts).
 * 0 when the text is not one. Independent of the locale.
 */
static int parse_decimal(hel_glm_text cell, int *negative, uint64_t *mantissa, int64_t *exponent)
{
    const char *p = cell.at, *end = p + cell.bytes;
    int digits = 0, seen_point = 0;
    *mantissa = 0;
    *exponent = 0;
    *negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    for (; p < end && ((*p >= '0' && *p <= '9') || (*p == '.' && !seen_point)); p++) {
        if (*p == '.') {
            seen_point = 1;
            continue;
        }
        digits = 1;
        if (*mantissa < 100000000000000000u) {
            *mantissa = *mantissa * 10 + (uint64_t)(*p - '0');
            *exponent -= seen_point;
        } else {
            *exponent += !seen_point;
        }
    }
    if (!digits || p == end)
        return digits;
    if (*p != 'e' && *p != 'E')
        return 0;
    p++;
    int down = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    int64_t scale = 0;
    for (digits = 0; p < end && *p >= '0' && *p <= '9'; p++, digits = 1)
        if (scale < 100000000)
            scale = scale * 10 + (*p - '0');
    *exponent += down ? -scale : scale;
    return digits && p == end;
}

static hel_status bad_cell(reader *r, const char *what, hel_glm_text cell, const char *rule)
{
    char shown[4 * 24 + 1];
    hel_clean_text(shown, 24, cell.at, cell.bytes);
    return hel_fail(r->engine, HEL_E_INPUT, "%s: line %llu: %s '%s' is not %s", r->t->path,
                    (unsigned long long)r->line, what, shown, rule);
}

static hel_status parse_position(reader *r, hel_glm_text cell, int64_t *pos)
{
    static const char rule[] = "a whole number below 2^53";
    uint64_t mantissa;
    int64_t exponent;
    int negative;
    if (!parse_decimal(cell, &negative, &mantissa, &exponent))
        return bad_cell(r, "position", cell, rule);
    /* 1e6 and 1000000.0 are whole numbers too */
    for (; exponent > 0 && mantissa > 0 && mantissa < (uint64_t)1 << 53; exponent--)
        mantissa *= 10;
    for (; exponent < 0 && mantissa > 0 && mantissa % 10 == 0; exponent++)
        mantissa /= 10;
    if (mantissa > 0 && (exponent != 0 || mantissa >= (uint64_t)1 << 53))
        return bad_cell(r, "position", cell, rule);
    *pos = negative ? -(int64_t)mantissa : (int64_t)mantissa;
    return HEL_OK;
}

static hel_status parse_log10p(reader *r, hel_glm_text cell, double *out)
{
    static const char rule[] = "NA or a number from 0 to 1e300";
    uint64_t mantissa;
    int64_t exponent;
    int negative;
    if (same(cell, "inf") || same(cell, "Inf")) {
        *out = HEL_GLM_ZERO_P;
        r->t->zero_p++;
        return HEL_OK;
    }
    if (!parse_decimal(cell, &negative, &mantissa, &exponent) || exponent > 300)
        return bad_cell(r, "-log10 p", cell, rule);
    double value = exponent < -340 ? 0 : (double)((long double)mantissa * powl(10, exponent));
    if (!(value <= 1e300) || (negative && value > 1e-9))
        return bad_cell(r, "-log10 p", cell, rule);
    *out = negative ? 0 : value;
    return HEL_OK;
}

static hel_status parse_p(reader *r, hel_glm_text cell, double *out)
{
    uint64_t mantissa;
    int64_t exponent;
    int negative;
    if (!parse_decimal(cell, &negative, &mantissa, &exponent) || (negative && mantissa > 0))
        return bad_cell(r, "P", cell, "NA or a number from 0 to 1");
    if (mantissa == 0) {
        *out = HEL_GLM_ZERO_P;
        r->t->zero_p++;
        return HEL_OK;
    }
    double value = -(log10((double)mantissa) + (double)exponent);
    if (value < -1e-9)
        return bad_cell(r, "P", cell, "NA or a number from 0 to 1");
    *out = value > 0 ? value : 0;
    return HEL_OK;
}

/* ---- chromosomes ---- */

static uint32_t hash_name(hel_glm_text name)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < name.bytes; i++)
        h = (h ^ (uint8_t)name.at[i]) * 16777619u;
    return h;
}

static hel_status grow_chroms(reader *r)
{
    hel_glm_table *t = r->t;
    uint32_t room = r->chrom_room ? 2 * r->chrom_room : 64;
    hel_glm_chrom *chrom;
    uint32_t *slot;
    HEL_REQUIRE(r->engine, room <= 1u << 22, HEL_E_INPUT,
                "%s: line %llu: more than 2 million chromosome names", t->path,
                (unsigned long long)r->line);
    HEL_TRY(hel_calloc(r->engine, &chrom, room, sizeof *chrom));
    if (t->chroms)
        memcpy(chrom, t->chrom, t->chroms * sizeof *chrom);
    hel_free(t->chrom);
    t->chrom = chrom;
    r->chrom_room = room;
    HEL_TRY(hel_calloc(r->engine, &slot, 2 * (size_t)room, sizeof *slot));
    hel_free(r->slot);
    r->slot = slot;
    r->slots = 2 * room;
    for (uint32_t c = 0; c < t->chroms; c++) {
        uint32_t at = hash_name(chrom[c].name) & (r->slots - 1);
        while (slot[at])
            at = (at + 1) & (r->slots - 1);
        slot[at] = c + 1;
    }
    return HEL_OK;
}

static hel_status find_chrom(reader *r, hel_glm_text name, uint32_t *index)
{
    hel_glm_table *t = r->t;
    if (name.bytes > 3 && strncasecmp(name.at, "chr", 3) == 0)
        name = (hel_glm_text){name.at + 3, name.bytes - 3};
    if (name.bytes == 0)
        return bad_cell(r, "chromosome", name, "a name");
    *index = r->last_chrom;
    if (t->chroms && same_text(t->chrom[r->last_chrom].name, name))
        return HEL_OK;
    if (t->chroms == r->chrom_room)
        HEL_TRY(grow_chroms(r));
    uint32_t at = hash_name(name) & (r->slots - 1);
    while (r->slot[at] && !same_text(t->chrom[r->slot[at] - 1].name, name))
        at = (at + 1) & (r->slots - 1);
    if (!r->slot[at]) {
        t->chrom[t->chroms] = (hel_glm_chrom){name, INT64_MAX, INT64_MIN, 0};
        r->slot[at] = ++t->chroms;
    }
    *index = r->last_chrom = r->slot[at] - 1;
    return HEL_OK;
}

/* Rank of a name: numbers by value, then X, Y, XY, MT, then the rest. */
static uint64_t chrom_rank(hel_glm_text name)
{
    static const char *const special[] = {"X", "Y", "XY", "MT"};
    uint64_t number = 0;
    size_t i = 0;
    for (; i < name.bytes && i < 9 && name.at[i] >= '0' && name.at[i] <= '9'; i++)
        number = number * 10 + (uint64_t)(name.at[i] - '0');
    if (i == name.bytes)
        return number;
    for (i = 0; i < 4; i++)
        if (same(name, special[i]))
            return (uint64_t)1 << 40 | i;
    if (same(name, "M"))
        return (uint64_t)1 << 40 | 3;
    return (uint64_t)1 << 41;
}

typedef struct ranked {
    uint64_t rank;
    uint32_t index;
} ranked;

static int by_rank(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static hel_status order_chroms(reader *r)
{
    hel_glm_table *t = r->t;
    ranked *order = NULL;
    hel_glm_chrom *sorted = NULL;
    uint32_t *place = NULL;
    hel_status status = hel_calloc(r->engine, &order, t->chroms, sizeof *order);
    if (status == HEL_OK)
        status = hel_calloc(r->engine, &sorted, t->chroms, sizeof *sorted);
    if (status == HEL_OK)
        status = hel_calloc(r->engine, &place, t->chroms, sizeof *place);
    if (status == HEL_OK) {
        for (uint32_t c = 0; c < t->chroms; c++)
            order[c] = (ranked){chrom_rank(t->chrom[c].name), c};
        qsort(order, t->chroms, sizeof *order, by_rank);
        for (uint32_t c = 0; c < t->chroms; c++) {
            sorted[c] = t->chrom[order[c].index];
            place[order[c].index] = c;
        }
        for (size_t i = 0; i < t->variants; i++)
            t->variant[i].chrom = place[t->variant[i].chrom];
        hel_free(t->chrom);
        t->chrom = sorted;
        sorted = NULL;
    }
    hel_free(order);
    hel_free(sorted);
    hel_free(place);
    return status;
}

/* ---- lines ---- */

static hel_status read_header(reader *r, hel_glm_text line)
{
    hel_glm_table *t = r->t;
    hel_glm_text rest = line, cell;
    for (size_t c = 0; c < HEL_GLM_COLUMNS; c++)
        t->place[c] = ABSENT;
    t->tabs = memchr(line.at, '\t', line.bytes) != NULL;
    t->columns = 0;
    while (next_cell(t->tabs, &rest, &cell)) {
        for (size_t a = 0; a < sizeof aliases / sizeof *aliases; a++)
            if (same(cell, aliases[a].name) && t->place[aliases[a].column] == ABSENT)
                t->place[aliases[a].column] = t->columns;
        HEL_REQUIRE(r->engine, ++t->columns < 10000, HEL_E_INPUT,
                    "%s: line %llu: a header of more than 10000 columns", t->path,
                    (unsigned long long)r->line);
    }
    const char *lacking = NULL;
    if (t->place[HEL_GLM_LOG10P] == ABSENT && t->place[HEL_GLM_P] == ABSENT)
        lacking = "LOG10P, LOG10_P or P";
    if (t->place[HEL_GLM_POS] == ABSENT)
        lacking = "POS, GENPOS or BP";
    if (t->place[HEL_GLM_CHROM] == ABSENT)
        lacking = "#CHROM, CHROM or CHR";
    HEL_REQUIRE(r->engine, !lacking, HEL_E_INPUT,
                "%s: line %llu: the header has no column named %s; a plink2, heloci, REGENIE or "
                "GWAS-SSF table is expected",
                t->path, (unsigned long long)r->line, lacking);
    return HEL_OK;
}

static hel_status read_line(reader *r, hel_glm_text line, uint64_t offset)
{
    hel_glm_table *t = r->t;
    hel_glm_text rest = line, cell, cells[HEL_GLM_COLUMNS] = {{0}};
    uint32_t n = 0;
    for (; next_cell(t->tabs, &rest, &cell); n++)
        for (size_t c = HEL_GLM_CHROM; c <= HEL_GLM_TEST; c++)
            if (t->place[c] == n)
                cells[c] = cell;
    HEL_REQUIRE(r->engine, n == t->columns, HEL_E_INPUT,
                "%s: line %llu: %u columns where the header has %u", t->path,
                (unsigned long long)r->line, n, t->columns);
    if (t->place[HEL_GLM_TEST] != ABSENT) {
        if (!r->test.at)
            r->test = cells[HEL_GLM_TEST];
        if (!same_text(r->test, cells[HEL_GLM_TEST])) {
            t->other_tests++;
            return HEL_OK;
        }
    }
    hel_glm_variant v = {.log10p = NAN, .line = offset};
    HEL_TRY(find_chrom(r, cells[HEL_GLM_CHROM], &v.chrom));
    HEL_TRY(parse_position(r, cells[HEL_GLM_POS], &v.pos));
    int has_log = t->place[HEL_GLM_LOG10P] != ABSENT;
    cell = cells[has_log ? HEL_GLM_LOG10P : HEL_GLM_P];
    if (!is_missing(cell)) {
        HEL_TRY(has_log ? parse_log10p(r, cell, &v.log10p) : parse_p(r, cell, &v.log10p));
        t->tested++;
    }
    hel_glm_chrom *chrom = &t->chrom[v.chrom];
    chrom->variants++;
    if (v.pos < chrom->min)
        chrom->min = v.pos;
    if (v.pos > chrom->max)
        chrom->max = v.pos;
    t->variant[t->variants++] = v;
    return HEL_OK;
}

static hel_status read_lines(reader *r)
{
    hel_glm_table *t = r->t;
    int has_header = 0;
    for (uint64_t at = 0, next; at < t->bytes; at = next) {
        hel_glm_text line = line_at(t, at, &next);
        r->line++;
        if (line.bytes == 0)
            continue;
        if (has_header)
            HEL_TRY(read_line(r, line, at));
        else if (line.bytes < 2 || memcmp(line.at, "##", 2) != 0) {
            HEL_TRY(read_header(r, line));
            has_header = 1;
        }
    }
    HEL_REQUIRE(r->engine, has_header, HEL_E_INPUT, "%s: the file has no header line", t->path);
    return order_chroms(r);
}

hel_status hel_glm_parse(hel_engine *engine, hel_glm_table *out, const char *path,
                         const uint8_t *data, uint64_t bytes)
{
    *out = (hel_glm_table){.path = path, .data = data, .bytes = bytes};
    HEL_REQUIRE(engine, bytes > 0, HEL_E_INPUT, "%s: the file is empty", path);
    HEL_REQUIRE(engine, bytes < 2 || data[0] != 0x1f || data[1] != 0x8b, HEL_E_INPUT,
                "%s: the file is gzip-compressed; decompress it first", path);
    HEL_REQUIRE(engine, !memchr(data, 0, bytes), HEL_E_INPUT,
                "%s: the file holds a NUL byte, so it is not a text table", path);
    size_t lines = 1;
    for (const uint8_t *p = data; (p = memchr(p, '\n', (size_t)(data + bytes - p)));) {
        lines++;
        if (++p == data + bytes)
            break;
    }
    reader r = {.engine = engine, .t = out};
    hel_status status = hel_malloc(engine, &out->variant, lines, sizeof *out->variant);
    if (status == HEL_OK)
        status = read_lines(&r);
    hel_free(r.slot);
    if (status != HEL_OK)
        hel_glm_free(out);
    return status;
}

void hel_glm_free(hel_glm_table *t)
{
    hel_free(t->variant);
    hel_free(t->chrom);
    t->variant = NULL;
    t->chrom = NULL;
}

hel_glm_text hel_glm_cell(const hel_glm_table *t, const hel_glm_variant *v, hel_glm_column column)
{
    uint64_t next;
    hel_glm_text rest = line_at(t, v->line, &next), cell = {"", 0};
    if (t->place[column] == ABSENT)
        return cell;
    for (uint32_t n = 0; next_cell(t->tabs, &rest, &cell); n++)
        if (n == t->place[column])
            return cell;
    return (hel_glm_text){"", 0};
}
