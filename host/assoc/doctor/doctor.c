/* hel_doctor: the order of the sections, and the way out for what they find. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <openssl/crypto.h>

#include "host/assoc/doctor/doctor_private.h"
#include "host/base/mem.h"

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

hel_status hel_tell(hel_doctor_state *d, hel_entry e, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const hel_finding f = {.section = d->section,
                           .name = e.name,
                           .item = d->item,
                           .label = e.label,
                           .text = text,
                           .kind = e.kind,
                           .number = e.number,
                           .real = e.real,
                           .mark = e.mark,
                           .advice = e.advice};
    HEL_REQUIRE(d->engine, d->out(d->arg, &f) == 0, HEL_E_CANCELLED, "doctor: stopped on request");
    return HEL_OK;
}

hel_status hel_tell_truth(hel_doctor_state *d, const char *name, const char *label, int yes)
{
    return hel_tell(d, hel_entry_number(name, label, HEL_VALUE_TRUTH, yes != 0), "%s",
                    yes ? "yes" : "no");
}

const char *hel_bytes_text(char out[32], uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    int unit = 0;
    for (; value >= 1023.95 && unit < 6; unit++)
        value /= 1024;
    const int whole = unit == 0 || value >= 100 || value == (double)(uint64_t)value;
    snprintf(out, 32, "%.*f %s", whole ? 0 : 1, value, units[unit]);
    return out;
}

static hel_status build(hel_doctor_state *d)
{
    struct utsname u;
    char version[32];
    HEL_TRY(hel_tell(d, hel_entry_text("version", "heloci"), "%s", hel_version()));
    HEL_TRY(hel_tell(d, hel_entry_text("compiler", "compiled by"), "%s", COMPILER));
    HEL_TRY(hel_tell(d, hel_entry_text("openssl", "OpenSSL"), "%s",
                     OpenSSL_version(OPENSSL_VERSION_STRING)));
    HEL_TRY(hel_tell(d, hel_entry_text("hwloc", "hwloc, interface"), "%s",
                     hel_topology_library(version)));
    if (uname(&u) != 0)
        return HEL_OK;
    HEL_TRY(hel_tell(d, hel_entry_text("host", "host"), "%s", u.nodename));
    return hel_tell(d, hel_entry_text("kernel", "kernel"), "%s %s, %s", u.sysname, u.release,
                    u.machine);
}

static const struct {
    const char *section;
    hel_status (*tell)(hel_doctor_state *d);
} sections[] = {{"build", build},
                {"processors", hel_doctor_processors},
                {"nodes", hel_doctor_nodes},
                {"backends", hel_doctor_backends},
                {"devices", hel_doctor_devices},
                {"placement", hel_doctor_placement},
                {"memory", hel_doctor_memory},
                {"limits", hel_doctor_limits},
                {"files", hel_doctor_files},
                {"slurm", hel_doctor_slurm}};

hel_status hel_doctor(hel_engine *engine, const hel_doctor_config *config, hel_finding_fn out,
                      void *arg)
{
    hel_error_clear(engine);
    HEL_REQUIRE(engine, config && config->size == sizeof *config && out, HEL_E_USAGE,
                "doctor: malformed configuration");
    hel_doctor_state d = {.engine = engine,
                          .folder = config->folder ? config->folder : ".",
                          .root = config->root ? config->root : "",
                          .out = out,
                          .arg = arg};
    /* The bus is looked at only when there is a device to find on it: see hel_doctor_backends(). */
    hel_status status = hel_topology_load(engine, &d.topology, NULL);
    if (status == HEL_OK)
        hel_group_limits_read(&d.groups, d.root);
    for (size_t i = 0; status == HEL_OK && i < sizeof sections / sizeof *sections; i++) {
        d.section = sections[i].section;
        d.item = -1;
        status = sections[i].tell(&d);
    }
    hel_topology_free(d.topology);
    hel_free(d.device);
    return status;
}
