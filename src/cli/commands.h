/* cli/commands.h - the rows, each in the file of its sub-command. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct cli_command cli_serve;      /* serve.c */
extern const struct cli_command cli_check;      /* check.c */
extern const struct cli_command cli_demo;       /* demo.c */
extern const struct cli_command cli_mock;       /* mock.c */
extern const struct cli_command cli_domain;     /* domain.c */
extern const struct cli_command cli_expect;     /* expect.c */
extern const struct cli_command cli_setup;      /* setup.c */
extern const struct cli_command cli_lab;        /* lab.c */
extern const struct cli_command cli_structure;  /* structure.c */
extern const struct cli_command cli_export;     /* export.c */
extern const struct cli_command cli_import;     /* import.c */
extern const struct cli_command cli_lint;       /* lint.c */
extern const struct cli_command cli_queue;      /* queue.c */
extern const struct cli_command cli_undelete;   /* undelete.c */
extern const struct cli_command cli_trace;      /* trace_command.c */
extern const struct cli_command cli_account;    /* account.c */
extern const struct cli_command cli_mailbox;    /* mailbox.c */
extern const struct cli_command cli_alias;      /* alias.c */
extern const struct cli_command cli_bench;      /* bench.c */
extern const struct cli_command cli_nameserver; /* nameserver.c */
extern const struct cli_command cli_send;       /* send.c */
extern const struct cli_command cli_sendmail;   /* sendmail.c */
extern const struct cli_command cli_help;       /* help.c */
extern const struct cli_command cli_version;    /* help.c */
extern const struct cli_command cli_role;       /* role.c */
extern const struct cli_command cli_repair;     /* repair.c */
extern const struct cli_command cli_verify;     /* verify.c */
extern const struct cli_command cli_sim;        /* sim.c */

#endif
