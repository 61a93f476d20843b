/**
 * @file heloci.h
 * @brief Everything: genome-wide association scans on encrypted genotypes.
 *
 * Start with engine.h, then keys.h and assoc.h; report.h draws, store.h explains files,
 * provenance.h tells who made them, params.h chooses and proves parameters, doctor.h examines the
 * machine. ckks.h stands beside them: encrypted arithmetic on vectors of real numbers, on the same
 * engine. All calls return hel_status and write their reason into the engine.
 */
#ifndef HELOCI_HELOCI_H
#define HELOCI_HELOCI_H

#include "heloci/assoc.h"
#include "heloci/ckks.h"
#include "heloci/doctor.h"
#include "heloci/engine.h"
#include "heloci/keys.h"
#include "heloci/params.h"
#include "heloci/provenance.h"
#include "heloci/report.h"
#include "heloci/status.h"
#include "heloci/store.h"
#include "heloci/version.h"

#endif
