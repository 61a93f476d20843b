/* Any bytes as an encoded CKKS parameter set: refused, or a set that passes its check and encodes
 * to the same bytes. */
#include "host/base/mem.h"
#include "tests/fuzz/fuzz_ckks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hel_ckks_params p;
    hel_ckks_info info;
    hel_buf again = {0};
    setenv("HELOCI_ALLOW_TOY", "1", 1);
    hel_status status = hel_ckks_params_decode(NULL, data, size, &p);
    need(status == HEL_OK || status == HEL_E_FORMAT || status == HEL_E_SECURITY);
    if (status == HEL_OK) {
        need(hel_ckks_params_check(NULL, &p, &info) == HEL_OK);
        need(info.log_q > 0 && info.log_qp > info.log_q && info.dnum >= 1);
        need(hel_ckks_params_encode(NULL, &p, &again) == HEL_OK);
        need(again.bytes == size && memcmp(again.data, data, size) == 0);
        hel_buf_free(&again);
    }
    need(hel_mem_in_use() == 0);
    return 0;
}
