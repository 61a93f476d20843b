/* The two tables behind the command line. Order here is the order of the help. */
#include "tools/heloci/options.h"

#define RUN     (1u << CMD_RUN)
#define PARAMS  (1u << CMD_PARAMS)
#define KEYGEN  (1u << CMD_KEYGEN)
#define ENCRYPT (1u << CMD_ENCRYPT)
#define NULLM   (1u << CMD_NULL)
#define SCAN    (1u << CMD_SCAN)
#define MERGE   (1u << CMD_MERGE)
#define DECRYPT (1u << CMD_DECRYPT)
#define REPORT  (1u << CMD_REPORT)
#define INSPECT (1u << CMD_INSPECT)
#define VERIFY  (1u << CMD_VERIFY)
#define DOCTOR  (1u << CMD_DOCTOR)
#define SUBMIT  (1u << CMD_SUBMIT)
#define BENCH   (1u << CMD_BENCH)
#define OWNER   (KEYGEN | ENCRYPT | NULLM | DECRYPT)
#define EVERY   ((1u << CMD_COUNT) - 1)
#define WORKERS (EVERY & ~(PARAMS | INSPECT | SUBMIT)) /* they have an engine at work */

const command_row command_table[CMD_COUNT] = {
    [CMD_RUN] =
        {"run", NULL, "all steps on this machine, the scan shut off from the secrets",
         "Makes a key, encrypts the cohort, fits the null model, scans the ciphertexts in a "
         "process that can read neither key nor clear data, decrypts, verifies, writes the "
         "tables and draws them. Inputs and null models are checked first. Work files live in "
         "OUT.owner and OUT.centre and are removed at the end; should a step behind the "
         "encryption fail, they stay."},
    [CMD_PARAMS] = {"params", NULL, "choose a parameter set and prove it exact and secure",
                    "Searches the smallest ring that meets both conditions of exactness for the "
                    "worst data possible, and shows them with their numbers beside the pinned "
                    "security table. With --ckks: the named sets of the CKKS engine instead."},
    [CMD_KEYGEN] = {"keygen", NULL, "owner: draw a key pair",
                    "Writes OUT.key, which never leaves the owner, and OUT.evk, which the compute "
                    "centre needs."},
    [CMD_ENCRYPT] =
        {"encrypt", NULL, "owner: encrypt a cohort, once for all analyses",
         "Reads PLINK 1 files. Writes OUT.geno for the centre and the dataset file OUT.private "
         "(missing calls, digests for verification, names) for the owner. X, Y and MT "
         "are taken as the .bed codes them, like autosomes."},
    [CMD_NULL] = {"null", NULL, "owner: fit the null models and encrypt their columns",
                  "Joins phenotypes and covariates with the encrypted cohort by (FID, IID), fits "
                  "in clear, shows the plan, and writes OUT.weights for the centre and OUT.model "
                  "for the owner."},
    [CMD_SCAN] =
        {"scan", NULL, "centre: multiply ciphertexts; no secret is needed or read",
         "Adds up, per variant and column, encrypted genotypes times encrypted weights. Writes "
         "OUT.sums, or OUT.I-of-N.sums for a shard. Reads public files only. SIGTERM, SIGUSR1 and "
         "SIGINT let it finish its tile of samples, write a checkpoint OUT.ckpt and end with 75; "
         "the same command goes on from there. A second signal stops it at once. The sums are the "
         "same to the byte however often it was interrupted, and on whatever backend."},
    [CMD_MERGE] = {"merge", "FILE...", "centre: join the sums of shards",
                   "Proves that the shards are of one scan and that every variant is in exactly "
                   "one of them, checks every checksum, and writes OUT.sums, the very file that a "
                   "scan of everything writes."},
    [CMD_DECRYPT] = {"decrypt", NULL, "owner: decrypt, verify every sum, write the tables",
                     "Releases nothing unless all sums pass the check against the digests in the "
                     "dataset file. A failed check is final for these sums and counts against the "
                     "key. Quantitative traits: exact OLS with the t test; case/control: the score "
                     "test (as REGENIE's default), not Wald. The regenie format prints REGENIE's "
                     "own chi-square, which has the null model's variance: for quantitative traits "
                     "its p differs from the t test's."},
    [CMD_REPORT] = {"report", NULL, "Manhattan, QQ and a page from a table",
                    "Draws a plink2-style or REGENIE table: OUT.manhattan and OUT.qq as PNG and "
                    "SVG, and OUT.html, which needs no other file."},
    [CMD_INSPECT] = {"inspect", "FILE", "explain a heloci file or a manifest",
                     "Needs no key and shows no secret."},
    [CMD_VERIFY] =
        {"verify", "FILE", "check a file's checksums, and its manifest's signature",
         "Checks every checksum of a heloci file and, where FILE.manifest (or, for a "
         "table, the manifest of its run) is there or FILE is a manifest itself, that the "
         "signature holds and the files are those that were signed. Ends with 65 for "
         "damage and for another file than was signed, 76 for a signature that does not "
         "hold or another signer. That sums are right is checked by decrypt."},
    [CMD_DOCTOR] =
        {"doctor", NULL, "what this machine and job offer, and a test",
         "Reports processors, memory, limits, devices, the current folder's file system and the "
         "Slurm job around it, says where threads and buffers would go, and marks what is worth "
         "knowing (*) or wrong (!), with advice. Then encrypts, scans and decrypts a tiny cohort "
         "with every instruction set and on the device, and compares. Exit code 0; 69 when "
         "something is absent that is needed; 70 when the test fails."},
    [CMD_SUBMIT] =
        {"submit", "JOB.json", "centre: run a scan as an array of Slurm jobs",
         "Reads a job description: an object with the keys geno, weights, evk, out and shards, and "
         "others for what a task needs (tools/slurm/README.md lists them; installed under "
         "share/heloci/slurm). Writes OUT.slurm/scan.sbatch, an array with one task per shard, and "
         "merge.sbatch, and submits both. Shards that are finished are left out: after a failure "
         "the same command goes on. Paths are relative to the description's folder."},
    [CMD_BENCH] =
        {"bench", NULL, "measure all steps on a simulated cohort, and predict larger ones",
         "The workload encrypted-gwas in the stages of the fhe-benchmarking suite, each a process "
         "of its own: simulates a cohort from a seed, draws keys, encrypts, scans on every "
         "backend, "
         "decrypts, draws. Compares the tables with the same statistics computed in clear, and the "
         "backends with each other. Writes OUT.results-N.json for every run, OUT.json with all "
         "figures, OUT.md, and a picture OUT.svg, OUT.png. Then predicts what larger cohorts take, "
         "with the assumptions."},
};

#define TEXT(cmds, need)            KIND_TEXT, (cmds), (need), NULL, 0, 0
#define FILES(cmds, need)           KIND_FILE, (cmds), (need), NULL, 0, 0
#define FILES_OF(type, cmds, need)  KIND_FILE, (cmds), (need), (type), 0, 0
#define PREFIX_OF(type, cmds, need) KIND_PREFIX, (cmds), (need), (type), 0, 0
#define NEW_FILES(cmds, need)       KIND_PREFIX, (cmds), (need), NULL, 0, 0

const option_row option_table[OPT_COUNT] = {
    [OPT_BFILE] = {"bfile", "PREFIX", PREFIX_OF("bed", RUN | ENCRYPT, RUN | ENCRYPT),
                   "genotypes: PREFIX.bed, .bim and .fam"},
    [OPT_PHENO] = {"pheno", "FILE", FILES(RUN | NULLM, 0),
                   "phenotype table with a header (FID IID ... or IID ...); default: column 6 of "
                   "the .fam file"},
    [OPT_PHENO_NAME] = {"pheno-name", "A,B", TEXT(RUN | NULLM, 0),
                        "phenotypes to analyse, by column name; default: all"},
    [OPT_COVAR] = {"covar", "FILE", FILES(RUN | NULLM, 0),
                   "covariate table; default: intercept only"},
    [OPT_COVAR_NAME] = {"covar-name", "A,B", TEXT(RUN | NULLM, 0),
                        "covariates to use; default: all"},
    [OPT_KEEP] = {"keep", "FILE", FILES(RUN | ENCRYPT | NULLM, 0), "only these samples (FID IID)"},
    [OPT_REMOVE] = {"remove", "FILE", FILES(RUN | ENCRYPT | NULLM, 0), "all but these samples"},
    [OPT_EXTRACT] = {"extract", "FILE", FILES(RUN | ENCRYPT, 0), "only these variants (IDs)"},
    [OPT_EXCLUDE] = {"exclude", "FILE", FILES(RUN | ENCRYPT, 0), "all but these variants"},
    [OPT_KEY] = {"key", "FILE",
                 FILES_OF("key", ENCRYPT | NULLM | DECRYPT, ENCRYPT | NULLM | DECRYPT),
                 "the owner's .key"},
    [OPT_DATA] = {"data", "FILE", FILES_OF("private", NULLM | DECRYPT, NULLM | DECRYPT),
                  "the dataset file (.private) that encrypt wrote"},
    [OPT_GENO] = {"geno", "FILE", FILES_OF("geno", SCAN, SCAN),
                  "the .geno file that encrypt wrote"},
    [OPT_WEIGHTS] = {"weights", "FILE", FILES_OF("weights", SCAN, SCAN),
                     "the .weights file that null wrote"},
    [OPT_EVK] = {"evk", "FILE", FILES_OF("evk", SCAN, SCAN), "the .evk file that keygen wrote"},
    [OPT_SUMS] = {"sums", "FILE", FILES_OF("sums", DECRYPT, DECRYPT),
                  "the .sums file that scan wrote"},
    [OPT_MODEL] = {"model", "FILE", FILES_OF("model", DECRYPT, DECRYPT),
                   "the .model file that null wrote"},
    [OPT_TABLE] = {"table", "FILE", FILES_OF("glm.linear|glm.logistic|regenie|tsv", REPORT, REPORT),
                   "association table to draw"},
    [OPT_OUT] = {"out", "PREFIX",
                 NEW_FILES(RUN | OWNER | SCAN | MERGE | REPORT | BENCH,
                           RUN | OWNER | SCAN | MERGE | REPORT | BENCH),
                 "where output goes: names start with PREFIX"},
    [OPT_PASSPHRASE_FILE] = {"passphrase-file", "FILE", FILES(RUN | OWNER, 0),
                             "first line seals (keygen) or opens the key; readable to you alone; "
                             "also HELOCI_PASSPHRASE_FILE"},
    [OPT_TRAIT] = {"trait", "KIND", KIND_CHOICE, RUN | NULLM, 0, "auto|linear|logistic", 0, 0,
                   "default auto: case/control values mean logistic, as in plink2"},
    [OPT_CODING_01] = {"1", NULL, KIND_FLAG, RUN | NULLM, 0, NULL, 0, 0,
                       "case/control is coded 0 and 1 rather than 1 and 2"},
    [OPT_MISSING] = {"missing", "RULE", KIND_CHOICE, RUN | DECRYPT, 0, "mean|delete", 0, 0,
                     "missing calls: mean imputation (default), or deletion, which reproduces "
                     "plink2 (linear)"},
    [OPT_MISS_PLANE] = {"miss-plane", NULL, KIND_FLAG, RUN | ENCRYPT, 0, NULL, 0, 0,
                        "encrypt the missing calls too instead of listing them in the dataset "
                        "file; half as much data again, and no --missing delete"},
    [OPT_MIN_MAC] = {"min-mac", "N", KIND_COUNT, RUN | DECRYPT, 0, NULL, 0, 1e9,
                     "score test: rarer variants get LOW_MAC; default 5"},
    [OPT_VIF] = {"vif", "X", KIND_REAL, RUN | NULLM | DECRYPT, 0, NULL, 1, 1e9,
                 "largest variance inflation factor; default 50"},
    [OPT_MAX_CORR] = {"max-corr", "X", KIND_REAL, RUN | NULLM | DECRYPT, 0, NULL, 1e-9, 1,
                      "largest correlation of two predictors; default 0.999"},
    [OPT_MAX_COLUMNS] = {"max-columns", "N", KIND_COUNT, RUN | NULLM, 0, NULL, 1, 1000000,
                         "refuse plans with more weight columns; default 256"},
    [OPT_FORMAT] = {"format", "LIST", KIND_SET, RUN | DECRYPT, 0, "plink2|regenie|ssf", 0, 0,
                    "tables to write, separated by commas; default plink2; p of regenie is that of "
                    "REGENIE's chi-square"},
    [OPT_LIST] = {"list", "FILE", FILES(DECRYPT, 0), "write the tables' paths to FILE, one a line"},
    [OPT_TITLE] = {"title", "TEXT", TEXT(REPORT, 0),
                   "title of the pictures; default: from the file"},
    [OPT_TOP] = {"top", "N", KIND_COUNT, RUN | REPORT, 0, NULL, 1, 1000,
                 "loci in the page's table; default 20"},
    [OPT_BITS] = {"bits", "N", KIND_COUNT, RUN | PARAMS | KEYGEN, 0, NULL, 8, 24,
                  "precision of the weights; default 20"},
    [OPT_PLANE_MAX] = {"plane-max", "N", KIND_COUNT, PARAMS | KEYGEN, 0, NULL, 1, 65536,
                       "largest plane entry; default 2 (hard calls)"},
    [OPT_CHUNK] = {"chunk", "N", KIND_COUNT, RUN | PARAMS | KEYGEN, 0, NULL, 1, 1u << 24,
                   "samples summed before decryption, at the least; default 4096"},
    [OPT_LOG_N] = {"log-n", "N", KIND_COUNT, RUN | PARAMS | KEYGEN | BENCH, 0, NULL, 10, 17,
                   "force the ring dimension 2^N; default: smallest that works"},
    [OPT_CKKS] = {"ckks", "[NAME]", KIND_NAME, PARAMS, 0, NULL, 0, 0,
                  "table of the named sets of CKKS, or one in full: its levels, scales and primes"},
    [OPT_ESTIMATOR_INPUT] = {"estimator-input", NULL, KIND_FLAG, PARAMS, 0, NULL, 0, 0,
                             "print only the line to paste into the lattice estimator"},
    [OPT_OVERWRITE] = {"overwrite", NULL, KIND_FLAG, KEYGEN | ENCRYPT, 0, NULL, 0, 0,
                       "replace an existing key or dataset file: what was encrypted with it is "
                       "lost"},
    [OPT_KEEP_INTERMEDIATE] = {"keep-intermediate", NULL, KIND_FLAG, RUN | BENCH, 0, NULL, 0, 0,
                               "leave the folders of the work (OUT.owner and OUT.centre; bench: "
                               "--dir) for a look or another analysis"},
    [OPT_THREADS] = {"threads", "N", KIND_COUNT, WORKERS, 0, NULL, 1, 4096,
                     "worker threads; default: every processor allowed"},
    [OPT_MEMORY] = {"memory", "MIB", KIND_MEMORY, WORKERS, 0, NULL, 0, 0,
                    "budget for large buffers in MiB, or with a unit (512M, 2G); default: half of "
                    "what the machine, or the job, has"},
    [OPT_SIMD] = {"simd", "SET", KIND_CHOICE, WORKERS, 0, "auto|portable|avx2|avx512", 0, 0,
                  "force an instruction set"},
    [OPT_BACKEND] = {"backend", "NAME", KIND_CHOICE, RUN | SCAN | DOCTOR, 0, "auto|cuda|cpu|sim", 0,
                     0,
                     "where the scan computes: an NVIDIA GPU (cuda), the CPU, or that GPU where "
                     "there is one (default auto); sim runs the GPU's code on the CPU, for tests. "
                     "The sums are the same"},
    [OPT_BACKENDS] =
        {"backend", "LIST", KIND_SET, BENCH, 0, "auto|cuda|cpu|sim", 0, 0,
         "where the scan computes, one after another; default auto: the CPU and, where "
         "there is one, an NVIDIA GPU (cuda). sim is for tests and no measurement"},
    [OPT_DEVICE] = {"device", "LIST", KIND_NUMBERS, RUN | SCAN | DOCTOR | BENCH, 0, NULL, 0, 1023,
                    "which GPU: its number, several (0,1), or all; default 0, the first"},
    [OPT_SHARD] = {"shard", "I/N", TEXT(SCAN, 0),
                   "compute part I of N of the variants, counted from 1; auto: the place in a "
                   "Slurm array and among the tasks of srun. One that is finished is left as it "
                   "is"},
    [OPT_CHECKPOINT] = {"checkpoint", "SECONDS", KIND_REAL, SCAN, 0, NULL, 0, 1e8,
                        "time between checkpoints; default 600; 0: none, not even when a signal "
                        "comes"},
    [OPT_IO] = {"io", "HOW", KIND_CHOICE, SCAN | BENCH, 0, "auto|buffered|direct", 0, 0,
                "read genotypes through the page cache or past it; default auto: past it when the "
                "file is larger than half of the memory"},
    [OPT_EXPLAIN] = {"explain", NULL, KIND_FLAG, SCAN, 0, NULL, 0, 0,
                     "say what would be read, held and computed by whom, and, from rates measured "
                     "on the spot, how long it would take; then end"},
    [OPT_VERIFY] = {"verify", "F", KIND_REAL, RUN | SCAN, 0, NULL, 0, 1,
                    "compute this part of the scan, one tile at least, again on the CPU, chosen at "
                    "random, and compare bit for bit; default 0, 1 is everything"},
    [OPT_SIGN] = {"sign", "FILE", FILES_OF("pem", SCAN | MERGE, 0),
                  "PEM private key (Ed25519) that signs the manifest; also HELOCI_SIGNING_KEY; "
                  "default: a key drawn for this run"},
    [OPT_SIGNER] = {"signer", "KEY", FILES_OF("pem", VERIFY, 0),
                    "public key that must have signed: base64 as heloci prints it, or a file with "
                    "it in base64 or PEM"},
    [OPT_LOG] = {"log", "FILE", NEW_FILES(RUN | OWNER | SCAN | MERGE | REPORT, 0),
                 "append what happens to FILE, as JSON lines"},
    [OPT_JSON] = {"json", NULL, KIND_FLAG, DOCTOR, 0, NULL, 0, 0,
                  "one JSON object instead of text"},
    [OPT_NO_TEST] = {"no-test", NULL, KIND_FLAG, DOCTOR, 0, NULL, 0, 0,
                     "the report alone, without the test"},
    [OPT_DRY_RUN] = {"dry-run", NULL, KIND_FLAG, SUBMIT, 0, NULL, 0, 0,
                     "print the scripts and commands instead, and change nothing"},
    [OPT_SIZE] = {"size", "NAME", KIND_CHOICE, BENCH, 0, "toy|small|medium|large", 0, 0,
                  "the cohort, default small: 128 x 2,000 (a second or two), 1,000 x 40,000 (about "
                  "ten), 4,000 x "
                  "100,000 (a minute), 10,000 x 200,000 (minutes, 49 GB of disk)"},
    [OPT_SAMPLES] = {"samples", "N", KIND_COUNT, BENCH, 0, NULL, 64, 1000000,
                     "another number of samples than the size has"},
    [OPT_VARIANTS] = {"variants", "M", KIND_COUNT, BENCH, 0, NULL, 1, 100000000,
                      "another number of variants"},
    [OPT_RUNS] = {"runs", "N", KIND_COUNT, BENCH, 0, NULL, 1, 99,
                  "how often all is done and measured; default 3"},
    [OPT_SEED] = {"seed", "N", KIND_COUNT, BENCH, 0, NULL, 0, 9e15,
                  "of the simulated cohort; default 1"},
    [OPT_DIR] = {"dir", "FOLDER", NEW_FILES(BENCH, 0),
                 "where the work's files go, new or empty; default OUT.work"},
    [OPT_ENCRYPT_ONCE] = {"encrypt-once", NULL, KIND_FLAG, BENCH, 0, NULL, 0, 0,
                          "draw keys and encrypt in the first run only, as the suite's own harness "
                          "does"},
    [OPT_PREDICT] =
        {"predict", "SxV,...", TEXT(BENCH, 0),
         "cohorts to predict, samples x variants; default 100000x500000,500000x10000000"},
    [OPT_NODES] = {"nodes", "N", KIND_COUNT, BENCH, 0, NULL, 1, 65536,
                   "nodes that share a predicted scan, a shard each; default 16"},
    [OPT_STORAGE] =
        {"storage", "GBPS", KIND_REAL, BENCH, 0, NULL, 1e-3, 1e6,
         "GB/s that all nodes together read from storage, an assumption of predictions; "
         "default 10"},
    [OPT_RATES] = {"rates", "FILE", FILES_OF("json", BENCH, 0),
                   "rates to predict with besides those measured: OUT.json of another bench, or a "
                   "file of that shape; what it gives for this very cohort is compared"},
    [OPT_STAGE] = {"stage", "NAME", TEXT(BENCH, 0),
                   "run one stage in --dir and end, without --out: client_key_generation, "
                   "server_encrypted_compute "
                   "and so on"},
    [OPT_PROGRESS] = {"progress", "HOW", KIND_CHOICE, WORKERS, 0, "auto|bar|plain|json|none", 0, 0,
                      "on stderr; default auto: a bar on a terminal, else a line every 30 s"},
    [OPT_QUIET] = {"quiet", NULL, KIND_FLAG, WORKERS, 0, NULL, 0, 0, "nothing but errors"},
    [OPT_HELP] = {"help", NULL, KIND_FLAG, EVERY, 0, NULL, 0, 0, "this text"},
};
