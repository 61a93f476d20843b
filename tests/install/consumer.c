/* The smallest user of an installed heloci: header and library agree, and calls fail as they say.
 * The calls reach OpenSSL, xxHash, Cairo, hwloc and Jansson, so that a static link needs all of them.
 * Compiles as C and as C++, where install.sh puts every public header in front. */
#include <stdio.h>
#include <string.h>

#include <heloci/heloci.h>

static const char missing[] = "/nonexistent/file";

static int names_it(const hel_engine *engine, hel_status status)
{
    printf("%s: %s\n", hel_status_name(status), hel_engine_error(engine));
    return status != HEL_OK && strstr(hel_engine_error(engine), missing) != NULL;
}

static int count(void *arg, const hel_finding *finding)
{
    *(int *)arg += finding->name[0] != 0;
    return 0;
}

/* A report on this machine. */
static int examines(hel_engine *engine)
{
    hel_doctor_config config = HEL_DOCTOR_CONFIG_INIT;
    int findings = 0;
    return hel_doctor(engine, &config, count, &findings) == HEL_OK && findings > 20;
}

/* The build as JSON names the version that the header has. */
static int take_build(void *arg, const char *text)
{
    int *good = (int *)arg;
    *good = strstr(text, "\"version\":\"" HEL_VERSION_STRING "\"") != NULL;
    return 0;
}

int main(void)
{
    hel_engine_config config = HEL_ENGINE_CONFIG_INIT;
    hel_engine *engine = NULL;
    config.threads = 1;
    if (strcmp(hel_version(), HEL_VERSION_STRING) != 0) {
        fprintf(stderr, "headers %s, library %s\n", HEL_VERSION_STRING, hel_version());
        return 1;
    }
    if (hel_engine_create(&engine, &config) != HEL_OK || hel_engine_threads(engine) != 1) {
        fprintf(stderr, "no engine\n");
        return 1;
    }
    hel_scan_config scan = HEL_SCAN_CONFIG_INIT; /* the scan places its threads by hwloc */
    scan.geno = scan.weights = scan.evk = missing;
    scan.out = "sums";
    if (!names_it(engine, hel_scan(engine, &scan, NULL)))
        return 1;
    hel_report_config report = HEL_REPORT_CONFIG_INIT;
    report.table = missing;
    report.out = missing;
    hel_verify_config verify = HEL_VERIFY_CONFIG_INIT;
    verify.path = missing;
    int built = 0;
    int good = names_it(engine, hel_verify_file(engine, missing)) &&
               names_it(engine, hel_verify(engine, &verify, NULL)) &&
               names_it(engine, hel_report(engine, &report, NULL)) && examines(engine) &&
               hel_build_json(engine, take_build, &built) == HEL_OK && built;
    hel_engine_free(engine);
    return good ? 0 : 1;
}
