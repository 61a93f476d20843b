/*
 * The three Landlock system calls and the rights that a scan needs. Constants are written out here
 * because the headers of an older distribution know fewer of them than the running kernel does.
 */
#ifndef HELOCI_TOOL_LANDLOCK_H
#define HELOCI_TOOL_LANDLOCK_H

typedef enum landlock_need {
    LANDLOCK_READ, /* read files, list folders */
    LANDLOCK_RUN,  /* read and execute */
    LANDLOCK_NODE, /* read, write and control device files */
    LANDLOCK_WORK  /* read, write, create, replace and remove regular files */
} landlock_need;

/* Version of the kernel's interface; 0 when it has none or has it switched off. */
int landlock_abi(void);
/* Descriptor of a ruleset that forbids everything this version can forbid; -1 with errno. */
int landlock_create(int abi);
/* 0, or -1 with errno. landlock_allow: below `path`, or the file itself. */
int landlock_allow(int ruleset, const char *path, landlock_need need);
int landlock_allow_fd(int ruleset, int fd, landlock_need need);
/* Shuts the calling thread in, for good. Needs PR_SET_NO_NEW_PRIVS. */
int landlock_enter(int ruleset);

#endif
