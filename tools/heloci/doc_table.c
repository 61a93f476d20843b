/* The tables of doc_table.h. Order here is the order in the texts. */
#include "tools/heloci/doc_table.h"

#define ONLY(command) (1u << CMD_##command)
#define EVERY         ((1u << CMD_COUNT) - 1)
#define OWNER         (ONLY(KEYGEN) | ONLY(ENCRYPT) | ONLY(NULL) | ONLY(DECRYPT))

const word_row word_table[] = {
    {"help", "[COMMAND]", "the commands, or the options of one"},
    {"--help", NULL, "the commands"},
    {"--version", "[--json]", "the version; as JSON, how this program was built"},
    {NULL, NULL, NULL},
};

const operand_row operand_table[CMD_COUNT] = {
    [CMD_MERGE] = {KIND_FILE, "sums"},
    [CMD_INSPECT] = {KIND_FILE, "geno|weights|sums|manifest|evk|key|private|model|ckpt"},
    [CMD_VERIFY] = {KIND_FILE, "geno|weights|sums|manifest|evk|key|private|model|ckpt"},
    [CMD_SUBMIT] = {KIND_FILE, "json"},
};

const example_row example_table[] = {
    {CMD_RUN, "Every step of an analysis on one machine",
     "heloci run --bfile mice --pheno mice.pheno --pheno-name CD8 --covar mice.covar --out mice"},
    {CMD_RUN, "Case/control coded 0 and 1, tables for two programs",
     "heloci run --bfile mice --pheno ill.txt --1 --format plink2,regenie --out ill"},
    {CMD_PARAMS, "The set for weights of 16 bits, with its proof", "heloci params --bits 16"},
    {CMD_PARAMS, "The line that the lattice estimator reads", "heloci params --estimator-input"},
    {CMD_PARAMS, "One named set of the CKKS engine", "heloci params --ckks n14"},
    {CMD_KEYGEN, "A key pair: owner/lab.key stays, owner/lab.evk goes to the centre",
     "heloci keygen --out owner/lab"},
    {CMD_KEYGEN, "The same, sealed with the first line of a file of mode 0600",
     "heloci keygen --passphrase-file pass --out owner/lab"},
    {CMD_ENCRYPT, "Encrypt mice.bed, mice.bim and mice.fam",
     "heloci encrypt --bfile mice --key owner/lab.key --out owner/mice"},
    {CMD_NULL, "Two traits adjusted for all covariates of a table",
     "heloci null --data owner/mice.private --key owner/lab.key --pheno mice.pheno --pheno-name "
     "CD8,MCH --covar mice.covar --out owner/blood"},
    {CMD_SCAN, "Scan where there is no key",
     "heloci scan --geno mice.geno --weights blood.weights --evk lab.evk --out blood"},
    {CMD_SCAN, "On a GPU, a twentieth of it computed again on the CPU",
     "heloci scan --backend cuda --verify 0.05 --geno mice.geno --weights blood.weights --evk "
     "lab.evk --out blood"},
    {CMD_SCAN, "The second of four shards; run again after a signal, it goes on where it stopped",
     "heloci scan --shard 2/4 --geno mice.geno --weights blood.weights --evk lab.evk --out blood"},
    {CMD_SCAN, "Sign the sums' manifest, and keep a log",
     "heloci scan --sign key.pem --log scan.log --geno mice.geno --weights blood.weights --evk "
     "lab.evk --out blood"},
    {CMD_MERGE, "Join the four",
     "heloci merge --out blood blood.1-of-4.sums blood.2-of-4.sums blood.3-of-4.sums "
     "blood.4-of-4.sums"},
    {CMD_DECRYPT, "Verify the centre's sums and write one table per trait",
     "heloci decrypt --sums blood.sums --data owner/mice.private --model owner/blood.model --key "
     "owner/lab.key --out blood"},
    {CMD_REPORT, "Draw a table", "heloci report --table blood.CD8.glm.linear --out blood.CD8"},
    {CMD_INSPECT, "What a file holds and what it belongs to", "heloci inspect mice.geno"},
    {CMD_VERIFY, "Whether a file arrived as it was sent", "heloci verify mice.geno"},
    {CMD_DOCTOR, "A report for a ticket, without the test", "heloci doctor --no-test"},
    {CMD_DOCTOR, "Every GPU that the job was given, for a program to read",
     "heloci doctor --backend cuda --device all --json"},
    {CMD_SUBMIT, "Look at the scripts first", "heloci submit --dry-run blood.json"},
    {CMD_SUBMIT, "Submit; after a failure, the same again for what is missing",
     "heloci submit blood.json"},
    {CMD_VERIFY, "Whether the centre whose key this is signed these sums",
     "heloci verify blood.sums --signer centre.pem"},
    {CMD_BENCH, "Every stage three times, on a cohort that takes about ten seconds",
     "heloci bench --size small --out small"},
    {CMD_BENCH, "CPU against GPU, work files on a fast disk",
     "heloci bench --size medium --backend cpu,cuda --dir /scratch/bench --out medium"},
    {CMD_BENCH, "How well the rates of one size predict another",
     "heloci bench --size medium --rates small.json --out medium"},
    {CMD_BENCH, "A cohort of one's own on 64 nodes whose storage gives 100 GB/s",
     "heloci bench --size small --predict 50000x800000 --nodes 64 --storage 100 --out small"},
    {CMD_COUNT, NULL, NULL},
};

const exit_row exit_table[] = {
    {0, EVERY, "done"},
    {64, EVERY, "the command line is wrong"},
    {65, EVERY,
     "an input is damaged or breaks a rule, files do not belong together, or a model cannot be "
     "fitted"},
    {66, OWNER | ONLY(RUN), "an input or the passphrase file is not there"},
    {66, ONLY(SUBMIT), "the description or an input that it names is not there"},
    {69, EVERY, "not possible here: an instruction set, a device or a feature is missing"},
    {70, EVERY, "a bug in heloci, or a machine that computes wrongly"},
    {71, EVERY, "memory is short, or its budget too small"},
    {74, EVERY, "reading or writing failed"},
    {75, ONLY(SUBMIT), "a job of the same scan is still in the queue"},
    {75, EVERY & ~ONLY(SUBMIT),
     "stopped by a signal before the end; the same scan goes on from its checkpoint"},
    {76, ONLY(RUN) | ONLY(DECRYPT) | ONLY(BENCH),
     "the sums failed verification, and nothing was released; bench: or they differ between "
     "backends, or the tables from what was computed in clear"},
    {76, ONLY(VERIFY) | ONLY(INSPECT),
     "a manifest's signature does not hold; verify --signer: another signed it, or there is none"},
    {77, EVERY, "no permission, or a secret file that others may read"},
    {78, EVERY, "refused for security: insecure parameters, or a key that was retired"},
    {-1, 0, NULL},
};

const variable_row variable_table[] = {
    {"HELOCI_PASSPHRASE_FILE", OWNER | ONLY(RUN),
     "the passphrase file where --passphrase-file is not given"},
    {"HELOCI_BACKEND_DIR", ONLY(RUN) | ONLY(SCAN) | ONLY(DOCTOR) | ONLY(BENCH),
     "folder where the library of a backend (libheloci_cuda.so.0) is looked for first; its code "
     "runs with the rights of the process"},
    {"SLURM_TMPDIR, TMPDIR", ONLY(DOCTOR),
     "where the test makes and removes its folder; the first that is set, else /tmp"},
    {"HWLOC_XMLFILE", ONLY(DOCTOR),
     "a description of a machine, as lstopo writes it, to report on in place of this one's nodes"},
    {"HELOCI_SIGNING_KEY", ONLY(SCAN) | ONLY(MERGE),
     "the private key that signs where --sign is not given"},
    {"HELOCI_TRACEPARENT, TRACEPARENT", EVERY & ~(ONLY(PARAMS) | ONLY(INSPECT) | ONLY(VERIFY)),
     "trace context (W3C) that manifests and logs repeat"},
    {"COLUMNS", EVERY, "width of help and progress where the terminal does not say"},
    {"NO_COLOR", EVERY & ~(ONLY(PARAMS) | ONLY(INSPECT) | ONLY(SUBMIT)),
     "if set, the progress bar has no colours"},
    {NULL, 0, NULL},
};

#define NO_COMMAND 0

const file_row file_table[] = {
    {"PREFIX.key", ONLY(KEYGEN), 2, "secret key", 1,
     "the owner's secret, sealed where a passphrase was given"},
    {"PREFIX.key.rejections", ONLY(DECRYPT), 0, NULL, 1,
     "failed verifications of that key, one a line; three retire it"},
    {"PREFIX.evk", ONLY(KEYGEN), 3, "evaluation keys", 0,
     "with these the centre unpacks weights and finishes sums; they decrypt nothing"},
    {"PREFIX.geno", ONLY(ENCRYPT), 4, "genotypes", 0, "the encrypted cohort"},
    {"PREFIX.private", ONLY(ENCRYPT), 5, "dataset", 1,
     "names of samples and variants, missing calls, digests for verification"},
    {"PREFIX.weights", ONLY(NULL), 6, "weights", 0, "the null models' columns, encrypted"},
    {"PREFIX.model", ONLY(NULL), 7, "model", 1, "the null models in clear"},
    {"PREFIX.sums", ONLY(SCAN) | ONLY(MERGE), 8, "sums", 0, "a scan's result, encrypted"},
    {"PREFIX.sums.manifest, PREFIX.I-of-N.sums.manifest", ONLY(SCAN) | ONLY(MERGE), 0, NULL, 0,
     "what the sums were made from, with what and where, signed"},
    {"PREFIX.I-of-N.sums", ONLY(SCAN), 15, "partial sums", 0, "a shard's result, to be merged"},
    {"PREFIX.ckpt, PREFIX.I-of-N.ckpt", ONLY(SCAN), 16, "checkpoint", 0,
     "where a stopped scan goes on, with the .sums.part that it speaks of; removed at the end"},
    {"PREFIX.TRAIT.glm.linear, PREFIX.TRAIT.glm.logistic", ONLY(RUN) | ONLY(DECRYPT), 0, NULL, 0,
     "tables as plink2 writes them; PREFIX_TRAIT.regenie as REGENIE does; PREFIX.TRAIT.ssf.tsv "
     "with -meta.yaml as the GWAS Catalog takes them"},
    {"PREFIX.manifest", ONLY(RUN) | ONLY(DECRYPT), 0, NULL, 0,
     "what the tables were made from, signed by a key of the owner's"},
    {"PREFIX.manhattan.png, PREFIX.qq.png", ONLY(RUN) | ONLY(REPORT), 0, NULL, 0,
     "pictures, also as .svg; run puts the trait into their names"},
    {"PREFIX.html", ONLY(RUN) | ONLY(REPORT), 0, NULL, 0,
     "a page with pictures and top loci that needs no other file"},
    {"PREFIX.owner, PREFIX.centre", ONLY(RUN), 0, NULL, 1,
     "folders of a run at work; removed at its end unless a step behind the encryption failed"},
    {"PREFIX.slurm", ONLY(SUBMIT), 0, NULL, 0,
     "folder of scan.sbatch and merge.sbatch, of the jobs' numbers and their logs; PREFIX is what "
     "the description calls out"},
    {"PREFIX.results-1.json, PREFIX.results-2.json", ONLY(BENCH), 0, NULL, 0,
     "a run in the shape of the fhe-benchmarking suite: Timing, Bandwidth, Server Reported; of a "
     "further backend PREFIX.BACKEND.results-1.json"},
    {"PREFIX.json", ONLY(BENCH), 0, NULL, 0,
     "all that was measured, checked and predicted, with the rates that --rates reads"},
    {"PREFIX.md, PREFIX.svg, PREFIX.png", ONLY(BENCH), 0, NULL, 0,
     "the tables and the picture: stages and throughput by backend"},
    {"PREFIX.work", ONLY(BENCH), 0, NULL, 1,
     "folder of a bench at work, keys and clear data of the simulated cohort included; removed at "
     "its end"},
    {"*.part", EVERY & ~(ONLY(PARAMS) | ONLY(INSPECT) | ONLY(VERIFY) | ONLY(DOCTOR)), 0, NULL, 0,
     "a file under way; it takes its name when it is whole and on disk"},
    {NULL, NO_COMMAND, 1, "parameters", 0, "a parameter set of the scan by itself"},
    {NULL, NO_COMMAND, 9, "CKKS parameters", 0, "a parameter set of the CKKS engine"},
    {NULL, NO_COMMAND, 10, "CKKS secret key", 1, "plain or sealed"},
    {NULL, NO_COMMAND, 11, "CKKS public key", 0, "encrypts"},
    {NULL, NO_COMMAND, 12, "CKKS evaluation keys", 0, "for products, rotations and conjugation"},
    {NULL, NO_COMMAND, 13, "CKKS plaintext", 1, "encoded vectors in clear"},
    {NULL, NO_COMMAND, 14, "CKKS ciphertext", 0, "encrypted vectors"},
    {NULL, NO_COMMAND, 0, NULL, 0, NULL},
};

const char *const overview_text[] = {
    "heloci runs genome-wide association scans on genotypes that stay encrypted. The data owner "
    "encrypts a cohort once; a compute centre scans the ciphertexts and never holds a key; the "
    "owner decrypts exact per-variant sums, proves that they are right, and finishes the "
    "statistics: exact least squares for quantitative traits, the score test for case/control.",
    "The owner's steps are keygen, encrypt, null and decrypt; the centre's are scan "
    "and merge, or submit, which has Slurm do both. run does all on one machine. Each command has "
    "a manual page of its own.",
    "An option's value follows it as the next word or behind an equals sign: `--bits 16`, "
    "`--bits=16`. No option may be given twice. Names are PLINK's where PLINK has them.",
    "A file that a command writes appears whole or not at all. What a command has to say goes to "
    "standard output, progress and errors to standard error; an error names the file, the place "
    "and the rule that was broken.",
    NULL,
};

const char *const container_text[] = {
    "Every file that heloci writes for itself has one format: a header of 512 bytes, sections, a "
    "table of the sections, checksums, and a closing digest. All numbers are little-endian. There "
    "is exactly one legal layout for given sections; a reader computes it and compares.",
    "A file begins with the eight bytes 89 48 45 4C 4F 43 49 0A (0x89, HELOCI, line feed), then "
    "the "
    "format's version and the kind, four bytes each. The header also names the files that this one "
    "belongs to: parameters, dataset, weights and key, by digest or random id.",
    "The kinds below that are for the owner only hold secrets or personal data: they are written "
    "with mode 0600 and refused when others may read them. All others may go to the centre.",
    NULL,
};

const char *const container_more[] = {
    "Checksums and digests find accidents: a flipped bit, a cut, bytes too many. They do not stop "
    "somebody who changes a file on purpose; the sums of a scan are verified by the owner with "
    "secret digests before anything is released.",
    "`heloci inspect FILE` explains a file without a key, `heloci verify FILE` checks all of its "
    "checksums, and its manifest where it has one.",
    "The normative text, byte by byte, is FORMAT.md, installed in share/doc/heloci.",
    NULL,
};
