/** What `redeno cli --help` prints; the options are those of redis-cli that we have. */
export const CLI_HELP_TEXT = `Usage: redeno cli [OPTIONS] [cmd [arg [arg ...]]]
  -h <hostname>      Server hostname (default: 127.0.0.1).
  -p <port>          Server port (default: 6379).
  -s <socket>        Path of a unix socket (overrides hostname and port).
  -a <password>      Password. The environment variable REDISCLI_AUTH is a safer way
                     to pass it (if both are given, this argument wins).
  --user <username>  With -a: sends 'AUTH username password'.
  --pass <password>  Same as -a.
  --askpass          Asks for the password on the terminal; -a and REDISCLI_AUTH are
                     then ignored.
  -u <uri>           redis://[user:]password@host:port/db, or rediss:// for TLS.
  -r <repeat>        Executes the command so many times (negative: for ever).
  -i <interval>      Seconds (0.1 is possible) between the repetitions of -r, the lines
                     of --stat, the steps of --scan, and every 100 steps of --bigkeys,
                     --memkeys and --hotkeys.
  -n <db>            Database number.
  -2                 Speaks RESP2 (the default).
  -3                 Speaks RESP3.
  -x                 Reads the last argument from standard input.
  -X <tag>           Replaces the argument <tag> by standard input.
  -d <delimiter>     Between the elements of raw replies (default: \\n).
  -D <delimiter>     Between raw replies (default: \\n).
  -e                 Exits with 1 when a command fails.
  --tls              Speaks TLS.
  --sni <host>       The name to ask the server for, and to find in its certificate.
  --cacert <file>    Certificates to trust (PEM) instead of the built-in ones.
  --cert <file>      Certificate to show to the server.
  --key <file>       Its private key.
  --insecure         Does not check the server's certificate.
  --raw              Bare replies (the default if standard output is no terminal).
  --no-raw           Replies for people even if standard output is no terminal.
  --csv              Replies in CSV.
  --json             Replies in JSON (asks for RESP3; -2 prevents that).
  --quoted-json      As --json, with strings in ASCII, quoted as Redis does.
  --quoted-input     Resolves quotes and escapes in the arguments.
  --show-pushes <yn> Whether to print RESP3 push messages (default: on a terminal).
  --stat             Prints figures of the server every second.
  --latency          Measures the time of a PING; to a pipe, for a second.
  --latency-history  The same, beginning anew every 15 seconds (or -i).
  --replica          Prints the commands that a server sends to its replicas.
  --rdb <file>       Fetches a snapshot of the server's data into a file ("-": standard
                     output).
  --functions-rdb <file> The same, with the functions and without the keys.
  --pipe             Sends standard input, which is in the protocol's form.
  --pipe-timeout <n> With --pipe: gives up after n seconds without a reply (default: 30;
                     0: never).
  --bigkeys          Looks for the keys with the most elements.
  --memkeys          Looks for the keys that take the most memory.
  --memkeys-samples <n> The same, looking at n elements of each key.
  --hotkeys          Looks for the keys used most; needs an LFU maxmemory-policy.
  --scan             Lists all keys.
  --pattern <pat>    Keys to look at with --scan, --bigkeys, --memkeys and --hotkeys.
  --quoted-pattern <pat> The same, with quotes and escapes.
  --count <n>        Keys per step of these (default: 10).
  --eval <file>      Sends the Lua script of the file: --eval f key1 key2 , arg1 arg2
  --no-auth-warning  Does not warn of a password on the command line.
  --help             Prints this.
  --version          Prints the version.

Without a command: an interactive session. There "help" tells of the commands; Tab completes,
arrow keys and Ctrl-R find earlier lines. They are kept in ~/.redeno_history (or the file that
REDENO_HISTFILE names; /dev/null for none), except those with a password.

Examples:
  redeno cli -u redis://default:PASSWORD@localhost:6379/0
  redeno cli -x set picture < picture.png
  redeno cli -r 100 -i 1 info memory
  redeno cli --scan --pattern 'user:*'
  redeno cli --pipe < commands.resp
  redeno cli --rdb backup.rdb
`;
