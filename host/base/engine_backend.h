/* What an engine knows of its backend: the configuration, and the text that the opener leaves. */
#ifndef HEL_BASE_ENGINE_BACKEND_H
#define HEL_BASE_ENGINE_BACKEND_H

#include "host/base/error.h"

#define HEL_BACKEND_NAME_BYTES 32
#define HEL_BACKEND_TEXT_BYTES 640

/* The configured name, never NULL: "cpu" where none was given. */
const char *hel_engine_backend_name(const hel_engine *engine);
uint32_t hel_engine_backend_device(const hel_engine *engine);

/* The text once it has been set, else NULL. The first one stays. Thread-safe. */
const char *hel_engine_backend_text_get(hel_engine *engine);
const char *hel_engine_backend_text_set(hel_engine *engine, const char *text);

#endif
